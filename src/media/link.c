/*
 * link.c: the link of a purchase of a custom course, which leads to the form.
 *
 * Invariants: what the states mean is decided in one place, link_state(), for every entry
 * point; of any number of submissions at once one marks the form as submitted.
 *
 * Locks: the person's row of users, then the purchase, then the custom course. Rights: the
 * statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "identity/anchor.h"
#include "media/link.h"

#define LINK_LIFETIME (24 * USECS_PER_HOUR)

const char *const link_reasons[] = {
	[LINK_VALID] = NULL,        [LINK_NOT_FOUND] = "not_found", [LINK_REFUNDED] = "refunded",
	[LINK_REVOKED] = "revoked", [LINK_SUBMITTED] = "submitted", [LINK_EXPIRED] = "expired",
};

/* The columns of LINK, in this order. */
enum
{
	LINK_TOKEN = 1,
	LINK_ISSUED_AT,
	LINK_IS_SUBMITTED,
	LINK_STATUS,
	LINK_COURSE,
	LINK_USER,
	LINK_CODE,
};

#define LINK                                                                                   \
	"SELECT p.link_token, p.link_issued_at, p.is_submitted, p.status, c.id, c.user_id,"        \
	" c.course_code FROM coursebase.custom_course_purchases p"                                 \
	" JOIN coursebase.custom_courses c ON c.id = p.course_id"

static KeptPlan read_link = {
	.sql = LINK " WHERE p.link_token = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_purchase = {
	.sql = LINK " WHERE p.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Two calls that renew one link take turns, so that the second finds the new link. */
static KeptPlan lock_purchase = {
	.sql = LINK " WHERE p.id = $1 FOR NO KEY UPDATE OF p",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The UPDATE waits for one of another call and judges the row as that call left it, so that one
 * of two submissions finds no row. */
static KeptPlan use_link = {
	.sql = "UPDATE coursebase.custom_course_purchases SET is_submitted = true"
		   " WHERE link_token = $1 AND NOT is_submitted AND status = 'active'",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A title that is the same already keeps updated_at, and the document its row version. */
static KeptPlan write_title = {
	.sql = "UPDATE coursebase.custom_courses SET title = $2 WHERE id = $1 AND title <> $2",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/* gen_random_uuid() is unguessable: the token is all that a phone needs to show the form. */
static KeptPlan renew_link = {
	.sql = "UPDATE coursebase.custom_course_purchases SET link_token = gen_random_uuid(),"
		   " link_issued_at = $2, is_submitted = false WHERE id = $1 RETURNING link_token",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static Link link_read(KeptPlan *plan, const pg_uuid_t *key, bool read_only);

Link
link_find(const pg_uuid_t *token, bool read_only)
{
	return link_read(&read_link, token, read_only);
}

/*
 * For a call that may renew the link. Read before it is locked, to lock the person first, so
 * that the transaction may go on with any other call about them.
 */
Link
link_lock(const pg_uuid_t *purchase)
{
	Link link = link_read(&read_purchase, purchase, false);

	if (!link.found)
		return link;
	anchor_user(&link.user);
	return link_read(&lock_purchase, purchase, false);
}

/*
 * The purchase comes before the form and the form before the clock: a refunded purchase is
 * reported as refunded however old its link is.
 */
LinkState
link_state(const Link *link, TimestampTz at)
{
	if (!link->found)
		return LINK_NOT_FOUND;
	if (strcmp(link->status, "refunded") == 0)
		return LINK_REFUNDED;
	if (strcmp(link->status, "active") != 0)
		return LINK_REVOKED;
	if (link->submitted)
		return LINK_SUBMITTED;
	return at < link_end(link->issued_at) ? LINK_VALID : LINK_EXPIRED;
}

/* An infinite issue, which only plain SQL can write, has no end to compute. */
TimestampTz
link_end(TimestampTz issued_at)
{
	return TIMESTAMP_NOT_FINITE(issued_at) ? issued_at : issued_at + LINK_LIFETIME;
}

/* Each state has its own SQLSTATE, by which the app decides whether to offer a new link. */
void
link_require(const Link *link, TimestampTz at)
{
	switch (link_state(link, at))
	{
		case LINK_VALID:
			return;
		case LINK_SUBMITTED:
			ereport(
				ERROR,
				(errcode(ERRCODE_CB_LINK_USED), errmsg("the form was submitted already"),
				 errdetail("The link was issued at %s.", timestamptz_to_str(link->issued_at)),
				 errhint("Issue a new link with coursebase.manage_regen_requests().")));
			break;
		case LINK_EXPIRED:
			ereport(
				ERROR,
				(errcode(ERRCODE_CB_LINK_EXPIRED), errmsg("the link has expired"),
				 errdetail("It ended at %s.", timestamptz_to_str(link_end(link->issued_at))),
				 errhint("Issue a new link with coursebase.manage_regen_requests().")));
			break;
		case LINK_NOT_FOUND:
			ereport(ERROR, (errcode(ERRCODE_CB_LINK_INVALID), errmsg("the link is unknown"),
							errdetail("No purchase has it now."),
							errhint("Open the newest link that was sent for the purchase.")));
			break;
		default:
			link_raise_inactive(link);
	}
}

/* A refunded purchase gets no new link either. */
void
link_raise_inactive(const Link *link)
{
	ereport(ERROR, (errcode(ERRCODE_CB_LINK_INVALID), errmsg("the purchase is not active"),
					errdetail("It is %s.", link->status), errhint("Buy the course again.")));
}

/*
 * use_link takes the row's lock itself, behind the person's; the title is written only by the
 * call that submitted, after the purchase and so in the order of locks.
 */
void
link_use(const Link *link, TimestampTz at, const char *title)
{
	PlanValues token = {0};
	PlanValues values = {0};
	Link now;

	plan_bind_uuid(&token, &link->token);
	plan_bind_uuid(&values, &link->course);
	plan_bind_text(&values, title);
	anchor_user(&link->user);
	if (owner_execute(&use_link, token.datums, NULL, false) == 1)
	{
		owner_execute(&write_title, values.datums, NULL, false);
		return;
	}
	/* another call was first: report what the link has become */
	now = link_find(&link->token, false);
	link_require(&now, at);
	row_kept_raise("custom_course_purchases", "the form was not recorded");
}

/*
 * The form is open again. The lock that link_lock() took keeps a submission by the old link
 * waiting until the old link is gone.
 */
void
link_renew(Link *link, const pg_uuid_t *purchase, TimestampTz at)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, purchase);
	plan_bind_time(&values, at);
	owner_execute(&renew_link, values.datums, NULL, false);
	link->token = plan_uuid(0, 1);
	link->issued_at = at;
	link->submitted = false;
}

/* The statements differ in the key and the lock; their columns are one list. */
static Link
link_read(KeptPlan *plan, const pg_uuid_t *key, bool read_only)
{
	Datum value = UUIDPGetDatum(key);
	Link link = {false};

	if (owner_execute(plan, &value, NULL, read_only) != 1)
		return link;
	link.found = true;
	link.token = plan_uuid(0, LINK_TOKEN);
	link.issued_at = plan_time(0, LINK_ISSUED_AT);
	link.submitted = plan_bool(0, LINK_IS_SUBMITTED);
	link.status = plan_text_required(0, LINK_STATUS);
	link.course = plan_uuid(0, LINK_COURSE);
	link.user = plan_uuid(0, LINK_USER);
	link.course_code = plan_text_required(0, LINK_CODE);
	return link;
}
