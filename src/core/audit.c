/*
 * audit.c: the append-only record of what was changed by whom.
 *
 * The row is written by the same statement that asks who is asking, so that no caller can say
 * that it was somebody else.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "audit.h"
#include "owner.h"
#include "plan.h"

static KeptPlan write_event = {
	.sql = "INSERT INTO coursebase.audit_events (actor_id, action, object, old, new) "
		   "VALUES (coursebase.current_user_id(), $1, $2, $3::pg_catalog.jsonb, "
		   "$4::pg_catalog.jsonb)",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

void
audit_write(const char *action, const char *object, const char *old_json, const char *new_json)
{
	Datum values[] = {
		CStringGetTextDatum(action),
		CStringGetTextDatum(object),
		old_json ? CStringGetTextDatum(old_json) : (Datum) 0,
		new_json ? CStringGetTextDatum(new_json) : (Datum) 0,
	};
	const char nulls[] = {' ', ' ', old_json ? ' ' : 'n', new_json ? ' ' : 'n'};

	SPI_connect();
	owner_execute(&write_event, values, nulls, false);
	SPI_finish();
}
