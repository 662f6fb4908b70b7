/*
 * sale.c: tells what was bought and what was taken back, wherever it was sold.
 *
 * A sale is told when its row says for the first time that it counts, and its return when the
 * row says so after it counted. What a store's sandbox sold is told only where it gives
 * something (settings accept_sandbox and sandbox_testers).
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/environment.h"
#include "core/owner.h"
#include "core/plan.h"
#include "events/event.h"
#include "events/grant.h"
#include "events/sale.h"

/* The session of a purchase is Stripe's. */
#define PURCHASES_SOURCE "stripe"

static KeptPlan read_custom_course_user = {
	.sql = "SELECT c.user_id FROM coursebase.custom_courses c WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A table of sales whose column status says how each stands. */
typedef struct SaleTable
{
	const char *name;
	const char *user;        /* the column that names the buyer */
	KeptPlan *user_of;       /* which that column leads to; NULL: it is the buyer */
	const char *source;      /* the column that names who sold */
	const char *environment; /* the column, or NULL */
	const char *kind;        /* the column that tells whether a row is a sale, or NULL */
	bool (*is_sale)(const char *kind);
	bool is_enum;         /* the type of status */
	const char *sold;     /* its value for a sale that counts, */
	const char *returned; /* and for one that was taken back */
} SaleTable;

static bool source_is_store(const char *source);
static bool type_is_charge(const char *type);

static const SaleTable course_purchases = {
	.name = "course_purchases",
	.user = "user_id",
	.source = "source",
	.environment = "environment",
	.kind = "source",
	.is_sale = source_is_store,
	.sold = "valid",
	.returned = "refunded",
};
static const SaleTable credit_purchases = {
	.name = "ai_credit_purchases",
	.user = "user_id",
	.source = "source",
	.environment = "environment",
	.sold = "valid",
	.returned = "refunded",
};
static const SaleTable custom_course_purchases = {
	.name = "custom_course_purchases",
	.user = "course_id",
	.user_of = &read_custom_course_user,
	.source = "source",
	.environment = "environment",
	.sold = "active",
	.returned = "refunded",
};
static const SaleTable payment_transactions = {
	.name = "payment_transactions",
	.user = "user_id",
	.source = "provider",
	.kind = "type",
	.is_sale = type_is_charge,
	.is_enum = true,
	.sold = "completed",
	.returned = "refunded",
};

static Datum sales_trigger(FunctionCallInfo fcinfo, const char *name, const SaleTable *table);
static void sales_tell(Changes *changes, const SaleTable *table);
static bool status_is(TupleTableSlot *row, int status, const SaleTable *table,
					  const char *word);
static bool buyer_find(const SaleTable *table, const pg_uuid_t *key, pg_uuid_t *buyer);

PG_FUNCTION_INFO_V1(coursebase_tg_purchases__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_ai_credit_purchases__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_custom_course_purchases__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__tell);

/*
 * SQL function: tg_purchases__tell() returns trigger
 *
 * A refund in parts is told part by part, by the growing sum. A purchase that was free has no
 * sum to give back: there refunded_at alone says that it was taken back.
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__tell(PG_FUNCTION_ARGS)
{
	Changes changes;
	int id, user, refunded, refunded_at;
	bool turned = false; /* refunded, or not any more */

	if (!changes_begin(&changes, fcinfo, "tg_purchases__tell", CHANGES_WRITE))
		return PointerGetDatum(NULL);
	id = changes_column(&changes, "id", UUIDOID);
	user = changes_column(&changes, "user_id", UUIDOID);
	refunded = changes_column(&changes, "refunded_in_cents", INT4OID);
	refunded_at = changes_column(&changes, "refunded_at", TIMESTAMPTZOID);
	while (changes_next(&changes))
	{
		const char *kind = NULL;
		bool is_refunded = row_time(changes.is, refunded_at, DT_NOBEGIN) != DT_NOBEGIN;
		bool was_refunded =
			changes.was != NULL && row_time(changes.was, refunded_at, DT_NOBEGIN) != DT_NOBEGIN;

		if (changes.was == NULL)
			kind = "purchased";
		else if (row_int64(changes.is, refunded, 0) > row_int64(changes.was, refunded, 0) ||
				 (is_refunded && !was_refunded))
			kind = "refunded";
		turned = turned || (changes.was != NULL && is_refunded != was_refunded);
		if (kind != NULL)
			event_write(kind, row_uuid(changes.is, user),
						event_subject("purchases", row_uuid(changes.is, id)), PURCHASES_SOURCE,
						DT_NOEND);
	}
	/* a refund, and its reversal, writes no grant: the trigger of grants does not fire */
	if (turned)
		grants_refunded_tell(changes.data);
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/* SQL function: tg_ai_credit_purchases__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_ai_credit_purchases__tell(PG_FUNCTION_ARGS)
{
	return sales_trigger(fcinfo, "tg_ai_credit_purchases__tell", &credit_purchases);
}

/* SQL function: tg_custom_course_purchases__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_custom_course_purchases__tell(PG_FUNCTION_ARGS)
{
	return sales_trigger(fcinfo, "tg_custom_course_purchases__tell", &custom_course_purchases);
}

/*
 * SQL function: tg_payment_transactions__tell() returns trigger
 *
 * A refund is a row of its own, and turns the charge's status, of which alone it is told.
 */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__tell(PG_FUNCTION_ARGS)
{
	return sales_trigger(fcinfo, "tg_payment_transactions__tell", &payment_transactions);
}

void
course_sales_tell(Changes *changes)
{
	sales_tell(changes, &course_purchases);
}

static Datum
sales_trigger(FunctionCallInfo fcinfo, const char *name, const SaleTable *table)
{
	Changes changes;

	if (changes_begin(&changes, fcinfo, name, CHANGES_WRITE))
	{
		sales_tell(&changes, table);
		changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}

/*
 * Columns are looked up once a statement. A row counts as sold from the first statement after
 * which its status is `sold`, whether that inserts it or changes it.
 */
static void
sales_tell(Changes *changes, const SaleTable *table)
{
	int id = changes_column(changes, "id", UUIDOID);
	int user = changes_column(changes, table->user, UUIDOID);
	int source = changes_column(changes, table->source, TEXTOID);
	int status = changes_column(changes, "status", table->is_enum ? CHANGES_ENUM : TEXTOID);
	int environment =
		table->environment == NULL ? 0 : changes_column(changes, table->environment, TEXTOID);
	int kind = table->kind == NULL ? 0 : changes_column(changes, table->kind, TEXTOID);

	while (changes_next(changes))
	{
		TupleTableSlot *is = changes->is;
		const char *told = NULL;
		pg_uuid_t buyer;

		if (is == NULL || (kind != 0 && !table->is_sale(row_text(is, kind))))
			continue;
		if (status_is(is, status, table, table->sold))
			told = status_is(changes->was, status, table, table->sold) ? NULL : "purchased";
		/*
		 * a row that begins as refunded is a refund that came before its receipt: nothing had
		 * been given
		 */
		else if (changes->was != NULL && status_is(is, status, table, table->returned) &&
				 !status_is(changes->was, status, table, table->returned))
			told = "refunded";
		if (told != NULL && buyer_find(table, row_uuid(is, user), &buyer) &&
			(environment == 0 || environment_counts(row_text(is, environment), &buyer)))
			event_write(told, &buyer, event_subject(table->name, row_uuid(is, id)),
						row_text(is, source), DT_NOEND);
	}
}

static bool
status_is(TupleTableSlot *row, int status, const SaleTable *table, const char *word)
{
	return row != NULL &&
		   texts_equal(table->is_enum ? row_label(row, status) : row_text(row, status), word);
}

/* False for a row that leads to nobody. */
static bool
buyer_find(const SaleTable *table, const pg_uuid_t *key, pg_uuid_t *buyer)
{
	Datum value = UUIDPGetDatum(key);

	if (key == NULL || table->user_of == NULL)
	{
		if (key != NULL)
			*buyer = *key;
		return key != NULL;
	}
	if (owner_execute_latest(table->user_of, &value, NULL) != 1)
		return false;
	*buyer = plan_uuid(0, 1);
	return true;
}

/*
 * Whether somebody paid: an administrator's gift and a premium slot stand in the same table and
 * are no sale.
 */
static bool
source_is_store(const char *source)
{
	return !texts_equal(source, "admin") && !texts_equal(source, "premium_slot");
}

/* The row of a refund tells nothing that its charge does not. */
static bool
type_is_charge(const char *type)
{
	return texts_equal(type, "charge");
}
