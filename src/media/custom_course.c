/*
 * custom_course.c: the form of a custom course, the link that leads to it, and the placeholder
 * that a purchase makes.
 *
 * Invariants: a link works from its issue until 24 hours later, for an active purchase whose
 * form was not submitted; of any number of submissions one marks it; a receipt makes one course
 * for one user, however often it comes. What depends on the clock takes the time as an
 * argument.
 *
 * Lock order: user, then purchase, then course.
 *
 * Rights: all but own_custom_course_ids() are the server's alone; their statements run with the
 * owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "json/json_load.h"

#define LINK_LIFETIME (24 * USECS_PER_HOUR)
#define FORM_SCRIPTS  3

typedef enum LinkState
{
	LINK_VALID,
	LINK_NOT_FOUND,
	LINK_REVOKED,
	LINK_REFUNDED,
	LINK_SUBMITTED,
	LINK_EXPIRED,
} LinkState;

static const char *const link_reasons[] = {
	[LINK_VALID] = NULL,          [LINK_NOT_FOUND] = "not_found", [LINK_REVOKED] = "revoked",
	[LINK_REFUNDED] = "refunded", [LINK_SUBMITTED] = "submitted", [LINK_EXPIRED] = "expired",
};

/* A link's purchase and course, copied out of the row. */
typedef struct Link
{
	bool found;
	Datum purchase; /* its id */
	Datum course;
	TimestampTz issued_at;
	bool submitted;
	char *status;
	char *user_text;
	char *course_text;
	char *course_code;
} Link;

/* What is done with a form: every step checks it, the last one uses the link up. */
typedef enum SubmitStep
{
	STEP_GENERATE_SCRIPT,
	STEP_GENERATE_AUDIO,
} SubmitStep;

static const char *const step_names[] = {
	[STEP_GENERATE_SCRIPT] = "generate_script",
	[STEP_GENERATE_AUDIO] = "generate_audio",
};

/* Lengths are in characters, white space around the answer not counted. */
typedef struct FormRule
{
	const char *name;
	int least;
	int most;
} FormRule;

static const FormRule form_rules[] = {
	{"issue", 20, 500}, {"goal", 20, 500}, {"feel", 10, 500},
	{"why", 10, 500},   {"title", 5, 55},
};
#define FORM_TITLE (lengthof(form_rules) - 1)

typedef struct Form
{
	JsonText text;
	char *answers[lengthof(form_rules)];
	JsonSpan scripts[FORM_SCRIPTS];
	char *techniques[FORM_SCRIPTS];
	StringInfoData faults; /* one sentence each */
} Form;

#define LINK_COLUMNS                                                                           \
	"p.id, p.course_id, p.link_issued_at, p.is_submitted, p.status, c.user_id, "               \
	"c.course_code, "                                                                          \
	"p.link_token "
#define LINK_TABLES                                                                            \
	"FROM coursebase.custom_course_purchases p "                                               \
	"JOIN coursebase.custom_courses c ON c.id = p.course_id "

static KeptPlan read_link = {
	.sql = "SELECT " LINK_COLUMNS LINK_TABLES "WHERE p.link_token = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan use_link = {
	.sql = "UPDATE coursebase.custom_course_purchases SET is_submitted = true "
		   "WHERE link_token = $1 AND NOT is_submitted AND status = 'active'",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_title = {
	.sql = "UPDATE coursebase.custom_courses SET title = $2 WHERE id = $1 AND title <> $2",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan lock_purchase = {
	.sql = "SELECT " LINK_COLUMNS LINK_TABLES "WHERE p.id = $1 FOR NO KEY UPDATE OF p",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan renew_link = {
	.sql = "UPDATE coursebase.custom_course_purchases SET link_token = gen_random_uuid(), "
		   "link_issued_at = $2, is_submitted = false WHERE id = $1 RETURNING link_token",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan read_receipt = {
	.sql =
		"SELECT c.id, p.link_token, p.link_issued_at, c.user_id = $4 AND c.course_code = "
		"$5 " LINK_TABLES "WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID},
};
static KeptPlan write_course = {
	.sql = "INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, "
		   "data) VALUES ($1, $2, $3, $4, '{\"audio_files\": []}') RETURNING id",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan write_receipt = {
	.sql = "INSERT INTO coursebase.custom_course_purchases (course_id, source, environment, "
		   "purchase_id, purchase_token, link_issued_at) VALUES ($1, $2, $3, $4, $5, $6) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
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

static void arguments_require(FunctionCallInfo fcinfo, const char *const *names);
static void time_require_finite(TimestampTz at);
static SubmitStep step_read(text *step);
static Link link_read(KeptPlan *plan, Datum key, bool read_only);
static LinkState link_state(const Link *link, TimestampTz at);
static TimestampTz link_end(TimestampTz issued_at);
static void link_require(const Link *link, TimestampTz at);
static void link_use(Datum token, TimestampTz at, const Link *link, const char *title);
static void form_read(Form *form, Datum answers);
static void form_read_answer(Form *form, JsonSpan root, const FormRule *rule, char **answer);
static void form_read_scripts(Form *form, JsonSpan root);
static bool form_read_script(Form *form, JsonSpan script);
static char *text_trimmed(JsonText *text, JsonSpan string);
static Datum form_result(const Form *form, const Link *link, SubmitStep step);
static void member_append(StringInfo out, const char *name, const char *value);
static void script_append(StringInfo out, const Form *form, int script);
static bool receipt_find(FunctionCallInfo fcinfo, Datum *row);
static void receipt_create(FunctionCallInfo fcinfo, Datum *row);
static void row_return(FunctionCallInfo fcinfo, Datum *values, const bool *nulls);

PG_FUNCTION_INFO_V1(coursebase_submit_custom_course);
PG_FUNCTION_INFO_V1(coursebase_verify_gen_link);
PG_FUNCTION_INFO_V1(coursebase_manage_regen_requests);
PG_FUNCTION_INFO_V1(coursebase_create_custom_course);
PG_FUNCTION_INFO_V1(coursebase_own_custom_course_ids);

/* SQL function: submit_custom_course(link_token uuid, step text, answers json, at timestamptz)
 * returns json */
PGDLLEXPORT Datum
coursebase_submit_custom_course(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"link_token", "step", "answers", "at", NULL};
	TimestampTz at;
	SubmitStep step;
	Link link;
	Form form;
	Datum result;

	arguments_require(fcinfo, names);
	schema_require_current();
	step = step_read(PG_GETARG_TEXT_PP(1));
	at = PG_GETARG_TIMESTAMPTZ(3);
	SPI_connect();
	link = link_read(&read_link, PG_GETARG_DATUM(0), false);
	link_require(&link, at);
	form_read(&form, PG_GETARG_DATUM(2));
	if (step == STEP_GENERATE_AUDIO)
		link_use(PG_GETARG_DATUM(0), at, &link, form.answers[FORM_TITLE]);
	result = SPI_datumTransfer(form_result(&form, &link, step), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(result);
}

/*
 * SQL function: verify_gen_link(link_token uuid, at timestamptz) returns table (valid boolean,
 * reason text, expires_at timestamptz)
 *
 * Answers, whatever it is asked: a link that is null is not found.
 */
PGDLLEXPORT Datum
coursebase_verify_gen_link(PG_FUNCTION_ARGS)
{
	Link link = {false};
	LinkState state;
	Datum values[3] = {0};
	bool nulls[3] = {false};

	compat_materialize(fcinfo);
	SPI_connect();
	if (!PG_ARGISNULL(0))
		link = link_read(&read_link, PG_GETARG_DATUM(0), true);
	state = link_state(&link, PG_ARGISNULL(1) ? GetCurrentTransactionStartTimestamp()
											  : PG_GETARG_TIMESTAMPTZ(1));
	SPI_finish();
	values[0] = BoolGetDatum(state == LINK_VALID);
	nulls[1] = state == LINK_VALID;
	if (!nulls[1])
		values[1] = CStringGetTextDatum(link_reasons[state]);
	nulls[2] = !link.found;
	if (link.found)
		values[2] = TimestampTzGetDatum(link_end(link.issued_at));
	row_return(fcinfo, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: manage_regen_requests(purchase_id uuid, at timestamptz) returns table
 * (link_token uuid, expires_at timestamptz)
 *
 * A link that still leads to the form is answered as it is: asking twice issues one.
 */
PGDLLEXPORT Datum
coursebase_manage_regen_requests(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"purchase_id", "at", NULL};
	Datum arguments[2];
	Datum values[2];
	bool nulls[2] = {false};
	TimestampTz at;
	Link link;

	arguments_require(fcinfo, names);
	at = PG_GETARG_TIMESTAMPTZ(1);
	time_require_finite(at);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	link = link_read(&lock_purchase, PG_GETARG_DATUM(0), false);
	if (!link.found)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND),
				 errmsg("there is no such purchase of a custom course"),
				 errdetail("None has the id %s.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0)))),
				 errhint("Give the id of a row of custom_course_purchases.")));
	values[0] = plan_value(0, 8, NULL);
	switch (link_state(&link, at))
	{
		case LINK_VALID:
			break;
		case LINK_SUBMITTED:
		case LINK_EXPIRED:
			arguments[0] = PG_GETARG_DATUM(0);
			arguments[1] = TimestampTzGetDatum(at);
			owner_execute(&renew_link, arguments, NULL, false);
			values[0] = plan_value(0, 1, NULL);
			link.issued_at = at;
			break;
		default:
			link_require(&link, at);
	}
	values[0] = SPI_datumTransfer(values[0], false, UUID_LEN);
	SPI_finish();
	values[1] = TimestampTzGetDatum(link_end(link.issued_at));
	row_return(fcinfo, values, nulls);
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
	static const char *const names[] = {
		"user_id",     "source", "environment", "purchase_id", "purchase_token",
		"course_code", "title",  "description", "at",          NULL};
	Datum row[3];
	bool nulls[3] = {false};

	arguments_require(fcinfo, names);
	time_require_finite(PG_GETARG_TIMESTAMPTZ(8));
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	if (anchor_user(PG_GETARG_UUID_P(0)) != ANCHORED_LIVE)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("None has the id %s.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0)))),
				 errhint("Give the id of a row of users that is not closed.")));
	if (!receipt_find(fcinfo, row))
		receipt_create(fcinfo, row);
	for (int i = 0; i < 2; i++)
		row[i] = SPI_datumTransfer(row[i], false, UUID_LEN);
	SPI_finish();
	row_return(fcinfo, row, nulls);
	return (Datum) 0;
}

/*
 * SQL function: own_custom_course_ids() returns uuid[]
 *
 * For policies. Of an administrator too only the own ones: links and store tokens are secrets
 * between the buyer and the server.
 */
PGDLLEXPORT Datum
coursebase_own_custom_course_ids(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);
	Datum ids;
	bool null;

	if (!identity_current_user(&user))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(UUIDOID));
	SPI_connect();
	owner_execute(&read_own, &key, NULL, true);
	ids = SPI_datumTransfer(plan_value(0, 1, &null), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(ids);
}

/* names ends with NULL, one for each argument. */
static void
arguments_require(FunctionCallInfo fcinfo, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
}

static void
time_require_finite(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
}

static SubmitStep
step_read(text *step)
{
	char *name = text_to_cstring(step);

	for (SubmitStep s = 0; s < lengthof(step_names); s++)
		if (strcmp(name, step_names[s]) == 0)
			return s;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown step \"%s\"", name),
			 errhint("Use generate_script or generate_audio.")));
}

/* Links */

static Link
link_read(KeptPlan *plan, Datum key, bool read_only)
{
	Link link = {false};

	if (owner_execute(plan, &key, NULL, read_only) != 1)
		return link;
	link.found = true;
	link.purchase = plan_value(0, 1, NULL);
	link.course = plan_value(0, 2, NULL);
	link.issued_at = DatumGetTimestampTz(plan_value(0, 3, NULL));
	link.submitted = DatumGetBool(plan_value(0, 4, NULL));
	link.status = plan_text_required(0, 5);
	link.course_text = plan_text_required(0, 2);
	link.user_text = plan_text_required(0, 6);
	link.course_code = plan_text_required(0, 7);
	return link;
}

static LinkState
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

static TimestampTz
link_end(TimestampTz issued_at)
{
	return TIMESTAMP_NOT_FINITE(issued_at) ? issued_at : issued_at + LINK_LIFETIME;
}

static void
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
			ereport(ERROR,
					(errcode(ERRCODE_CB_LINK_INVALID), errmsg("the purchase is not active"),
					 errdetail("It is %s.", link->status), errhint("Buy the course again.")));
	}
}

/* The WHERE is evaluated on the row as it is once locked: of two submissions one finds it. */
static void
link_use(Datum token, TimestampTz at, const Link *link, const char *title)
{
	Datum values[] = {link->course, CStringGetTextDatum(title)};
	Link now;

	if (owner_execute(&use_link, &token, NULL, false) == 1)
	{
		owner_execute(&write_title, values, NULL, false);
		return;
	}
	now = link_read(&read_link, token, false);
	link_require(&now, at);
	elog(ERROR, "a link that is valid could not be used");
}

/* Forms */

static void
form_read(Form *form, Datum answers)
{
	JsonSpan root;

	memset(form, 0, sizeof(*form));
	initStringInfo(&form->faults);
	json_load(&form->text, answers);
	root = json_root(&form->text);
	if (json_kind(&form->text, root) != JSON_KIND_OBJECT)
		appendStringInfoString(&form->faults, " The answers are not an object.");
	else
	{
		for (int i = 0; i < lengthof(form_rules); i++)
			form_read_answer(form, root, &form_rules[i], &form->answers[i]);
		form_read_scripts(form, root);
	}
	if (form->text.broken)
		json_raise_broken();
	if (form->faults.len > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_FORM_INVALID), errmsg("the form is not complete"),
						errdetail_internal("%s", form->faults.data + 1),
						errhint("Correct these answers and submit the form again.")));
}

static void
form_read_answer(Form *form, JsonSpan root, const FormRule *rule, char **answer)
{
	JsonSpan value;
	int length;

	if (!json_member_find(&form->text, root, (JsonSlice){rule->name, strlen(rule->name)},
						  &value) ||
		json_kind(&form->text, value) != JSON_KIND_STRING)
	{
		appendStringInfo(&form->faults, " %s is missing or no string.", rule->name);
		return;
	}
	*answer = text_trimmed(&form->text, value);
	length = pg_mbstrlen(*answer);
	if (length < rule->least || length > rule->most)
		appendStringInfo(&form->faults, " %s has %d character%s, not %d to %d.", rule->name,
						 length, length == 1 ? "" : "s", rule->least, rule->most);
}

static void
form_read_scripts(Form *form, JsonSpan root)
{
	JsonCursor cursor;
	JsonSpan list, script;
	int scripts = 0;

	if (!json_member_find(&form->text, root, (JsonSlice){"scripts", 7}, &list) ||
		json_kind(&form->text, list) != JSON_KIND_ARRAY)
	{
		appendStringInfoString(&form->faults, " scripts is missing or no array.");
		return;
	}
	json_walk_begin(&cursor, &form->text, list);
	while (json_element_next(&cursor, &script))
	{
		scripts++;
		if (scripts <= FORM_SCRIPTS && !form_read_script(form, script))
			return;
	}
	if (scripts != FORM_SCRIPTS)
		appendStringInfo(&form->faults, " scripts has %d elements, not %d.", scripts,
						 FORM_SCRIPTS);
}

/* False when a fault was found. */
static bool
form_read_script(Form *form, JsonSpan script)
{
	JsonText *text = &form->text;
	JsonSpan number, technique;
	char *name;
	int i;

	if (json_kind(text, script) != JSON_KIND_OBJECT ||
		!json_member_find(text, script, (JsonSlice){"number", 6}, &number) ||
		number.end - number.start != 1 || text->bytes[number.start] < '1' ||
		text->bytes[number.start] > '0' + FORM_SCRIPTS)
	{
		appendStringInfo(&form->faults, " Each script has a number from 1 to %d; one has not.",
						 FORM_SCRIPTS);
		return false;
	}
	i = text->bytes[number.start] - '1';
	if (form->techniques[i] != NULL)
	{
		appendStringInfo(&form->faults, " Script %d is there twice.", i + 1);
		return false;
	}
	name = json_member_find(text, script, (JsonSlice){"technique", 9}, &technique) &&
				   json_kind(text, technique) == JSON_KIND_STRING
			   ? text_trimmed(text, technique)
			   : "";
	if (name[0] == '\0')
	{
		appendStringInfo(&form->faults, " Script %d has no technique.", i + 1);
		return false;
	}
	form->scripts[i] = script;
	form->techniques[i] = name;
	return true;
}

static char *
text_trimmed(JsonText *text, JsonSpan string)
{
	static const char white[] = " \t\n\r\v\f";
	size_t size;
	char *start = json_string_text(json_text_slice(text, string), &size);
	char *end = start + size;

	while (*start != '\0' && strchr(white, *start) != NULL)
		start++;
	while (end > start && strchr(white, end[-1]) != NULL)
		end--;
	*end = '\0';
	return start;
}

/* What generation needs: whose course it is and the answers, trimmed. */
static Datum
form_result(const Form *form, const Link *link, SubmitStep step)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	member_append(&out, "custom_course_id", link->course_text);
	member_append(&out, "user_id", link->user_text);
	member_append(&out, "course_code", link->course_code);
	member_append(&out, "step", step_names[step]);
	for (int i = 0; i < lengthof(form_rules); i++)
		member_append(&out, form_rules[i].name, form->answers[i]);
	appendStringInfoString(&out, ", \"scripts\": [");
	for (int i = 0; i < FORM_SCRIPTS; i++)
		script_append(&out, form, i);
	appendStringInfoString(&out, "]}");
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

static void
member_append(StringInfo out, const char *name, const char *value)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	escape_json(out, name);
	appendStringInfoString(out, ": ");
	escape_json(out, value);
}

/* Number and technique, then whatever else the script holds, as it was given. */
static void
script_append(StringInfo out, const Form *form, int script)
{
	JsonText text = form->text;
	JsonCursor cursor;
	JsonSpan key, value;

	appendStringInfo(out, "%s{\"number\": %d, \"technique\": ", script > 0 ? ", " : "",
					 script + 1);
	escape_json(out, form->techniques[script]);
	json_walk_begin(&cursor, &text, form->scripts[script]);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice name = json_text_slice(&text, key);

		if (json_string_is(name, "number") || json_string_is(name, "technique"))
			continue;
		appendStringInfoString(out, ", ");
		appendBinaryStringInfo(out, name.bytes, name.size);
		appendStringInfoString(out, ": ");
		appendBinaryStringInfo(out, text.bytes + value.start, value.end - value.start);
	}
	appendStringInfoChar(out, '}');
}

/* Receipts */

static bool
receipt_find(FunctionCallInfo fcinfo, Datum *row)
{
	Datum values[] = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
					  PG_GETARG_DATUM(0), PG_GETARG_DATUM(5)};

	if (owner_execute(&read_receipt, values, NULL, false) != 1)
		return false;
	if (!DatumGetBool(plan_value(0, 4, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
				 errdetail("It belongs to another user or to another product."),
				 errhint("Ask the store whose purchase it is.")));
	row[0] = plan_value(0, 1, NULL);
	row[1] = plan_value(0, 2, NULL);
	row[2] = TimestampTzGetDatum(link_end(DatumGetTimestampTz(plan_value(0, 3, NULL))));
	return true;
}

/* A receipt that another user's call wrote meanwhile shows at the INSERT; the course made for
 * it goes again. */
static void
receipt_create(FunctionCallInfo fcinfo, Datum *row)
{
	Datum course[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(5), PG_GETARG_DATUM(6),
					  PG_GETARG_DATUM(7)};
	Datum receipt[] = {0,
					   PG_GETARG_DATUM(1),
					   PG_GETARG_DATUM(2),
					   PG_GETARG_DATUM(3),
					   PG_GETARG_DATUM(4),
					   PG_GETARG_DATUM(8)};

	owner_execute(&write_course, course, NULL, false);
	receipt[0] = plan_value(0, 1, NULL);
	if (owner_execute(&write_receipt, receipt, NULL, false) != 1)
		owner_execute(&delete_course, receipt, NULL, false);
	if (!receipt_find(fcinfo, row))
		elog(ERROR, "a purchase of a custom course vanished while it was made");
}

static void
row_return(FunctionCallInfo fcinfo, Datum *values, const bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, (bool *) nulls);
}
