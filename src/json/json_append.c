/*
 * json_append.c: a json document grows at one place, all its other bytes as they were.
 *
 * One scan finds the place, one copy makes the result. Both arguments are JSON already (the
 * type checked them), so that the result is JSON as well: nothing here looks at what the
 * values mean.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "json/json_load.h"
#include "json/splice.h"

/* The steps of a path, from the root on. */
typedef struct EntryPath
{
	JsonSlice *steps;
	int size;
} EntryPath;

static EntryPath path_read(FunctionCallInfo fcinfo, int argument);
static char *path_text(const EntryPath *path, size_t steps);
static void plan_refuse(JsonStatus status, const EntryPath *path, const JsonSplice *plan);

PG_FUNCTION_INFO_V1(coursebase_json_append);

/* SQL function: json_append(document json, path text[], entries json) returns json */
PGDLLEXPORT Datum
coursebase_json_append(PG_FUNCTION_ARGS)
{
	EntryPath path = path_read(fcinfo, 1);
	JsonText document;
	JsonText entries;
	JsonSplice plan;
	JsonStatus status;

	json_load(&document, PG_GETARG_DATUM(0));
	json_load(&entries, PG_GETARG_DATUM(2));
	/* IMMUTABLE and without SPI: the result depends on the arguments alone */
	status =
		json_splice_plan(&document, path.steps, path.size, &entries, JSON_CREATE_ARRAY, &plan);
	if (status != JSON_OK)
		plan_refuse(status, &path, &plan);
	PG_RETURN_DATUM(splice_build(&plan));
}

/* The steps point into the argument, or into its copy in the current context. */
static EntryPath
path_read(FunctionCallInfo fcinfo, int argument)
{
	ArrayType *array = args_array(fcinfo, argument);
	EntryPath path;
	Datum *values;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("path must have one dimension"),
				 errdetail("It has %d.", ARR_NDIM(array))));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &path.size);
	path.steps = palloc(sizeof(JsonSlice) * Max(path.size, 1));
	for (int i = 0; i < path.size; i++)
	{
		text *step = DatumGetTextPP(values[i]);

		path.steps[i].bytes = VARDATA_ANY(step);
		path.steps[i].size = VARSIZE_ANY_EXHDR(step);
	}
	return path;
}

/* The first steps of the path as the server writes an array of text, for messages. */
static char *
path_text(const EntryPath *path, size_t steps)
{
	Datum *values = palloc(sizeof(Datum) * Max(steps, 1));

	for (size_t i = 0; i < steps; i++)
		values[i] = PointerGetDatum(
			cstring_to_text_with_len(path->steps[i].bytes, path->steps[i].size));
	return OidOutputFunctionCall(F_ARRAY_OUT, array_of(TEXTOID, values, NULL, steps));
}

/*
 * Says in words why json_splice_plan() made no plan. What is left beside these cases is a
 * stored value that is no JSON after all.
 */
static void
plan_refuse(JsonStatus status, const EntryPath *path, const JsonSplice *plan)
{
	/*
	 * KEY_EXISTS and KEY_REPEATED are one error: the caller has to give other keys either way
	 */
	switch (status)
	{
		case JSON_KEY_EXISTS:
		case JSON_KEY_REPEATED:
			ereport(ERROR, (errcode(ERRCODE_CB_ENTRY_CONFLICT),
							errmsg("a key of the entries is there already"),
							errdetail(status == JSON_KEY_EXISTS
										  ? "The object at %s has the key %s."
										  : "The entries for %s have the key %s twice.",
									  path_text(path, path->size), json_excerpt(plan->key)),
							errhint("Append only members with keys of their own.")));
			break;
		case JSON_NOT_CONTAINER:
			ereport(ERROR, (errcode(ERRCODE_CB_PATH_INVALID),
							errmsg("the path leads to a value that cannot be appended to"),
							errdetail("The value at %s is neither an array nor an object.",
									  path_text(path, plan->steps)),
							errhint("Name the path of an array or of an object.")));
			break;
		case JSON_NO_ELEMENT:
			ereport(
				ERROR,
				(errcode(ERRCODE_CB_PATH_INVALID),
				 errmsg("the path leads through an array to an element it lacks"),
				 errdetail("The array at %s has no element %s.", path_text(path, plan->steps),
						   json_excerpt(path->steps[plan->steps])),
				 errhint("Name an element by its index from 0, or the array itself.")));
			break;
		case JSON_ENTRIES_NOT_OBJECT:
			ereport(ERROR,
					(errcode(ERRCODE_CB_ENTRY_INVALID),
					 errmsg("only an object can be merged into an object"),
					 errdetail("The value at %s is an object, the entries are none.",
							   path_text(path, path->size)),
					 errhint("Give the entries as an object, or name the path of an array.")));
			break;
		default:
			json_raise_broken();
	}
}
