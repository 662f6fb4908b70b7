/*
 * args.c: the arguments of an SQL function, refused by the names that its signature gives
 * them.
 *
 * Invariant: an argument that is as expected costs a test of a flag and no look-up in the
 * catalogue. Only the error looks the name up.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"

#include "core/args.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL    "abcdefghijklmnopqrstuvwxyz"
/* An id's bytes at most, as in a receipt: an index holds no text of any length. */
#define ID_MOST 512
/* How many bytes of a word that nobody knows a message shows. */
#define WORD_SHOWN 64
/* Of the years 1 to 9999: a time to which a term is added stays one that the server can hold.
 */
#define EARLIEST_TIME INT64CONST(-63082281600000000)
#define LATEST_TIME   INT64CONST(252455616000000000)

static const char *argument_name(FunctionCallInfo fcinfo, int argument);

/* One wording and one SQLSTATE for every function: a client can show the message as it is. */
void
args_require(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", argument_name(fcinfo, argument))));
}

/*
 * For functions whose signature has no optional argument; a later one joins the check by
 * itself.
 */
void
args_require_all(FunctionCallInfo fcinfo)
{
	args_require_first(fcinfo, PG_NARGS());
}

void
args_require_all_but(FunctionCallInfo fcinfo, int optional)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (i != optional)
			args_require(fcinfo, i);
}

void
args_require_first(FunctionCallInfo fcinfo, int count)
{
	for (int i = 0; i < count; i++)
		args_require(fcinfo, i);
}

/* An infinite time would be stored, or counted from, and never come or never have been. */
TimestampTz
args_time(FunctionCallInfo fcinfo, int argument)
{
	TimestampTz time;

	args_require(fcinfo, argument);
	time = PG_GETARG_TIMESTAMPTZ(argument);
	if (TIMESTAMP_NOT_FINITE(time))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be a finite time", argument_name(fcinfo, argument))));
	if (time < EARLIEST_TIME || time >= LATEST_TIME)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be a time of the years 1 to 9999",
							   argument_name(fcinfo, argument))));
	return time;
}

/*
 * The arguments are bigint, so that a sum that is too large is refused in these words and not
 * as a function that does not exist; the columns are integer, which JavaScript reads as a
 * number.
 */
int32
args_money(FunctionCallInfo fcinfo, int argument)
{
	int64 sum;

	args_require(fcinfo, argument);
	sum = PG_GETARG_INT64(argument);
	if (sum < PG_INT32_MIN || sum > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is out of range", argument_name(fcinfo, argument)),
				 errdetail("Given are " INT64_FORMAT " minor units; a sum is at most %d.", sum,
						   PG_INT32_MAX),
				 errhint("Pass the sum in minor units of its currency.")));
	return (int32) sum;
}

/*
 * A null in a list is a caller's mistake: as an id it would match nothing and be lost in
 * silence.
 */
ArrayType *
args_array(FunctionCallInfo fcinfo, int argument)
{
	ArrayType *array;

	args_require(fcinfo, argument);
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not hold a null", argument_name(fcinfo, argument))));
	return array;
}

char *
args_text_or_null(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* Whoever may call a function may send it megabytes, which would be folded, or go to the log.
 */
char *
args_text_clipped(const text *value, int most)
{
	const char *bytes = VARDATA_ANY(value);
	int size = (int) VARSIZE_ANY_EXHDR(value);

	if (size <= most)
		return pnstrdup(bytes, size);
	return psprintf("%.*s...", pg_mbcliplen(bytes, size, most), bytes);
}

/* Compares the bytes in place: most calls name a known word, and need no copy. */
int
args_word(FunctionCallInfo fcinfo, int argument, const char *const *words, int count)
{
	StringInfoData known;
	const text *word;
	Size size;

	args_require(fcinfo, argument);
	word = PG_GETARG_TEXT_PP(argument);
	size = VARSIZE_ANY_EXHDR(word);
	for (int i = 0; i < count; i++)
		if (strlen(words[i]) == size && memcmp(words[i], VARDATA_ANY(word), size) == 0)
			return i;
	initStringInfo(&known);
	for (int i = 0; i < count; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", words[i]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown %s \"%s\"", argument_name(fcinfo, argument),
						   args_text_clipped(word, WORD_SHOWN)),
					errhint("Use one of: %s.", known.data)));
}

void
args_length(FunctionCallInfo fcinfo, int argument, int least, int most)
{
	const text *value;
	int length;

	args_require(fcinfo, argument);
	value = PG_GETARG_TEXT_PP(argument);
	length = pg_mbstrlen_with_len(VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value));
	if (length < least || length > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have %d to %d characters",
							   argument_name(fcinfo, argument), least, most),
						errdetail("It has %d.", length)));
}

/* By the text and not by the stored value, in which a number of many digits is small. */
void
args_jsonb_size(FunctionCallInfo fcinfo, int argument, int most)
{
	StringInfoData written;
	Jsonb *value;

	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_JSONB_P(argument);
	initStringInfo(&written);
	JsonbToCString(&written, &value->root, VARSIZE(value));
	if (written.len > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have at most %d bytes", argument_name(fcinfo, argument), most),
				 errdetail("It has %d.", written.len)));
	pfree(written.data);
}

void
args_id(FunctionCallInfo fcinfo, int argument)
{
	const text *id;
	const char *bytes;
	Size size;

	args_require(fcinfo, argument);
	id = PG_GETARG_TEXT_PP(argument);
	bytes = VARDATA_ANY(id);
	size = VARSIZE_ANY_EXHDR(id);
	if (size == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be empty", argument_name(fcinfo, argument))));
	if (size > ID_MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have at most %d bytes", argument_name(fcinfo, argument),
							   ID_MOST)));
	/* control characters too: what comes along from the end of a line */
	if ((unsigned char) bytes[0] <= ' ' || (unsigned char) bytes[size - 1] <= ' ')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s begins or ends with a blank", argument_name(fcinfo, argument)),
				 errdetail("It would be another id than the same without.")));
}

void
args_currency(FunctionCallInfo fcinfo, int argument, bool folded)
{
	const char *code;
	const char *blanks = folded ? " " : "";

	args_require(fcinfo, argument);
	code = args_text_clipped(PG_GETARG_TEXT_PP(argument), WORD_SHOWN);
	code += strspn(code, blanks);
	if (strspn(code, folded ? CAPITALS SMALL : CAPITALS) == 3 &&
		code[3 + strspn(code + 3, blanks)] == '\0')
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s is no currency", argument_name(fcinfo, argument)),
					errhint("Use a code of ISO 4217 in three letters, such as EUR.")));
}

void
args_receipt_source(FunctionCallInfo fcinfo, int argument)
{
	static const char *const sources[] = {"google_play", "app_store"};

	args_word(fcinfo, argument, sources, lengthof(sources));
	args_environment(fcinfo, argument + 1);
}

void
args_environment(FunctionCallInfo fcinfo, int argument)
{
	static const char *const environments[] = {"production", "sandbox"};

	args_word(fcinfo, argument, environments, lengthof(environments));
}

/*
 * The name that CREATE FUNCTION gave the argument, as long as the current context. An argument
 * without a name is that of a function that somebody else made on the same C function: its
 * number says which it is.
 */
static const char *
argument_name(FunctionCallInfo fcinfo, int argument)
{
	HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Datum names;
	Datum modes;
	bool unnamed;
	bool no_modes;
	char **found;
	const char *name = NULL;

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	names = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proargnames, &unnamed);
	modes = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proargmodes, &no_modes);
	/* the columns of RETURNS TABLE are among the names, so the modes choose */
	if (!unnamed &&
		get_func_input_arg_names(names, no_modes ? (Datum) 0 : modes, &found) > argument)
		name = found[argument];
	ReleaseSysCache(function);
	return name != NULL ? name : psprintf("argument %d", argument + 1);
}
