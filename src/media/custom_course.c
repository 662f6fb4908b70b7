/*
 * custom_course.c: the functions for the purchase, the form and the link of a custom course.
 *
 * Invariants: a receipt makes one course for one user, however often the receipt comes. A form
 * may be checked any number of times and is submitted once, also by two requests at once. What
 * depends on the clock takes the time as an argument.
 *
 * Locks: the user, then the purchase, then the course.
 *
 * Rights: only the server calls the functions, own_custom_course_ids() excepted; the statements
 * run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/named.h"
#include "media/form.h"
#include "media/link.h"

/* The arguments of create_custom_course(). */
enum
{
	CREATE_USER,
	CREATE_SOURCE,
	CREATE_ENVIRONMENT,
	CREATE_PURCHASE,
	CREATE_TOKEN,
	CREATE_CODE,
	CREATE_TITLE,
	CREATE_DESCRIPTION,
	CREATE_AT,
};

/* The time of a submission; then the last arguments of the functions that know the person by a
 * link or a purchase. */
enum
{
	SUBMIT_AT = 3,
	SUBMIT_USER,
	VERIFY_USER = 2,
	REGEN_USER = 2,
};

/* What is done with a form: every step checks the form, the last one submits it. */
typedef enum SubmitStep
{
	STEP_GENERATE_SCRIPT,
	STEP_GENERATE_AUDIO,
} SubmitStep;

static const char *const step_names[] = {
	[STEP_GENERATE_SCRIPT] = "generate_script",
	[STEP_GENERATE_AUDIO] = "generate_audio",
};

/* What create_custom_course() answers. */
typedef struct Created
{
	pg_uuid_t course;
	pg_uuid_t token;
	TimestampTz issued_at;
} Created;

/* The columns of read_receipt. */
enum
{
	RECEIPT_COURSE = 1,
	RECEIPT_TOKEN,
	RECEIPT_ISSUED_AT,
	RECEIPT_IS_SAME,
};

static KeptPlan read_receipt = {
	.sql = "SELECT c.id, p.link_token, p.link_issued_at, c.user_id = $4 AND c.course_code = $5"
		   " FROM coursebase.custom_course_purchases p"
		   " JOIN coursebase.custom_courses c ON c.id = p.course_id"
		   " WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID},
};
static KeptPlan write_course = {
	.sql = "INSERT INTO coursebase.custom_courses (user_id, course_code, title, description,"
		   " data) VALUES ($1, $2, $3, $4, '{\"audio_files\": []}') RETURNING id",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
/*
 * ON CONFLICT, because the key is the receipt's and not the person's: another person's call may
 * insert it at the same time.
 */
static KeptPlan write_receipt = {
	.sql = "INSERT INTO coursebase.custom_course_purchases (course_id, source, environment,"
		   " purchase_id, purchase_token, link_issued_at) VALUES ($1, $2, $3, $4, $5, $6)"
		   " ON CONFLICT (source, environment, purchase_id) DO NOTHING",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
/* The course of a receipt that another call recorded first: nobody has bought it. */
static KeptPlan delete_course = {
	.sql = "DELETE FROM coursebase.custom_courses WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_own = {
	.sql = "SELECT ARRAY(SELECT id FROM coursebase.custom_courses WHERE user_id = $1)",
	.nargs = 1,
	.types = {UUIDOID},
};

static Datum form_result(const Form *form, const Link *link, SubmitStep step);
static bool receipt_find(FunctionCallInfo fcinfo, Created *created);
static void receipt_create(FunctionCallInfo fcinfo, Created *created);

PG_FUNCTION_INFO_V1(coursebase_submit_custom_course);
PG_FUNCTION_INFO_V1(coursebase_verify_gen_link);
PG_FUNCTION_INFO_V1(coursebase_manage_regen_requests);
PG_FUNCTION_INFO_V1(coursebase_create_custom_course);
PG_FUNCTION_INFO_V1(coursebase_own_custom_course_ids);

/* SQL function: submit_custom_course(link_token uuid, step text, answers json, at timestamptz,
 * user_id uuid) returns json */
PGDLLEXPORT Datum
coursebase_submit_custom_course(PG_FUNCTION_ARGS)
{
	TimestampTz at;
	SubmitStep step;
	Link link;
	Form form;
	NamedUser named;
	Datum result;

	args_require_first(fcinfo, SUBMIT_USER);
	schema_require_current();
	named = named_user_read(fcinfo, SUBMIT_USER);
	step = args_word(fcinfo, 1, step_names, lengthof(step_names));
	at = args_time(fcinfo, SUBMIT_AT);
	SPI_connect();
	link = link_find(PG_GETARG_UUID_P(0), false);
	if (link.found)
		named_user_require(&named, &link.user);
	link_require(&link, at);
	form_read(&form, PG_GETARG_DATUM(2));
	/* last, so that a form with a fault leaves the link as it was */
	if (step == STEP_GENERATE_AUDIO)
		link_use(&link, at, form.answers[FORM_TITLE]);
	result = SPI_datumTransfer(form_result(&form, &link, step), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(result);
}

/*
 * SQL function: verify_gen_link(link_token uuid, at timestamptz, user_id uuid) returns table
 * (valid boolean, reason text, expires_at timestamptz)
 *
 * Answers and never raises but KBC01: a link_token that is null, or another person's, is not
 * found.
 */
PGDLLEXPORT Datum
coursebase_verify_gen_link(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Link link = {false};
	NamedUser named = named_user_read(fcinfo, VERIFY_USER);
	LinkState state;
	Datum values[3] = {0};
	bool nulls[3] = {false};

	compat_materialize(fcinfo);
	SPI_connect();
	if (!PG_ARGISNULL(0))
		link = link_find(PG_GETARG_UUID_P(0), true);
	SPI_finish();
	if (link.found)
		link.found = named_user_may_be(&named, &link.user);
	state = link_state(&link, args_time_or_now(fcinfo, 1));
	values[0] = BoolGetDatum(state == LINK_VALID);
	nulls[1] = state == LINK_VALID;
	if (!nulls[1])
		values[1] = CStringGetTextDatum(link_reasons[state]);
	nulls[2] = !link.found;
	if (link.found)
		values[2] = TimestampTzGetDatum(link_end(link.issued_at));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: manage_regen_requests(purchase_id uuid, at timestamptz, user_id uuid) returns
 * table (link_token uuid, expires_at timestamptz)
 *
 * A link that still leads to the form is answered as it is, so that asking twice issues one.
 */
PGDLLEXPORT Datum
coursebase_manage_regen_requests(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[2];
	bool nulls[2] = {false};
	pg_uuid_t *purchase;
	TimestampTz at;
	NamedUser named;
	Link link;

	args_require_first(fcinfo, REGEN_USER);
	purchase = PG_GETARG_UUID_P(0);
	at = args_time(fcinfo, 1);
	schema_require_current();
	named = named_user_read(fcinfo, REGEN_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	link = link_lock(purchase);
	if (!link.found)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND),
						errmsg("there is no such purchase of a custom course"),
						errdetail("None has the id %s.", uuid_text(purchase)),
						errhint("Give the id of a row of custom_course_purchases.")));
	named_user_require(&named, &link.user);
	switch (link_state(&link, at))
	{
		case LINK_VALID:
			break;
		case LINK_SUBMITTED:
		case LINK_EXPIRED:
			link_renew(&link, purchase, at);
			break;
		default:
			link_raise_inactive(&link);
	}
	SPI_finish();
	values[0] = UUIDPGetDatum(&link.token);
	values[1] = TimestampTzGetDatum(link_end(link.issued_at));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: create_custom_course(user_id uuid, source text, environment text, purchase_id
 * text, purchase_token text, course_code text, title text, description text, at timestamptz)
 * returns table (custom_course_id uuid, link_token uuid, expires_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_create_custom_course(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool nulls[3] = {false};
	Datum values[3];
	Created created;

	args_require_all(fcinfo);
	args_time(fcinfo, CREATE_AT);
	args_receipt_source(fcinfo, CREATE_SOURCE);
	args_id(fcinfo, CREATE_PURCHASE);
	schema_require_current();
	signed_only_require(args_text_or_null(fcinfo, CREATE_SOURCE));
	compat_materialize(fcinfo);
	SPI_connect();
	/* the user's row first: of two calls of one user the second finds the receipt */
	anchor_open_user_require(PG_GETARG_UUID_P(CREATE_USER));
	if (!receipt_find(fcinfo, &created))
		receipt_create(fcinfo, &created);
	SPI_finish();
	values[0] = UUIDPGetDatum(&created.course);
	values[1] = UUIDPGetDatum(&created.token);
	values[2] = TimestampTzGetDatum(link_end(created.issued_at));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: own_custom_course_ids() returns uuid[]
 *
 * For policies. An administrator too gets only the own ones: links and store tokens are secrets
 * between the buyer and the server.
 */
PGDLLEXPORT Datum
coursebase_own_custom_course_ids(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);
	Datum ids;

	if (!identity_current_user(&user))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(UUIDOID));
	SPI_connect();
	owner_execute(&read_own, &key, NULL, true);
	ids = plan_transfer_as(0, 1, UUIDARRAYOID);
	SPI_finish();
	PG_RETURN_DATUM(ids);
}

/* What the generation needs: whose course it is, then the form. */
static Datum
form_result(const Form *form, const Link *link, SubmitStep step)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	form_member_append(&out, "custom_course_id", uuid_text(&link->course));
	form_member_append(&out, "user_id", uuid_text(&link->user));
	form_member_append(&out, "course_code", link->course_code);
	form_member_append(&out, "step", step_names[step]);
	form_append(&out, form);
	appendStringInfoChar(&out, '}');
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/*
 * The receipt's course, link and time; false if it has not come. KB205 if it was another
 * person's or another product's.
 */
static bool
receipt_find(FunctionCallInfo fcinfo, Created *created)
{
	PlanValues values = {0};

	args_bind(&values, fcinfo, CREATE_SOURCE);
	args_bind(&values, fcinfo, CREATE_ENVIRONMENT);
	args_bind(&values, fcinfo, CREATE_PURCHASE);
	args_bind(&values, fcinfo, CREATE_USER);
	args_bind(&values, fcinfo, CREATE_CODE);
	if (owner_execute(&read_receipt, values.datums, NULL, false) != 1)
		return false;
	if (!plan_bool(0, RECEIPT_IS_SAME))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
				 errdetail("It belongs to another user or to another product."),
				 errhint("Ask the store whose purchase it is.")));
	created->course = plan_uuid(0, RECEIPT_COURSE);
	created->token = plan_uuid(0, RECEIPT_TOKEN);
	created->issued_at = plan_time(0, RECEIPT_ISSUED_AT);
	return true;
}

/*
 * The lock of the user does not hold back another user with the same receipt, nor does this
 * call see that one's rows before they are committed. The unique key does: the INSERT then
 * writes nothing, the course made for it goes again, and receipt_find() raises.
 */
static void
receipt_create(FunctionCallInfo fcinfo, Created *created)
{
	PlanValues course = {0};
	PlanValues receipt = {0};
	pg_uuid_t id;

	args_bind(&course, fcinfo, CREATE_USER);
	for (int i = CREATE_CODE; i <= CREATE_DESCRIPTION; i++)
		args_bind(&course, fcinfo, i);
	if (owner_execute(&write_course, course.datums, NULL, false) != 1)
		row_kept_raise("custom_courses", "the course was not made");
	id = plan_uuid(0, 1);
	plan_bind_uuid(&receipt, &id);
	for (int i = CREATE_SOURCE; i <= CREATE_TOKEN; i++)
		args_bind(&receipt, fcinfo, i);
	args_bind(&receipt, fcinfo, CREATE_AT);
	if (owner_execute(&write_receipt, receipt.datums, NULL, false) != 1)
		owner_execute(&delete_course, receipt.datums, NULL, false);
	if (!receipt_find(fcinfo, created))
		row_kept_raise("custom_course_purchases", "the purchase was not recorded");
}
