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

#include "core/owner.h"
#include "core/partition.h"
#include "core/plan.h"
#include "core/setting.h"
#include "identity/asking.h"
#include "identity/audit.h"

static KeptPlan write_event = {
	.sql = "INSERT INTO coursebase.audit_events (actor_id, action, object, old, new) "
		   "VALUES ($5, $1, $2, $3::pg_catalog.jsonb, $4::pg_catalog.jsonb)",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID},
};

/* The trigger of the table lets pass what is older than the setting says. */
static KeptPlan delete_events = {
	.sql = "DELETE FROM coursebase.audit_events WHERE created_at < $1 AND id = ANY (ARRAY("
		   "SELECT e.id FROM coursebase.audit_events e WHERE e.created_at < $1 "
		   "ORDER BY e.created_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT8OID},
};

void
audit_write(const char *action, const char *object, const char *old_json, const char *new_json)
{
	const Asking *asking = identity_asking_anywhere();
	PlanValues values = {0};

	plan_bind_text(&values, action);
	plan_bind_text(&values, object);
	plan_bind_text(&values, old_json);
	plan_bind_text(&values, new_json);
	plan_bind_uuid(&values, asking != NULL ? &asking->user : NULL);
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

/*
 * What stands here says that the trail is no longer whole: check_integrity() then misses no
 * event that a purge may have taken.
 */
int64
audit_purge(TimestampTz before, int64 *left)
{
	TimestampTz kept_since = setting_kept_since("audit_retention_days");
	PlanValues values = {0};
	int64 dropped;
	int64 deleted;

	if (kept_since == DT_NOBEGIN)
		return 0;
	before = Min(before, kept_since);
	dropped = partitions_drop("audit_events", before);
	plan_bind_time(&values, before);
	plan_bind_int64(&values, *left);
	deleted = owner_execute(&delete_events, values.datums, values.nulls, false);
	*left -= deleted;
	if (dropped + deleted > 0)
		audit_write("audit_purged", "audit_events", NULL,
					psprintf("{\"before\": \"%s\", \"events\": " INT64_FORMAT "}",
							 timestamptz_to_str(before), dropped + deleted));
	return dropped;
}
