/*
 * gift.c: a course that an administrator gives a person, and takes back.
 *
 * Invariants: a gift is a row of course_purchases with the source admin. A person who has the
 * course in the voice from a sale of production already is given nothing. Each change is
 * written to audit_events.
 *
 * Locks: the row of users, then the purchases, as for a receipt (receipt.c).
 *
 * Rights: the server's alone; all statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "billing/environment.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_kept.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/object_write.h"
#include "store/delivery.h"

/* Not a sandbox's: what it sold may give nothing, and so does not take a gift's place. */
static KeptPlan find_live = {
	.sql = "SELECT c.id FROM coursebase.course_purchases c "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source <> 'premium_slot' AND c.status = 'valid' "
		   "AND c.environment = 'production'",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

/* Takes back a gift and never a sale: the source says which it is. */
static KeptPlan withdraw_gift = {
	.sql = "UPDATE coursebase.course_purchases c SET status = 'refunded', refunded_at = $4 "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source = 'admin' AND c.status = 'valid'",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

static KeptPlan find_course = {
	.sql = "SELECT FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

enum
{
	ARGUMENT_USER_ID,
	ARGUMENT_COURSE_ID,
	ARGUMENT_VOICE,
	ARGUMENT_AT,
};
static const char *const voices[] = {"male", "female"};

static void gift_read(Delivery *gift, FunctionCallInfo fcinfo);
static bool gift_find(const Delivery *gift, pg_uuid_t *id);
static void gift_bind(PlanValues *values, const Delivery *gift);
static void gift_audit(const char *action, const Delivery *gift);

PG_FUNCTION_INFO_V1(coursebase_grant_course_purchase);
PG_FUNCTION_INFO_V1(coursebase_revoke_course_purchase);
PG_FUNCTION_INFO_V1(coursebase_tg_course_purchases__audit);

/*
 * SQL function: grant_course_purchase(user_id uuid, course_id uuid, voice text, at timestamptz)
 * returns uuid
 */
PGDLLEXPORT Datum
coursebase_grant_course_purchase(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	PlanValues course = {0};
	OwnerRights rights;
	Delivery gift;

	gift_read(&gift, fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* before the purchases are read: a receipt for the same course must come first or wait */
	anchor_open_user_require(&gift.user);
	plan_bind_uuid(&course, &gift.product.course);
	if (plan_execute(&find_course, course.datums, course.nulls, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such course"),
						errhint("Give the id of a row of courses.")));
	if (!gift_find(&gift, id))
	{
		course_purchase_record(&gift);
		/* a trigger of the operator's may have written something else */
		if (!gift_find(&gift, id))
			row_kept_raise("course_purchases", "the course was not given");
		gift_audit("course_given", &gift);
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/*
 * SQL function: revoke_course_purchase(user_id uuid, course_id uuid, voice text, at
 * timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_revoke_course_purchase(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	OwnerRights rights;
	Delivery gift;
	bool revoked;

	gift_read(&gift, fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* a closed account passes: what it was given may still be taken back */
	anchor_user_require(&gift.user);
	gift_bind(&values, &gift);
	plan_bind_time(&values, gift.at);
	revoked = plan_execute(&withdraw_gift, values.datums, values.nulls, false) > 0;
	if (revoked)
	{
		course_purchase_promote(&gift.user, &gift.product.course, gift.receipt.voice, gift.at);
		gift_audit("course_taken_back", &gift);
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_BOOL(revoked);
}

/* The arguments of both functions; the voice alone may be null. */
static void
gift_read(Delivery *gift, FunctionCallInfo fcinfo)
{
	memset(gift, 0, sizeof(*gift));
	args_require_all_but(fcinfo, ARGUMENT_VOICE);
	gift->user = *PG_GETARG_UUID_P(ARGUMENT_USER_ID);
	gift->product.course = *PG_GETARG_UUID_P(ARGUMENT_COURSE_ID);
	gift->at = args_time(fcinfo, ARGUMENT_AT);
	gift->receipt.source = "admin";
	gift->receipt.environment = environment_names[ENVIRONMENT_PRODUCTION];
	gift->receipt.purchased_at = gift->at;
	if (!PG_ARGISNULL(ARGUMENT_VOICE))
		gift->receipt.voice =
			voices[args_word(fcinfo, ARGUMENT_VOICE, voices, lengthof(voices))];
	schema_require_current();
}

/* The purchase that gives the person the course in the voice, if there is one. */
static bool
gift_find(const Delivery *gift, pg_uuid_t *id)
{
	PlanValues values = {0};

	gift_bind(&values, gift);
	if (plan_execute(&find_live, values.datums, values.nulls, false) == 0)
		return false;
	*id = plan_uuid(0, 1);
	return true;
}

/* The key of a gift: user, course and voice. */
static void
gift_bind(PlanValues *values, const Delivery *gift)
{
	plan_bind_uuid(values, &gift->user);
	plan_bind_uuid(values, &gift->product.course);
	plan_bind_text(values, gift->receipt.voice);
}

/* With the person as the object, so that the trail of the person shows the gift. */
static void
gift_audit(const char *action, const Delivery *gift)
{
	StringInfoData out;

	object_begin(&out);
	object_text(&out, "course_id", uuid_text(&gift->product.course));
	object_text(&out, "voice", gift->receipt.voice);
	audit_write(action, psprintf("users/%s", uuid_text(&gift->user)), NULL, object_end(&out));
}

/*
 * SQL function: tg_course_purchases__audit() returns trigger
 *
 * The functions of this file audit by themselves, with the rights of the tables' owner; what is
 * left are gifts by plain SQL.
 */
PGDLLEXPORT Datum
coursebase_tg_course_purchases__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_purchases__audit", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	StringInfoData out;

	if (restore_under_way() || has_privs_of_role(GetUserId(), owner_of_tables()))
		return PointerGetDatum(NULL);
	object_begin(&out);
	object_text(&out, "course_id", trigger_text(data, row, "course_id"));
	object_text(&out, "voice", trigger_text_or_null(data, row, "voice"));
	audit_write("course_given", psprintf("users/%s", trigger_text(data, row, "user_id")), NULL,
				object_end(&out));
	return PointerGetDatum(NULL);
}
