/*
 * event.c: writes one row of access_events.
 *
 * Invariant: in the order (xid, id) the events of one person stand as they were committed. The
 * transaction's own id alone would break it. A transaction may take its id early, wait for the
 * person's row while a younger transaction tells of that person and commits, and write its own
 * event afterwards: with the smaller id it would stand first. So xid is the greater of the
 * transaction's own id and of the last xid that stands with the person. Whoever changes a
 * person's rights holds the person's row of users or of user_versions by then (the triggers
 * that tell fire last), so that the last event is a committed one or the transaction's own.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"

#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/setting.h"
#include "events/event.h"
#include "events/insert.h"

/*
 * The slow way, for a table that event_put() cannot write. An xid above the snapshot has not
 * been assigned on this server: a dump brought it from another one. It is left out of the
 * greatest, because take_events() moves such events before all others.
 */
static KeptPlan write_event = {
	.sql = "INSERT INTO coursebase.access_events (kind, user_id, subject, source, until, xid)"
		   " SELECT $1::coursebase.access_event_kind, $2, $3, $4, $5,"
		   "  greatest(pg_current_xact_id(), (SELECT e.xid FROM coursebase.access_events e"
		   "   WHERE e.user_id = $2 AND e.xid < pg_snapshot_xmax(pg_current_snapshot())"
		   "   ORDER BY e.xid DESC LIMIT 1))",
	.nargs = 5,
	.types = {TEXTOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

static void event_tell(const Event *event);
static void event_execute(const Event *event);
static bool notify_wanted(void);

/* A restore brings the events of the dump, and must not add one for each row that it loads. */
bool
events_wanted(void)
{
	return !restore_under_way() && setting_boolean("events_out");
}

void
event_write(const char *kind, const pg_uuid_t *user, const char *subject, const char *source,
			TimestampTz until)
{
	event_tell(&(Event){.kind = kind,
						.user = user,
						.subject = subject,
						.source = source,
						.until = until,
						.held = true});
}

void
event_write_gone(const char *kind, const pg_uuid_t *user, const char *subject,
				 const char *source, TimestampTz until)
{
	event_tell(&(Event){
		.kind = kind, .user = user, .subject = subject, .source = source, .until = until});
}

char *
event_subject(const char *table, const pg_uuid_t *id)
{
	return psprintf("%s/%s", table, uuid_text(id));
}

/*
 * The notification goes out when the transaction commits, and wakes consumers that would
 * otherwise ask from time to time.
 */
static void
event_tell(const Event *event)
{
	if (!event_put(event))
		event_execute(event);
	/* The server sends equal notices of one transaction once. */
	if (notify_wanted())
		Async_Notify("coursebase", NULL);
}

static void
event_execute(const Event *event)
{
	PlanValues values = {0};

	plan_bind_text(&values, event->kind);
	plan_bind_uuid(&values, event->user);
	plan_bind_text(&values, event->subject);
	plan_bind_text(&values, event->source);
	plan_bind_time_unless(&values, event->until, DT_NOEND);
	/*
	 * with the latest snapshot, also at REPEATABLE READ: events that others committed about the
	 * person since this transaction began count for the greatest xid
	 */
	owner_execute_latest(&write_event, values.datums, values.nulls);
}

/*
 * Reads the setting once a subtransaction: one sale writes several events. What is read may be
 * a change that a savepoint undoes. A change of the setting counts from the next one on.
 */
static bool
notify_wanted(void)
{
	static LocalTransactionId asked = InvalidLocalTransactionId;
	static SubTransactionId within;
	static bool wanted;

	if (asked != compat_local_transaction() || within != GetCurrentSubTransactionId())
	{
		wanted = setting_boolean("events_notify");
		asked = compat_local_transaction();
		within = GetCurrentSubTransactionId();
	}
	return wanted;
}
