/*
 * sample.c: fills an empty database with a small shop to look at, and takes the shop away
 * again.
 *
 * Invariants: a shop is made only where nobody has people, a catalogue or anything else of the
 * business's own. All that it makes has one of its ids or names, by which it is found again:
 * rows of the business's own are never taken away.
 *
 * Locks: SHARE ROW EXCLUSIVE on the tables that everything else refers to, before they are
 * looked at: nobody else begins a business, or a second shop, meanwhile.
 *
 * Rights: the owner of the tables alone. The statements run with its rights.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "identity/closed_id.h"

static KeptPlan lock_tables = {
	.sql = "LOCK TABLE coursebase.users, coursebase.courses, coursebase.products"
		   " IN SHARE ROW EXCLUSIVE MODE",
};
/* What a business writes first. All other rows refer to one of these, or tell of nobody. */
static KeptPlan find_rows = {
	.sql = "SELECT 'users' WHERE EXISTS (SELECT FROM coursebase.users)"
		   " UNION ALL SELECT 'courses' WHERE EXISTS (SELECT FROM coursebase.courses)"
		   " UNION ALL SELECT 'products' WHERE EXISTS (SELECT FROM coursebase.products)"
		   " UNION ALL SELECT 'store_products'"
		   "  WHERE EXISTS (SELECT FROM coursebase.store_products)"
		   " UNION ALL SELECT 'discount_codes'"
		   "  WHERE EXISTS (SELECT FROM coursebase.discount_codes)"
		   " UNION ALL SELECT 'master_manifests'"
		   "  WHERE EXISTS (SELECT FROM coursebase.master_manifests)"
		   " UNION ALL SELECT 'cohorts' WHERE EXISTS (SELECT FROM coursebase.cohorts)"
		   " UNION ALL SELECT 'organizations'"
		   "  WHERE EXISTS (SELECT FROM coursebase.organizations)",
};
static KeptPlan make_rows = {
	.sql = "SELECT what, made FROM coursebase.sample_rows($1)",
	.nargs = 1,
	.types = {TIMESTAMPTZOID},
};
enum
{
	ROWS_WHAT = 1,
	ROWS_MADE,
};

/* A key of the shop's own, and a person of the shop. sample_rows() writes them. */
#define ITS(column)                                                                            \
	column " BETWEEN '5a5a5a5a-0000-4000-8000-000000000000'"                                   \
		   " AND '5a5a5a5a-0000-4000-8000-ffffffffffff'"
#define OF_ITS_PEOPLE(table) "DELETE FROM coursebase." table " WHERE " ITS("user_id")

/*
 * What is taken away, in an order in which nothing refers to what goes; the rest goes with the
 * row that it belongs to. Of subscriptions only the machine writes, and events stay for ever:
 * with triggers off, which none of their keys needs, since nothing outside refers to them.
 */
static struct Removal
{
	const char *what;
	bool triggers_off;
	KeptPlan plan;
} removals[] = {
	{"events of subscriptions", true, {.sql = OF_ITS_PEOPLE("subscription_events")}},
	{"lines of subscriptions", true, {.sql = OF_ITS_PEOPLE("subscription_lines")}},
	{"subscriptions", true, {.sql = OF_ITS_PEOPLE("subscriptions")}},
	{"courses of app stores", false, {.sql = OF_ITS_PEOPLE("course_purchases")}},
	{"receipts", false, {.sql = OF_ITS_PEOPLE("store_receipts")}},
	{"uses of codes", false, {.sql = OF_ITS_PEOPLE("discount_redemptions")}},
	{"codes of people", false, {.sql = OF_ITS_PEOPLE("user_discounts")}},
	{"sales", false, {.sql = OF_ITS_PEOPLE("purchases")}},
	{"people", false, {.sql = "DELETE FROM coursebase.users WHERE " ITS("id")}},
	{"ids of closed accounts",
	 false,
	 {.sql = "DELETE FROM coursebase.closed_ids c USING coursebase.closed_id_key k, unnest("
			 "ARRAY['sample_olga', 'sample_ada', 'sample_ben', 'sample_cleo']) AS s (id)"
			 " WHERE c.id_hash = " CLOSED_ID_HASH("s.id")}},
	{"products of app stores",
	 false,
	 {.sql = "DELETE FROM coursebase.store_products"
			 " WHERE product_id IN ('sample_focus', 'sample_monthly')"}},
	{"products", false, {.sql = "DELETE FROM coursebase.products WHERE " ITS("id")}},
	{"codes", false, {.sql = "DELETE FROM coursebase.discount_codes WHERE " ITS("id")}},
	{"manifests", false, {.sql = "DELETE FROM coursebase.master_manifests WHERE " ITS("id")}},
	{"courses", false, {.sql = "DELETE FROM coursebase.courses WHERE " ITS("id")}},
};

static void shop_begin(const char *function);
static void empty_require(void);
static uint64 removal_run(struct Removal *removal);
static void row_report(ReturnSetInfo *report, const char *what, int64 count);

PG_FUNCTION_INFO_V1(coursebase_sample_shop);
PG_FUNCTION_INFO_V1(coursebase_remove_sample_shop);

/*
 * SQL function: sample_shop(at timestamptz) returns table (what text, made bigint)
 *
 * Raises 55000 where there are rows already.
 */
PGDLLEXPORT Datum
coursebase_sample_shop(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum at = TimestampTzGetDatum(args_time(fcinfo, 0));
	uint64 rows;

	shop_begin("sample_shop");
	compat_materialize(fcinfo);
	SPI_connect();
	plan_execute(&lock_tables, NULL, NULL, false);
	empty_require();
	rows = plan_execute(&make_rows, &at, NULL, false);
	for (uint64 row = 0; row < rows; row++)
		row_report(report, plan_text_required(row, ROWS_WHAT), plan_int64(row, ROWS_MADE));
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: remove_sample_shop() returns table (what text, removed bigint)
 *
 * Raises 23503 where something of the business's own refers to the shop.
 */
PGDLLEXPORT Datum
coursebase_remove_sample_shop(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;

	shop_begin("remove_sample_shop");
	compat_materialize(fcinfo);
	SPI_connect();
	plan_execute(&lock_tables, NULL, NULL, false);
	for (int i = 0; i < lengthof(removals); i++)
	{
		uint64 removed = removal_run(&removals[i]);

		if (removed > 0)
			row_report(report, removals[i].what, removed);
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * The very role: what the owner hung on its tables would run with the rights of a superuser, or
 * of another member, who makes the shop; and confined (owner_confine()) no product is made
 * public, because its trigger waits for the commit.
 */
static void
shop_begin(const char *function)
{
	Oid owner;

	PreventCommandIfReadOnly(psprintf("coursebase.%s()", function));
	schema_require_current();
	owner = owner_of_tables();
	if (GetUserId() != owner)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may run %s()", function),
						errdetail("They belong to \"%s\".", GetUserNameFromId(owner, false)),
						errhint("SET ROLE to that role first.")));
}

/* What is committed by now counts: who waited for the locks has a snapshot of before. */
static void
empty_require(void)
{
	if (plan_execute_latest(&find_rows, NULL, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a sample shop is made in an empty database only"),
				 errdetail("Table \"%s\" has rows.", plan_text_required(0, 1)),
				 errhint("Create a database of its own for it; an earlier sample shop is "
						 "taken away by SELECT * FROM coursebase.remove_sample_shop().")));
}

static uint64
removal_run(struct Removal *removal)
{
	int level = session_settings_begin();
	uint64 removed;

	if (removal->triggers_off)
		session_setting_set("session_replication_role", "replica");
	removed = plan_execute(&removal->plan, NULL, NULL, false);
	session_settings_end(level);
	return removed;
}

static void
row_report(ReturnSetInfo *report, const char *what, int64 count)
{
	Datum values[] = {CStringGetTextDatum(what), Int64GetDatum(count)};
	bool nulls[] = {false, false};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}
