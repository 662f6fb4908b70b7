/*
 * audit.c: writes the append-only record of who changed what, the table audit_events.
 *
 * The actor is read from the claims here and is no argument, so that no caller can name another
 * person. Rights: the row is written with those of the tables' owner, because end users have no
 * INSERT on the table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"
#include "identity/audit.h"

static KeptPlan write_event = {
	.sql = "INSERT INTO coursebase.audit_events (actor_id, action, object, old, new) "
		   "VALUES ($5, $1, $2, $3::pg_catalog.jsonb, $4::pg_catalog.jsonb)",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID},
};

void
audit_write(const char *action, const char *object, const char *old_json, const char *new_json)
{
	pg_uuid_t actor;
	bool known = identity_current_user(&actor);
	PlanValues values = {0};

	plan_bind_text(&values, action);
	plan_bind_text(&values, object);
	plan_bind_text(&values, old_json);
	plan_bind_text(&values, new_json);
	plan_bind_uuid(&values, known ? &actor : NULL);
	SPI_connect();
	owner_execute(&write_event, values.datums, values.nulls, false);
	SPI_finish();
}

void
audit_write_change(const char *action, const char *object, const char *old_json,
				   const char *new_json)
{
	bool same = old_json == NULL || new_json == NULL ? old_json == new_json
													 : strcmp(old_json, new_json) == 0;

	if (!same)
		audit_write(action, object, old_json, new_json);
}
