/*
 * sale.c: the refund of a sale gives the use of its discount code back.
 *
 * Invariant: a sale whose order is named by its session has its use while it is not refunded in
 * full, however the refund is written, and whichever is told first: a sale may be inserted
 * refunded, and a use may come after the refund of its sale. The slice sales stands to the left
 * and does not know discounts: a trigger on its table tells. A use of a code that both of two
 * merged accounts had used stays with the closed one, while its sale moved: it is found there.
 *
 * Locks: those of reverse_discount(), and none for a sale without a discount; of a use that
 * stayed with a closed account also that account's row of users, after the buyer's. Rights: the
 * statements run with those of the tables' owner. The trigger stands back while a dump is
 * restored: the uses come with it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "discounts/discount.h"

/* Nothing is called for a sale that no code was used for. The buyer's own use comes first. */
#define FOR_USE                                                                                \
	" FROM (SELECT r.user_id FROM coursebase.discount_redemptions r"                           \
	" WHERE r.order_ref = $2 AND r.user_id IN (SELECT $1 UNION ALL"                            \
	"  SELECT m.id FROM coursebase.users m WHERE m.merged_into = $1)"                          \
	" ORDER BY r.user_id <> $1, r.user_id LIMIT 1) r"

static KeptPlan give_back = {
	.sql = "SELECT coursebase.reverse_discount(r.user_id, $2, $3)" FOR_USE,
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan take_again = {
	.sql = "SELECT coursebase.restore_discount(r.user_id, $2, $3, $4)" FOR_USE,
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
};

/* The buyer is locked, so that a refund comes before or waits. */
static KeptPlan read_refunded = {
	.sql = "SELECT s.refunded_at FROM coursebase.purchases s WHERE s.user_id = $1"
		   " AND s.stripe_session_id = $2 AND s.refunded_at IS NOT NULL",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

PG_FUNCTION_INFO_V1(coursebase_tg_purchases__discount);

bool
discount_sale_is_refunded(const pg_uuid_t *user, const char *order_ref, TimestampTz *at)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, order_ref);
	if (owner_execute_latest(&read_refunded, values.datums, values.nulls) == 0)
		return false;
	*at = plan_time(0, 1);
	return true;
}

/*
 * SQL function: tg_purchases__discount() returns trigger
 *
 * A row that is inserted was open before.
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__discount(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__discount", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	char *session = trigger_text_or_null(data, row, "stripe_session_id");
	PlanValues values = {0};
	pg_uuid_t user;
	Datum was_at = (Datum) 0, is_at;
	bool was_open = true, is_open;

	if (restore_under_way() || session == NULL)
		return PointerGetDatum(NULL);
	if (!trigger_uuid(data, row, "user_id", &user))
		return PointerGetDatum(NULL);
	plan_bind_uuid(&values, &user);
	plan_bind_text(&values, session);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		was_at = trigger_value_or_null(data, data->tg_trigtuple, "refunded_at", TIMESTAMPTZOID,
									   &was_open);
	is_at = trigger_value_or_null(data, row, "refunded_at", TIMESTAMPTZOID, &is_open);
	SPI_connect();
	if (was_open && !is_open)
	{
		plan_bind(&values, is_at);
		owner_execute(&give_back, values.datums, values.nulls, false);
	}
	else if (!was_open && is_open)
	{
		/* the time of the refund names what it gave back */
		plan_bind(&values, was_at);
		plan_bind_time(&values, GetCurrentTransactionStartTimestamp());
		owner_execute(&take_again, values.datums, values.nulls, false);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}
