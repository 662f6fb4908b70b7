/*
 * audio.c: audio entries join the document of a custom course, each once.
 *
 * Invariants: the row is locked before its document is read, so that concurrent appends all
 * survive; document, checksum, size and updated_at change in one UPDATE or not at all; bytes
 * that were there stay as they were; the same statement records what was inserted where, for
 * the deltas of the handshake.
 *
 * Locks: the row of users, then the custom course, both FOR NO KEY UPDATE. Rights: only the
 * server calls the functions; their statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
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
#include "identity/anchor.h"
#include "identity/named.h"
#include "json/document.h"
#include "json/json_load.h"
#include "json/splice.h"
#include "media/audio_call.h"

/* What is searched between two interrupts. */
#define SEARCH_PIECE ((Size) 1 << 20)

/* The row as it was locked, then as it was written. */
typedef struct CourseDocument
{
	pg_uuid_t user; /* whose course it is */
	bool is_closed; /* that person's account */
	Datum data;
	char *checksum;
	int32 size;
} CourseDocument;

/* The columns of lock_document. */
enum
{
	LOCKED_DATA = 1,
	LOCKED_CHECKSUM,
	LOCKED_SIZE,
	LOCKED_USER,
};

/* The columns of write_document and write_checksum. */
enum
{
	WRITTEN_CHECKSUM = 1,
	WRITTEN_SIZE,
};

/*
 * Read before the lock of the course, to lock the person first. Whose a course is may change
 * meanwhile only by a transfer; named_user_require() looks at the locked row.
 */
static KeptPlan find_user = {
	.sql = "SELECT user_id FROM coursebase.custom_courses WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The lock comes before the read: a call that waited reads what the call before it appended. */
static KeptPlan lock_document = {
	.sql = "SELECT data, checksum, file_size_bytes, user_id FROM coursebase.custom_courses"
		   " WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A trigger of the user's may change the document on its way: what is stored then is no append
 * to the earlier bytes, and the statement records none. */
static KeptPlan write_document = {
	.sql = "WITH written AS (UPDATE coursebase.custom_courses SET data = $2, checksum = $3,"
		   " file_size_bytes = $4, updated_at = now() WHERE id = $1"
		   " RETURNING checksum, file_size_bytes),"
		   " version AS (INSERT INTO coursebase.custom_course_versions (custom_course_id,"
		   " base_checksum, checksum, insert_offset, insert_length)"
		   " SELECT $1, $5, checksum, $6, $7 FROM written WHERE checksum = $3"
		   " ON CONFLICT (custom_course_id, base_checksum) DO UPDATE"
		   " SET checksum = EXCLUDED.checksum, insert_offset = EXCLUDED.insert_offset,"
		   " insert_length = EXCLUDED.insert_length)"
		   " SELECT checksum, file_size_bytes FROM written",
	.nargs = 7,
	.types = {UUIDOID, JSONOID, TEXTOID, INT4OID, TEXTOID, INT4OID, INT4OID},
};
/* Leaves data alone, so that the large value is not stored again. */
static KeptPlan write_checksum = {
	.sql = "UPDATE coursebase.custom_courses SET checksum = $2, file_size_bytes = $3"
		   " WHERE id = $1 RETURNING checksum, file_size_bytes",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, INT4OID},
};

static CourseDocument document_lock(Datum id);
static void document_require(const CourseDocument *document, const char *expected);
static void target_find(AudioCall *call, JsonText *document, JsonFound *found);
static bool target_takes(const AudioCall *call, const JsonFound *found);
static void target_raise(const AudioCall *call, JsonText *document, const JsonFound *found);
static bool target_lacks(AudioCall *call, JsonSlice target);
static bool target_holds(JsonSlice target, JsonSlice name);
static bool ascii_escaped(JsonSlice bytes);
static void target_match_list(AudioCall *call, JsonText *document, JsonSpan list);
static void target_match_keyed(AudioCall *call, JsonText *document, JsonSpan object);
static void document_grow(Datum id, CourseDocument *document, AudioCall *call, JsonText *text,
						  const JsonFound *found);
static void splice_plan(AudioCall *call, JsonText *document, const JsonFound *found,
						JsonSplice *plan);
static void row_return(FunctionCallInfo fcinfo, const CourseDocument *document, int64 appended,
					   int64 skipped);

static const JsonSlice audio_path[] = {{"audio_files", 11}};

PG_FUNCTION_INFO_V1(coursebase_update_json);
PG_FUNCTION_INFO_V1(coursebase_calculate_checksum);

/*
 * SQL function: update_json(custom_course_id uuid, audio json, expected_checksum text,
 * user_id uuid) returns table (checksum text, file_size_bytes integer, appended integer,
 * skipped integer)
 */
PGDLLEXPORT Datum
coursebase_update_json(PG_FUNCTION_ARGS)
{
	AudioCall call;
	CourseDocument document;
	NamedUser named;
	JsonText json;
	JsonFound found;

	args_require_first(fcinfo, 2);
	schema_require_current();
	named = named_user_read(fcinfo, 3);
	compat_materialize(fcinfo);
	SPI_connect();
	/* before the lock, so that a call which is refused makes nobody wait; within SPI, so that
	 * what the call holds is freed at SPI_finish() */
	audio_call_read(&call, PG_GETARG_DATUM(1));
	document = document_lock(PG_GETARG_DATUM(0));
	named_user_require(&named, &document.user);
	/* what is made after the person has left tells of the person, and would stay */
	if (document.is_closed)
		anchor_raise_missing(&document.user);
	document_require(&document, args_text_or_null(fcinfo, 2));
	json_load(&json, document.data);
	target_find(&call, &json, &found);
	audio_call_settle(&call);
	if (call.size > 0)
		document_grow(PG_GETARG_DATUM(0), &document, &call, &json, &found);
	SPI_finish();
	row_return(fcinfo, &document, call.size, call.skipped);
	return (Datum) 0;
}

/*
 * SQL function: calculate_checksum(custom_course_id uuid, user_id uuid) returns table (checksum
 * text, file_size_bytes integer)
 *
 * Writes only what is wrong: a row that is right keeps its updated_at.
 */
PGDLLEXPORT Datum
coursebase_calculate_checksum(PG_FUNCTION_ARGS)
{
	char checksum[DIGEST_HEX_SIZE];
	CourseDocument document;
	NamedUser named;
	int32 size;

	args_require(fcinfo, 0);
	schema_require_current();
	named = named_user_read(fcinfo, 1);
	compat_materialize(fcinfo);
	SPI_connect();
	document = document_lock(PG_GETARG_DATUM(0));
	named_user_require(&named, &document.user);
	size = (int32) document_digest(document.data, DOCUMENT_STORED, DIGEST_MD5, checksum);
	if (size != document.size || strcmp(checksum, document.checksum) != 0)
	{
		PlanValues values = {0};

		args_bind(&values, fcinfo, 0);
		plan_bind_text(&values, checksum);
		plan_bind_int32(&values, size);
		if (owner_execute(&write_checksum, values.datums, NULL, false) != 1)
			row_kept_raise("custom_courses", "the checksum was not written");
		document.checksum = plan_text_required(0, WRITTEN_CHECKSUM);
		document.size = plan_int32(0, WRITTEN_SIZE);
	}
	SPI_finish();
	row_return(fcinfo, &document, 0, 0);
	return (Datum) 0;
}

/* The document points into SPI's memory; the checksum is the caller's. */
static CourseDocument
document_lock(Datum id)
{
	CourseDocument document = {.is_closed = false};
	pg_uuid_t user;

	/* the person first, so that the transaction may go on with any other call about them */
	if (owner_execute_latest(&find_user, &id, NULL) == 1)
	{
		user = plan_uuid(0, 1);
		document.is_closed = anchor_user(&user) == ANCHORED_CLOSED;
	}
	/*
	 * the second lock; the row is read with the newest version, in which the call before this
	 * one has appended
	 */
	if (owner_execute(&lock_document, &id, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such custom course"),
						errdetail("None has the id %s.", uuid_text(DatumGetUUIDP(id))),
						errhint("Create it with coursebase.create_custom_course().")));
	document.data = plan_value_as(0, LOCKED_DATA, JSONOID, NULL);
	document.checksum = plan_text_required(0, LOCKED_CHECKSUM);
	document.size = plan_int32(0, LOCKED_SIZE);
	document.user = plan_uuid(0, LOCKED_USER);
	return document;
}

/* Compared under the lock, so that the answer still holds when the document is written. */
static void
document_require(const CourseDocument *document, const char *expected)
{
	if (expected == NULL || pg_strcasecmp(expected, document->checksum) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CB_DOCUMENT_CHANGED), errmsg("the document has changed meanwhile"),
			 errdetail("Its checksum is %s, not %s.", document->checksum, expected),
			 errhint("Fetch the document anew and decide again.")));
}

/* Finds audio_files in the document, and notes in the call which entries it has already:
 * without the walk where a search for bytes shows that nothing of the call is there. */
static void
target_find(AudioCall *call, JsonText *document, JsonFound *found)
{
	json_path_find(document, audio_path, lengthof(audio_path), found);
	if (!target_takes(call, found))
		target_raise(call, document, found);
	else if (!target_lacks(call, json_text_slice(document, found->value)))
	{
		if (call->keyed)
			target_match_keyed(call, document, found->value);
		else
			target_match_list(call, document, found->value);
	}
	if (document->broken)
		json_raise_broken();
}

/* Whether audio_files is there, in the form of the call. */
static bool
target_takes(const AudioCall *call, const JsonFound *found)
{
	return found->kind == (call->keyed ? JSON_KIND_OBJECT : JSON_KIND_ARRAY);
}

/* Nothing to raise where audio_files is missing from an object: the append then makes it. */
static void
target_raise(const AudioCall *call, JsonText *document, const JsonFound *found)
{
	if (document->broken)
		return;
	if (found->kind == JSON_KIND_MISSING)
	{
		if (json_kind(document, found->value) != JSON_KIND_OBJECT)
			ereport(ERROR, (errcode(ERRCODE_CB_PATH_INVALID),
							errmsg("the document cannot hold audio_files"),
							errdetail("It is not an object."),
							errhint("Write a document that is an object.")));
	}
	else if (found->kind == JSON_KIND_ARRAY || found->kind == JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_CB_PATH_INVALID),
				 errmsg("audio has another form than audio_files"),
				 call->keyed
					 ? errdetail("audio_files is an array, audio an object without url.")
					 : errdetail("audio_files is an object by audio number, audio is not."),
				 call->keyed ? errhint("Give one entry with its url, or an array of entries.")
							 : errhint("Give an object of entries by audio number.")));
	else
		ereport(ERROR,
				(errcode(ERRCODE_CB_PATH_INVALID), errmsg("audio_files cannot be appended to"),
				 errdetail("It is neither an array nor an object: %s.",
						   json_excerpt(json_text_slice(document, found->value))),
				 errhint("Write a document whose audio_files is an array or an object.")));
}

/*
 * Whether the document certainly has none of the call's entries, which is the usual case: found
 * by a search for the bytes of each name, without walking the list. A name that is spelled with
 * escapes, in the call or in the document, makes the answer false.
 */
static bool
target_lacks(AudioCall *call, JsonSlice target)
{
	if (call->size > AUDIO_ITEMS_COMPARED)
		return false;
	for (size_t i = 0; i < call->size; i++)
	{
		JsonSlice name = call->items[i].name;

		for (size_t at = 0; at < name.size; at++)
			if (name.bytes[at] == '\\' || IS_HIGHBIT_SET(name.bytes[at]))
				return false;
		if (target_holds(target, name))
			return false;
	}
	return !ascii_escaped(target);
}

/* Searched a piece at a time, to serve interrupts: a list has up to a gigabyte. A piece reaches
 * as far into the next one as a name that begins in it. */
static bool
target_holds(JsonSlice target, JsonSlice name)
{
	for (Size at = 0; target.size - at >= name.size; at += SEARCH_PIECE)
	{
		Size left = target.size - at;

		CHECK_FOR_INTERRUPTS();
		if (memmem(target.bytes + at, Min(left, SEARCH_PIECE + name.size - 1), name.bytes,
				   name.size) != NULL)
			return true;
		if (left <= SEARCH_PIECE)
			break;
	}
	return false;
}

/* Whether an escape may stand for an ASCII character, which a name could hold unescaped. */
static bool
ascii_escaped(JsonSlice bytes)
{
	const char *end = bytes.bytes + bytes.size;
	const char *at = bytes.bytes;

	while (at < end)
	{
		Size piece = Min((Size) (end - at), SEARCH_PIECE);
		const char *slash = memchr(at, '\\', piece);

		CHECK_FOR_INTERRUPTS();
		at = slash != NULL ? slash : at + piece;
		if (slash == NULL)
			continue;
		if (end - at < 2 || at[1] == '/')
			return true;
		if (at[1] == 'u' && (end - at < 6 || (at[2] == '0' && at[3] == '0' && at[4] < '8')))
			return true;
		at += 2;
	}
	return false;
}

/*
 * Where several elements have one url, one with the same content is enough to make the call a
 * retry.
 */
static void
target_match_list(AudioCall *call, JsonText *document, JsonSpan list)
{
	JsonCursor cursor;
	JsonSpan element, url;

	json_walk_begin(&cursor, document, list);
	while (json_element_next(&cursor, &element))
	{
		AudioItem *item;

		if (json_kind(document, element) != JSON_KIND_OBJECT ||
			!json_member_find(document, element, (JsonSlice){"url", 3}, &url) ||
			json_kind(document, url) != JSON_KIND_STRING)
			continue;
		item = audio_call_find(call, json_text_slice(document, url));
		if (item != NULL && item->match != AUDIO_THERE)
			audio_item_match(item, json_text_slice(document, element));
	}
}

/* Where several members have one key, the last one counts, as for every reader of JSON here. */
static void
target_match_keyed(AudioCall *call, JsonText *document, JsonSpan object)
{
	JsonCursor cursor;
	JsonSpan key, value;

	json_walk_begin(&cursor, document, object);
	while (json_member_next(&cursor, &key, &value))
	{
		AudioItem *item = audio_call_find(call, json_text_slice(document, key));

		if (item != NULL)
			audio_item_match(item, json_text_slice(document, value));
	}
}

/*
 * Computes the digest once, here, and announces it: the table's triggers then find checksum and
 * size right, and do not read the document again.
 */
static void
document_grow(Datum id, CourseDocument *document, AudioCall *call, JsonText *text,
			  const JsonFound *found)
{
	char checksum[DIGEST_HEX_SIZE];
	PlanValues values = {0};
	JsonSplice plan;
	Datum grown;

	splice_plan(call, text, found, &plan);
	grown = splice_build(&plan);
	document_digest(grown, DOCUMENT_STORED, DIGEST_MD5, checksum);
	plan_bind(&values, id);
	plan_bind(&values, grown);
	plan_bind_text(&values, checksum);
	plan_bind_int32(&values, (int32) plan.size);
	plan_bind_text(&values, document->checksum);
	plan_bind_int32(&values, (int32) plan.offset);
	plan_bind_int32(&values, (int32) (plan.size - text->size));
	/*
	 * withdrawn after an error as well: the announcement names a value in memory that is freed
	 * then
	 */
	document_announce(grown, checksum);
	PG_TRY();
	{
		if (owner_execute(&write_document, values.datums, NULL, false) != 1)
			row_kept_raise("custom_courses", "the document was not written");
	}
	PG_FINALLY();
	{
		document_withdraw();
	}
	PG_END_TRY();
	document->checksum = plan_text_required(0, WRITTEN_CHECKSUM);
	document->size = plan_int32(0, WRITTEN_SIZE);
}

/* Where audio_files was found, its end is known and the document is not searched again. */
static void
splice_plan(AudioCall *call, JsonText *document, const JsonFound *found, JsonSplice *plan)
{
	bool missing = found->kind == JSON_KIND_MISSING;
	JsonSlice items = audio_call_join(call, missing);
	JsonText entries;

	if (missing)
	{
		JsonStatus status;

		json_text_init(&entries, items.bytes, items.size, json_pulse, NULL);
		status = json_splice_plan(document, audio_path, lengthof(audio_path), &entries,
								  call->keyed ? JSON_CREATE_OBJECT : JSON_CREATE_ARRAY, plan);
		if (status != JSON_OK)
			elog(ERROR, "could not plan the growth of a document: %s",
				 json_status_text(status));
		return;
	}
	memset(plan, 0, sizeof(*plan));
	plan->document = json_text_slice(document, (JsonSpan){0, document->size});
	plan->offset = found->insert;
	plan->items = items;
	plan->comma = !found->empty;
	plan->size = document->size + items.size + plan->comma;
}

/* calculate_checksum() has only the first two columns: the tuplestore then reads no further. */
static void
row_return(FunctionCallInfo fcinfo, const CourseDocument *document, int64 appended,
		   int64 skipped)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(document->checksum), Int32GetDatum(document->size),
					  Int32GetDatum((int32) appended), Int32GetDatum((int32) skipped)};
	bool nulls[] = {false, false, false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
