/*
 * given.c: the audit trail of programs that are given away.
 *
 * An entitlement that becomes active is a gift unless a completed charge stands behind it or
 * the program is free. Functions write none: what they make active was paid for, or costs
 * nothing. Plain SQL may, of an operator or of whoever has the server's key, and nothing else
 * records who gave a program to whom.
 *
 * Locks none. Rights: the trigger runs as who writes; it reads, and writes the event, with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/audit.h"

/* A row, if the entitlement is no gift. $1 program, $2 the charge that it rests on, or NULL */
static KeptPlan find_reason = {
	.sql = "SELECT FROM coursebase.payment_transactions t"
		   " WHERE t.id = $2 AND t.type = 'charge' AND t.status = 'completed'"
		   " UNION ALL SELECT FROM coursebase.plans p WHERE p.program_id = $1"
		   "  AND p.type = 'course' AND p.is_active AND p.price_in_cents = 0 LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static bool is_gift(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__audit);

/*
 * SQL function: tg_course_entitlements__audit() returns trigger
 *
 * The trigger's condition says which rows became active.
 */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_entitlements__audit", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);

	if (!restore_under_way() && is_gift(data, row))
		audit_write("program_granted",
					psprintf("course_entitlements/%s", trigger_text(data, row, "id")), NULL,
					psprintf("{\"user_id\": \"%s\", \"program_id\": \"%s\"}",
							 trigger_text(data, row, "user_id"),
							 trigger_text(data, row, "program_id")));
	return PointerGetDatum(NULL);
}

/* With the newest snapshot: an earlier command of the same function completed the charge. */
static bool
is_gift(TriggerData *data, HeapTuple row)
{
	PlanValues values = {0};
	pg_uuid_t program;
	pg_uuid_t charge;
	bool gift;

	trigger_uuid(data, row, "program_id", &program);
	plan_bind_uuid(&values, &program);
	plan_bind_uuid(&values, trigger_uuid(data, row, "source_payment_transaction_id", &charge)
								? &charge
								: NULL);
	SPI_connect();
	gift = owner_execute_latest(&find_reason, values.datums, values.nulls) == 0;
	SPI_finish();
	return gift;
}
