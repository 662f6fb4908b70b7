/*
 * merge.c: two accounts of one person become one.
 *
 * Invariants: what either account gave, the one that is kept gives; the other is closed, and
 * its id and external id lead to the kept one from then on (users.merged_into, always in one
 * step). Where both accounts hold a truth of their own and only one can hold, nothing happens
 * and the reasons are named. Called again, it moves what has been written about the closed
 * account since.
 *
 * What the stores sold moves as transfer_purchases() moves it. The rest moves with triggers
 * off: guards keep rows with their person, and what triggers derive moves along
 * (merge_steps.c), and consumers of events are told what is new to the kept person. Then
 * subscriptions are folded anew, and credits become one account.
 *
 * Locks: notifications of both, as the inbox locks them before people; the two rows of users,
 * the lesser uuid first, that of the one who goes FOR UPDATE: a transaction that inserts a row
 * about that person waits, or is waited for. Then organisations, in the order of ids.
 *
 * What organisations have of two people who live in another cell stands on home:
 * merge_guests() moves it there, from one guest (identity/guest.h) to the other.
 *
 * Rights: the server's alone; the statements run with those of the tables' owner. Audited.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "account/merge_steps.h"
#include "allowance/credit_merge.h"
#include "cells/cell.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "events/access.h"
#include "events/event.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/object_write.h"
#include "sales/access_end.h"

/* $1 keeps, $2 goes, $3 is the time, in every statement that says nothing else. */
#define PEOPLE .nargs = 3, .types = {UUIDOID, UUIDOID, TIMESTAMPTZOID}
/* $4: whether they are to be guests. */
#define PEOPLE_OF_KIND .nargs = 4, .types = {UUIDOID, UUIDOID, TIMESTAMPTZOID, BOOLOID}

static KeptPlan lock_inbox = {
	.sql = "SELECT FROM coursebase.store_notifications n WHERE n.user_id IN ($1, $2)"
		   " ORDER BY n.id FOR NO KEY UPDATE",
	PEOPLE,
};
static KeptPlan lock_keep = {
	.sql = "SELECT u.deleted_at, u.merged_into FROM coursebase.users u WHERE u.id = $1"
		   " AND u.is_guest = $4 FOR NO KEY UPDATE",
	PEOPLE_OF_KIND,
};
static KeptPlan lock_gone = {
	.sql = "SELECT u.deleted_at, u.merged_into FROM coursebase.users u WHERE u.id = $2"
		   " AND u.is_guest = $4 FOR UPDATE",
	PEOPLE_OF_KIND,
};
static KeptPlan lock_organizations = {
	.sql = "SELECT FROM coursebase.organizations o WHERE o.id IN (SELECT m.organization_id"
		   " FROM coursebase.memberships m WHERE m.user_id IN ($1, $2))"
		   " ORDER BY o.id FOR NO KEY UPDATE",
	PEOPLE,
};

/* clang-format off */
/* A course or program that both have, k of the one who keeps and g of the one who goes. */
#define BOTH(table) "coursebase." table " k, coursebase." table " g" \
	" WHERE k.user_id = $1 AND g.user_id = $2"
#define SLOTS(who) "(SELECT count(DISTINCT s.course_id) FROM coursebase.course_purchases s" \
	" WHERE s.user_id " who " AND s.source = 'premium_slot' AND s.status = 'valid')"
/* A refund took less than it claims, because the credits were spent. */
#define REFUND_OPEN(who) "EXISTS (SELECT FROM coursebase.credit_log l" \
	" JOIN coursebase.ai_credit_purchases p ON p.id = l.credit_purchase_id" \
	" WHERE l.user_id " who " AND p.refunded_credits < p.claimed_credits)"
#define HOLDS_PACKS(who) "EXISTS (SELECT FROM coursebase.credit_log l" \
	" WHERE l.user_id " who " AND l.credit_purchase_id IS NOT NULL)"

/* The most slots that any entitlement gives; NULL where one covers every course. */
#define MOST_SLOTS "(SELECT CASE WHEN bool_or(e.covers_every_course) THEN NULL" \
	" ELSE max(e.course_slots) END FROM coursebase.entitlements e)"

/* Why the two cannot become one: a sentence each. */
static KeptPlan find_reasons = {
	.sql =
	"SELECT string_agg(r.reason, ' ' ORDER BY r.reason COLLATE \"C\") FROM ("
	" SELECT format('%s is an administrator.', u.id) FROM coursebase.users u"
	"  WHERE u.id IN ($1, $2) AND u.role = 'admin'"
	" UNION ALL"
	" SELECT format('%s is the last owner of organisation %s.', $2, m.organization_id)"
	"  FROM coursebase.memberships m WHERE m.user_id = $2 AND m.role = 'owner'"
	"  AND NOT EXISTS (SELECT FROM coursebase.memberships o"
	"   WHERE o.organization_id = m.organization_id AND o.role = 'owner' AND o.user_id <> $2)"
	" UNION ALL"
	" SELECT format('Their roles in organisation %s differ.', k.organization_id)"
	"  FROM " BOTH("memberships") " AND k.organization_id = g.organization_id"
	"  AND k.role <> g.role"
	" UNION ALL"
	" SELECT format('Both have a checkout of program %s under way.', k.program_id)"
	"  FROM " BOTH("payment_transactions") " AND k.program_id = g.program_id"
	"  AND k.type = 'charge' AND g.type = 'charge'"
	"  AND k.status = 'pending' AND g.status = 'pending'"
	" UNION ALL"
	" SELECT format('One waits to pay for program %s, the other''s access was revoked.',"
	"   k.program_id)"
	"  FROM " BOTH("course_entitlements") " AND k.program_id = g.program_id"
	"  AND ARRAY[k.status::text, g.status::text] <@ ARRAY['pending', 'revoked']"
	"  AND k.status <> g.status"
	" UNION ALL"
	" SELECT DISTINCT format('A purchase of course %s waits for its payment.', k.course_id)"
	"  FROM " BOTH("course_purchases") " AND k.course_id = g.course_id"
	"  AND k.voice IS NOT DISTINCT FROM g.voice AND k.source <> 'premium_slot'"
	"  AND g.source <> 'premium_slot' AND k.status IN ('pending', 'valid')"
	"  AND g.status IN ('pending', 'valid') AND 'pending' IN (k.status, g.status)"
	" UNION ALL"
	" SELECT format('They chose %s courses for premium, of %s.', " SLOTS("IN ($1, $2)")
	"  , " MOST_SLOTS ")"
	"  WHERE " MOST_SLOTS " IS NOT NULL AND " SLOTS("IN ($1, $2)")
	"   > greatest(" MOST_SLOTS ", " SLOTS("= $1") ", " SLOTS("= $2") ")"
	" UNION ALL"
	" SELECT DISTINCT format('Both have a subscription of store %s without a name.', k.store)"
	"  FROM " BOTH("subscription_events") " AND k.store = g.store"
	"  AND k.original_transaction_id IS NULL AND g.original_transaction_id IS NULL"
	" UNION ALL"
	" SELECT 'Both bought credits, and a refund waits for credits that are spent.'"
	"  WHERE (" REFUND_OPEN("= $1") " OR " REFUND_OPEN("= $2") ")"
	"  AND " HOLDS_PACKS("= $1") " AND " HOLDS_PACKS("= $2")
	" ) r (reason)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* clang-format on */

/*
 * A place that stays with the one who goes is given up, as by delete_user(): one person needs
 * one. An order may hold a place of another code as well, which is given up with it: a call
 * gives up the order's place that lasts longest, so that there is one call a place.
 */
/* clang-format off */
static KeptPlan release_twice = {
	.sql = "SELECT coursebase.release_discount($2, r.order_ref) FROM (SELECT d.order_ref"
		   " FROM coursebase.user_discounts d WHERE d.user_id = $2 AND d.status = 'reserved'"
		   " AND EXISTS (SELECT FROM coursebase.user_discounts o WHERE o.user_id = $2"
		   "  AND o.status = 'reserved' AND o.order_ref = d.order_ref"
		   "  AND " CODE_STAYS("o.discount_code_id") ") ORDER BY d.discount_code_id) r",
	PEOPLE,
};
/* clang-format on */
/* Before the purchases: a transfer makes a new link to the form, and one person has the old one
 * open. */
static KeptPlan move_custom_courses = {
	.sql = "UPDATE coursebase.custom_courses SET user_id = $1 WHERE user_id = $2",
	PEOPLE,
};
static KeptPlan transfer = {
	.sql = "SELECT count(*) FROM coursebase.transfer_purchases($2, $1, $3)",
	PEOPLE,
};
static KeptPlan fold_again = {
	.sql = "SELECT count(*) FROM coursebase.rebuild_subscription($1)",
	PEOPLE,
};
/* One row where following who brought whom leads back to the person. */
static KeptPlan find_ring = {
	.sql = "WITH RECURSIVE above (id) AS ("
		   " SELECT p.referred_by FROM coursebase.user_profile p WHERE p.user_id = $1"
		   " UNION SELECT p.referred_by FROM above a"
		   " JOIN coursebase.user_profile p ON p.user_id = a.id WHERE a.id <> $1)"
		   " SELECT FROM above WHERE id = $1",
	PEOPLE,
};

/* The courses that a row of either gives, or may give with the rows of the other. */
static KeptPlan find_courses = {
	.sql = "SELECT g.course_id FROM coursebase.course_grants g WHERE g.user_id IN ($1, $2)"
		   " UNION SELECT a.course_id FROM coursebase.user_course_access a"
		   "  WHERE a.user_id IN ($1, $2)"
		   " UNION SELECT p.course_id FROM coursebase.course_purchases p"
		   "  WHERE p.user_id IN ($1, $2) ORDER BY 1",
	PEOPLE,
};

/*
 * The other things that triggers, were they on, would tell of the one who keeps: programs,
 * whose access has no end, and what is completed, of which a course of lessons counts as in
 * events/person.c.
 */
#define THINGS                                                                                 \
	"SELECT false AS completed, 'programs/' || e.program_id AS subject"                        \
	" FROM coursebase.course_entitlements e WHERE e.user_id = $1 AND e.status = 'active'"      \
	" UNION ALL SELECT true, 'programs/' || e.program_id"                                      \
	" FROM coursebase.course_entitlements e"                                                   \
	" WHERE e.user_id = $1 AND e.completed_at IS NOT NULL"                                     \
	" UNION ALL SELECT true, 'courses/' || t.course_id FROM ("                                 \
	"  SELECT DISTINCT s.course_id FROM coursebase.user_lesson_complete d"                     \
	"  JOIN coursebase.lessons l ON l.id = d.lesson_id AND l.status <> 'private'"              \
	"  JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'"       \
	"  WHERE d.user_id = $1) t"                                                                \
	" WHERE NOT EXISTS (SELECT FROM coursebase.course_sections o"                              \
	"  JOIN coursebase.lessons k ON k.section_id = o.id AND k.status <> 'private'"             \
	"  WHERE o.course_id = t.course_id AND o.status = 'public' AND NOT EXISTS ("               \
	"   SELECT FROM coursebase.user_lesson_complete c"                                         \
	"   WHERE c.user_id = $1 AND c.lesson_id = k.id))"
static KeptPlan read_things = {
	.sql = "SELECT coalesce(json_agg(t), '[]')::text FROM (" THINGS ") t",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_new_things = {
	.sql = "SELECT n.completed, n.subject FROM (" THINGS ") n WHERE NOT EXISTS ("
		   " SELECT FROM json_to_recordset($2::json) o (completed boolean, subject text)"
		   " WHERE o.completed = n.completed AND o.subject = n.subject) ORDER BY 1, 2",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

/* What the one who keeps has before rows move without triggers, for events. */
typedef struct Before
{
	uint64 count;
	pg_uuid_t *courses;
	TimestampTz *ends; /* when the access to each course ends, over all sources */
	char *things;
} Before;

/* A call: the two people and the values that statements take. */
typedef struct Merge
{
	const pg_uuid_t *keep;
	const pg_uuid_t *gone;
	TimestampTz at;
	PlanValues values;
	bool guests;
	bool again; /* the one who goes was merged into the other before */
} Merge;

static Datum merge_call(FunctionCallInfo fcinfo, bool guests);
static void guests_lock(const Merge *merge);
static void people_lock(Merge *merge);
static void keep_check(const Merge *merge);
static void gone_check(Merge *merge);
static void reasons_refuse(const Merge *merge);
pg_noreturn static void merge_refuse(const char *reasons);
static void rows_move(Merge *merge);
static void account_settle(Merge *merge);
static int triggers_off(void);
static void before_read(Merge *merge, Before *before);
static void gained_tell(const Merge *merge, const Before *before);
static const char *course_source(const Merge *merge, const pg_uuid_t *course, TimestampTz end);
static void merge_audit(const Merge *merge);

PG_FUNCTION_INFO_V1(coursebase_merge_users);
PG_FUNCTION_INFO_V1(coursebase_merge_guests);

/* SQL function: merge_users(keep uuid, gone uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_merge_users(PG_FUNCTION_ARGS)
{
	return merge_call(fcinfo, false);
}

/* SQL function: merge_guests(keep uuid, gone uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_merge_guests(PG_FUNCTION_ARGS)
{
	Cell here;

	cell_require_home(&here, "merge_guests()");
	return merge_call(fcinfo, true);
}

static Datum
merge_call(FunctionCallInfo fcinfo, bool guests)
{
	Merge merge = {.guests = guests};
	OwnerRights rights;

	args_require_all(fcinfo);
	merge.keep = PG_GETARG_UUID_P(0);
	merge.gone = PG_GETARG_UUID_P(1);
	merge.at = args_time(fcinfo, 2);
	if (uuid_equal(merge.keep, merge.gone))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("keep and gone are the same account")));
	schema_require_current();
	plan_bind_uuid(&merge.values, merge.keep);
	plan_bind_uuid(&merge.values, merge.gone);
	plan_bind_time(&merge.values, merge.at);
	plan_bind_bool(&merge.values, guests);
	SPI_connect();
	rights = owner_enter();
	if (guests)
		guests_lock(&merge);
	people_lock(&merge);
	reasons_refuse(&merge);
	rows_move(&merge);
	owner_leave(rights);
	if (!merge.again)
		merge_audit(&merge);
	SPI_finish();
	PG_RETURN_TIMESTAMPTZ(merge.at);
}

/* The same for guests, whose rows are made where nothing of organisations is theirs yet. */
static void
guests_lock(const Merge *merge)
{
	bool keep_first = memcmp(merge->keep, merge->gone, UUID_LEN) < 0;

	for (int i = 0; i < 2; i++)
	{
		const pg_uuid_t *user = (i == 0) == keep_first ? merge->keep : merge->gone;

		if (anchor_user_anywhere(user) == ANCHORED_NONE)
			anchor_raise_missing(user);
	}
}

/* Both, in the order of uuids, and what each must be. */
static void
people_lock(Merge *merge)
{
	KeptPlan *const locks[] = {&lock_keep, &lock_gone};
	int first = memcmp(merge->keep, merge->gone, UUID_LEN) < 0 ? 0 : 1;
	PlanValues *values = &merge->values;

	plan_execute_latest(&lock_inbox, values->datums, values->nulls);
	for (int i = 0; i < lengthof(locks); i++)
	{
		int which = i ^ first;

		if (plan_execute_latest(locks[which], values->datums, values->nulls) == 0)
		{
			if (merge->guests)
				merge_refuse(
					"One of them lives on home: merge_users() is for two of one cell.");
			anchor_raise_missing(which == 0 ? merge->keep : merge->gone);
		}
		if (which == 0)
			keep_check(merge);
		else
			gone_check(merge);
	}
	plan_execute_latest(&lock_organizations, values->datums, values->nulls);
}

/* The row that was locked last: KB106 for one that is closed, or merged itself. */
static void
keep_check(const Merge *merge)
{
	pg_uuid_t kept;

	if (plan_uuid_or_null(0, 2, &kept))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("the account was merged"),
				 errdetail("What %s had is %s's.", uuid_text(merge->keep), uuid_text(&kept)),
				 errhint("Give the id %s.", uuid_text(&kept))));
	if (plan_time_or(0, 1, DT_NOEND) != DT_NOEND)
		anchor_raise_missing(merge->keep);
}

/* KB106 for one that is closed, unless by an earlier call for the same two. */
static void
gone_check(Merge *merge)
{
	TimestampTz closed_at = plan_time_or(0, 1, DT_NOEND);
	pg_uuid_t kept;

	if (!plan_uuid_or_null(0, 2, &kept))
	{
		if (closed_at != DT_NOEND)
			anchor_raise_missing(merge->gone);
		return;
	}
	if (!uuid_equal(&kept, merge->keep))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("the account was merged"),
				 errdetail("What %s had is %s's.", uuid_text(merge->gone), uuid_text(&kept)),
				 errhint("To merge that account too, give its id.")));
	merge->again = true;
	merge->at = closed_at;
	merge->values.datums[2] = TimestampTzGetDatum(closed_at);
}

static void
reasons_refuse(const Merge *merge)
{
	PlanValues values = {0};
	char *reasons;

	plan_bind_uuid(&values, merge->keep);
	plan_bind_uuid(&values, merge->gone);
	plan_execute_latest(&find_reasons, values.datums, values.nulls);
	reasons = plan_text(0, 1);
	if (reasons != NULL)
		merge_refuse(reasons);
}

static void
merge_refuse(const char *reasons)
{
	ereport(ERROR, (errcode(ERRCODE_CB_MERGE_REFUSED), errmsg("the accounts cannot become one"),
					errdetail_internal("%s", reasons),
					errhint("Settle this for one of the two accounts, then call again.")));
}

/* In the order that the head of this file gives. */
static void
rows_move(Merge *merge)
{
	PlanValues *values = &merge->values;
	bool telling = events_wanted();
	Before before;
	int level;

	if (!merge->guests)
	{
		plan_execute_latest(&release_twice, values->datums, values->nulls);
		plan_execute_latest(&move_custom_courses, values->datums, values->nulls);
		/* with triggers, which tell consumers of it */
		plan_execute_latest(&transfer, values->datums, values->nulls);
	}
	if (telling)
		before_read(merge, &before);
	level = triggers_off();
	merge_steps_take(values, merge->guests);
	/* what both bought for a time follows one after the other, as if one had bought it all */
	if (!merge->guests)
		access_ends_write_person(values->datums[0]);
	session_settings_end(level);
	/* at once: what is settled below is told by triggers */
	if (telling)
		gained_tell(merge, &before);
	if (!merge->guests)
		account_settle(merge);
	if (telling && !merge->again)
		event_write("account_closed", merge->gone, event_subject("users", merge->gone), NULL,
					DT_NOEND);
}

/* What is one again of two people's: who brought whom, subscriptions, credits. */
static void
account_settle(Merge *merge)
{
	PlanValues *values = &merge->values;
	int level;

	if (plan_execute_latest(&find_ring, values->datums, values->nulls) > 0)
		merge_refuse("Each of them brought somebody who brought the other.");
	plan_execute_latest(&fold_again, values->datums, values->nulls);
	level = triggers_off();
	credit_accounts_merge(merge->keep, merge->gone, merge->at);
	session_settings_end(level);
}

/*
 * Until session_settings_end() with the level. The steps move rows as they are: what triggers
 * derived from them moves along, and is derived a second time by none.
 */
static int
triggers_off(void)
{
	int level = session_settings_begin();

	session_setting_set("session_replication_role", "replica");
	return level;
}

/* Of two guests things alone: courses are in the cells where they live. */
static void
before_read(Merge *merge, Before *before)
{
	Datum keep = UUIDPGetDatum(merge->keep);

	before->count = 0;
	if (!merge->guests)
	{
		uint64 count =
			plan_execute_latest(&find_courses, merge->values.datums, merge->values.nulls);

		before->courses = palloc_extended((count + 1) * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
		before->ends = palloc_extended((count + 1) * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
		for (uint64 i = 0; i < count; i++)
			before->courses[i] = plan_uuid(i, 1);
		access_snapshot_push();
		for (uint64 i = 0; i < count; i++)
			before->ends[i] =
				course_rights_end(merge->keep, &before->courses[i], COURSE_BY_REAL);
		PopActiveSnapshot();
		before->count = count;
	}
	plan_execute_latest(&read_things, &keep, NULL);
	before->things = plan_text_required(0, 1);
}

/* What the kept person gained, of what moved without triggers. */
static void
gained_tell(const Merge *merge, const Before *before)
{
	PlanValues values = {0};
	SPITupleTable *rows;
	uint64 count;

	access_snapshot_push();
	for (uint64 i = 0; i < before->count; i++)
	{
		const pg_uuid_t *course = &before->courses[i];
		TimestampTz end = course_rights_end(merge->keep, course, COURSE_BY_REAL);

		if (end != before->ends[i])
			access_tell(merge->keep, event_subject("courses", course), before->ends[i], end,
						course_source(merge, course, end));
	}
	PopActiveSnapshot();

	plan_bind_uuid(&values, merge->keep);
	plan_bind_text(&values, before->things);
	count = plan_execute_latest(&find_new_things, values.datums, values.nulls);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < count; row++)
	{
		char *subject;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		subject = plan_text_required(row, 2);
		if (plan_bool(row, 1))
			event_write("course_completed", merge->keep, subject, NULL, DT_NOEND);
		else
			access_tell(merge->keep, subject, DT_NOBEGIN, DT_NOEND, SOURCE_ENTITLEMENT);
	}
}

/* What gives the course until that end. */
static const char *
course_source(const Merge *merge, const pg_uuid_t *course, TimestampTz end)
{
	if (course_rights_end(merge->keep, course, COURSE_BY_GRANT) == end)
		return SOURCE_GRANT;
	if (course_rights_end(merge->keep, course, COURSE_BY_PURCHASE) == end)
		return SOURCE_PURCHASE;
	return SOURCE_SLOT;
}

static void
merge_audit(const Merge *merge)
{
	StringInfoData after;

	object_begin(&after);
	object_text(&after, "merged_into", uuid_text(merge->keep));
	audit_write("account_merged", psprintf("users/%s", uuid_text(merge->gone)), NULL,
				object_end(&after));
}
