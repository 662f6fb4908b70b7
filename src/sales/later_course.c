/*
 * later_course.c: existing buyers get a course that is added to their product.
 *
 * Invariant: while products.gives_later_courses is on, a course that is added to the product is
 * given to everybody with a purchase of it that has not ended, bound to the purchase and until
 * its end; the grant of a refunded purchase counts after the reversal. A course that is taken
 * out of a product stays with those who bought it.
 *
 * Locks: the buyers' rows of users before the product's row, as a sale locks them, by a trigger
 * that fires before catalog/product.c updates the product. Who bought between the two locks is
 * locked afterwards without waiting; if that person is busy, the statement ends with KB007, in
 * a transaction that keeps its snapshot (REPEATABLE READ) with 40001. So does the latter where
 * its snapshot is older than such a purchase. save_product(), and a statement about several
 * products, hold a product before the buyers: against another sale of it to one of them they
 * end with KB007 (core/lock_behind.h), never the sale.
 *
 * Where the catalogue comes from another server, courses are added there and the buyers are
 * here: a trigger a row, because the server applies rows and fires none for statements, does
 * the same when the row arrives. The product's row arrived before it and is locked. If a buyer
 * is busy, the error makes the server apply the transaction again a few seconds later.
 *
 * A buyer who moves from one cell to another is in neither of them on the way: a course whose
 * row arrives meanwhile, or that the old cell has not heard of and the new one has, is given
 * when the buyer has come (later_courses_give()).
 *
 * Rights: those of the tables' owner; the triggers stand back while a dump is restored.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/replicated.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/session_setting.h"
#include "identity/asking.h"
#include "sales/derive.h"
#include "sales/later_course.h"

#define BUYERS                                                                                 \
	"SELECT u.tableoid, u.ctid FROM coursebase.users u WHERE u.id IN ("                        \
	"  SELECT s.user_id FROM coursebase.purchases s"                                           \
	"  JOIN coursebase.products p ON p.id = s.product_id AND p.gives_later_courses"            \
	"  WHERE s.product_id = $1)"
#define ONE_PRODUCT .nargs = 1, .types = {UUIDOID}
static LockBehind lock_buyers = {
	.wait = {.sql = BUYERS " ORDER BY u.id FOR NO KEY UPDATE", ONE_PRODUCT},
	.skip = {.sql = BUYERS " ORDER BY u.id FOR NO KEY UPDATE SKIP LOCKED", ONE_PRODUCT},
	.there = {.sql = BUYERS, ONE_PRODUCT},
	.mode = LockTupleNoKeyExclusive,
};

/*
 * The purchases that give a course of the table "added". One that has ended counts while
 * another one of the same buyer and product goes on, because the ends follow from each other;
 * one that was refunded gives it after the reversal.
 */
#define GIVING                                                                                 \
	" FROM added a"                                                                            \
	" JOIN coursebase.products p ON p.id = a.product_id AND p.gives_later_courses"             \
	" JOIN coursebase.purchases s ON s.product_id = p.id"                                      \
	" WHERE (coalesce(least(s.created_at + s.access_days * interval '24 hours',"               \
	"   s.access_until), 'infinity') > now()"                                                  \
	"  OR EXISTS (SELECT FROM coursebase.purchases o"                                          \
	"   JOIN coursebase.course_grants g ON g.purchase_id = o.id AND g.expires_at > now()"      \
	"   WHERE o.user_id = s.user_id AND o.product_id = p.id AND o.refunded_at IS NULL))"

#define INSERTED "WITH added AS (SELECT m.product_id, m.course_id FROM made m)"
/* An UPDATE that leaves product and course adds nothing. */
#define UPDATED                                                                                \
	"WITH added AS (SELECT m.product_id, m.course_id FROM made m"                              \
	" EXCEPT SELECT b.product_id, b.course_id FROM gone b)"
/* A row that another server wrote. */
#define REPLICATED "WITH added (product_id, course_id) AS (VALUES ($1, $2))"

/* Of the products that the people $1 have bought, what this server has and the lists $2
 * (products) and $3 (their courses) have not. */
#define UNKNOWN                                                                                \
	"WITH added AS (SELECT c.product_id, c.course_id FROM coursebase.course_products c"        \
	" WHERE c.product_id IN (SELECT b.product_id FROM coursebase.purchases b"                  \
	"  WHERE b.user_id = ANY ($1))"                                                            \
	" EXCEPT SELECT k.product_id, k.course_id FROM unnest($2, $3) k (product_id, course_id))"

/* How many buyers cannot be locked now. Those who are locked already are no wait. */
#define LOCK_LATE                                                                              \
	", buyers AS MATERIALIZED (SELECT DISTINCT s.user_id" GIVING                               \
	"), locked AS MATERIALIZED (SELECT u.id FROM coursebase.users u"                           \
	"  WHERE u.id IN (SELECT user_id FROM buyers) ORDER BY u.id"                               \
	"  FOR NO KEY UPDATE SKIP LOCKED)"                                                         \
	" SELECT (SELECT count(*) FROM buyers) - (SELECT count(*) FROM locked)"
#define GIVE_TO(whom)                                                                          \
	" INSERT INTO coursebase.course_grants (user_id, course_id, purchase_id, expires_at)"      \
	" SELECT s.user_id, a.course_id, s.id,"                                                    \
	"  least(s.created_at + s.access_days * interval '24 hours', s.access_until)" GIVING whom  \
	" ORDER BY s.user_id, a.course_id"                                                         \
	" ON CONFLICT (user_id, course_id, purchase_id) DO NOTHING"

#define GIVE GIVE_TO("")

#define COUNT " SELECT count(*)" GIVING

static KeptPlan count_giving[] = {{.sql = INSERTED COUNT}, {.sql = UPDATED COUNT}};
static KeptPlan lock_late[] = {{.sql = INSERTED LOCK_LATE}, {.sql = UPDATED LOCK_LATE}};
static KeptPlan give[] = {{.sql = INSERTED GIVE}, {.sql = UPDATED GIVE}};
static KeptPlan lock_late_replicated = {
	.sql = REPLICATED LOCK_LATE,
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan give_replicated = {
	.sql = REPLICATED GIVE,
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

/* As a sale locks the product: a course that is being added is there afterwards, or its trigger
 * sees who has come. */
static KeptPlan lock_bought = {
	.sql = "SELECT FROM coursebase.products p WHERE p.id IN ("
		   " SELECT s.product_id FROM coursebase.purchases s WHERE s.user_id = ANY ($1))"
		   " ORDER BY p.id FOR SHARE",
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
static KeptPlan give_unknown = {
	.sql = UNKNOWN GIVE_TO(" AND s.user_id = ANY ($1)"),
	.nargs = 3,
	.types = {UUIDARRAYOID, UUIDARRAYOID, UUIDARRAYOID},
};

/* The product whose buyers this (sub)transaction has locked: adding ten courses locks once. */
static struct
{
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	pg_uuid_t product;
} locked;

static void buyers_lock_late(KeptPlan *lock, Datum *values);
static void purchases_require(int update);

PG_FUNCTION_INFO_V1(coursebase_tg_course_products__lock_buyers);
PG_FUNCTION_INFO_V1(coursebase_tg_course_products__give_later);
PG_FUNCTION_INFO_V1(coursebase_tg_course_products__give_replicated);

/*
 * SQL function: tg_course_products__lock_buyers() returns trigger
 *
 * Row security refuses a row only after this trigger: whoever asked would have locked every
 * buyer, and waited for them.
 */
PGDLLEXPORT Datum
coursebase_tg_course_products__lock_buyers(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_products__lock_buyers", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t product;
	Datum key = UUIDPGetDatum(&product);

	if (restore_under_way() || !identity_writes_as_admin(data->tg_relation) ||
		!trigger_uuid(data, row, "product_id", &product))
		return PointerGetDatum(row);
	if (locked.transaction == compat_local_transaction() &&
		locked.subtransaction == GetCurrentSubTransactionId() &&
		uuid_equal(&locked.product, &product))
		return PointerGetDatum(row);
	SPI_connect();
	lock_behind(&lock_buyers, &key);
	SPI_finish();
	locked.transaction = compat_local_transaction();
	locked.subtransaction = GetCurrentSubTransactionId();
	locked.product = product;
	return PointerGetDatum(row);
}

/*
 * SQL function: tg_course_products__give_later() returns trigger
 *
 * After each statement, with the new rows as table "made" and, of an UPDATE, the old ones as
 * table "gone".
 */
PGDLLEXPORT Datum
coursebase_tg_course_products__give_later(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_course_products__give_later");
	int update = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? 1 : 0;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	buyers_lock_late(&lock_late[update], NULL);
	purchases_require(update);
	derive_execute(&give[update], NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_products__give_replicated() returns trigger
 *
 * Fires always, after a row, and gives only what comes from another server. The grants are
 * written here first: their own triggers must fire, which they do not while the server applies
 * what it was sent.
 */
PGDLLEXPORT Datum
coursebase_tg_course_products__give_replicated(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_products__give_replicated", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t product;
	pg_uuid_t course;
	Datum values[] = {UUIDPGetDatum(&product), UUIDPGetDatum(&course)};
	int settings;

	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA ||
		!replicated_without_versions(RelationGetRelid(data->tg_relation)) ||
		!trigger_uuid(data, row, "product_id", &product) ||
		!trigger_uuid(data, row, "course_id", &course))
		return PointerGetDatum(NULL);
	settings = session_settings_begin();
	session_setting_set("session_replication_role", "origin");
	SPI_connect();
	buyers_lock_late(&lock_late_replicated, values);
	derive_execute(&give_replicated, values);
	SPI_finish();
	session_settings_end(settings);
	return PointerGetDatum(NULL);
}

void
later_courses_give(Datum people, Datum products, Datum courses)
{
	Datum values[] = {people, products, courses};

	owner_execute_latest(&lock_bought, values, NULL);
	derive_execute(&give_unknown, values);
}

/* Locks who bought since the buyers were locked, and raises KB007 or 40001 instead of waiting.
 */
static void
buyers_lock_late(KeptPlan *lock, Datum *values)
{
	owner_execute_latest(lock, values, NULL);
	if (plan_int64(0, 1) > 0)
		/* a gateway that repeats 40001 by itself would ask until the buyer's transaction ends
		 */
		ereport(ERROR,
				(errcode(IsolationUsesXactSnapshot() ? ERRCODE_T_R_SERIALIZATION_FAILURE
													 : ERRCODE_CB_IN_THE_WAY),
				 errmsg("somebody is buying the product"),
				 errdetail("The buyer would not get the course."), errhint("Try again.")));
}

/*
 * The foreign key of a grant reads by the transaction's snapshot: for a purchase that it does
 * not see, the key would refuse the grant as if there were no such purchase, and nobody would
 * try again.
 */
static void
purchases_require(int update)
{
	int64 there;

	if (!IsolationUsesXactSnapshot())
		return;
	owner_execute_latest(&count_giving[update], NULL, NULL);
	there = plan_int64(0, 1);
	owner_execute(&count_giving[update], NULL, NULL, false);
	if (plan_int64(0, 1) != there)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the product was bought since the transaction began"),
				 errdetail("The buyer would not get the course."), errhint("Try again.")));
}
