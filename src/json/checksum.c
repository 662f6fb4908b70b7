/*
 * checksum.c: checksum and size of a json document, as functions and as the trigger that keeps
 * them true.
 *
 * Invariant of the trigger: whatever a statement writes into the row, its checksum and size
 * columns leave here as those of its document. A trigger of the user's that fires later could
 * still change the document: where there is one, the row is looked at again once it is stored.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/args.h"
#include "core/owner.h"
#include "core/row_trigger.h"
#include "json/document.h"
#include "json/stream.h"

typedef struct ChecksumColumns
{
	int document;
	int checksum;
	int size;
} ChecksumColumns;

static const char *const format_names[DOCUMENT_FORMATS] = {
	[DOCUMENT_STORED] = "stored",
	[DOCUMENT_CRLF4] = "crlf4",
};

static void stored_verify(TriggerData *trigger, const ChecksumColumns *columns);
static bool others_fire_later(TriggerData *trigger);
static ChecksumColumns trigger_columns(TriggerData *trigger);
static int column_find(Relation relation, const char *name, Oid type);
static bool row_unchanged(TriggerData *trigger, const ChecksumColumns *columns);
static bool column_same(TriggerData *trigger, int column);
static HeapTuple row_derive(HeapTuple row, TupleDesc desc, ChecksumColumns *columns);
static bool row_says(HeapTuple row, TupleDesc desc, const ChecksumColumns *columns,
					 const char *hex, Size size);

PG_FUNCTION_INFO_V1(coursebase_json_checksum);
PG_FUNCTION_INFO_V1(coursebase_json_size);
PG_FUNCTION_INFO_V1(coursebase_tg_document__checksum);

/* SQL function: json_checksum(document json, format text, algorithm text) returns text */
PGDLLEXPORT Datum
coursebase_json_checksum(PG_FUNCTION_ARGS)
{
	char hex[DIGEST_HEX_SIZE];
	DocumentFormat format;
	DigestAlgorithm algorithm;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	format = (DocumentFormat) args_word(fcinfo, 1, format_names, DOCUMENT_FORMATS);
	algorithm =
		(DigestAlgorithm) args_word(fcinfo, 2, digest_algorithm_names, DIGEST_ALGORITHMS);
	document_digest(PG_GETARG_DATUM(0), format, algorithm, hex);
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}

/* SQL function: json_size(document json) returns integer */
PGDLLEXPORT Datum
coursebase_json_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) stream_size(PG_GETARG_DATUM(0)));
}

/*
 * SQL function: tg_document__checksum() returns trigger
 *
 * The argument names the document's column, by default data. Works with the rights of the
 * writer: nothing is read but the row.
 */
PGDLLEXPORT Datum
coursebase_tg_document__checksum(PG_FUNCTION_ARGS)
{
	bool after = CALLED_AS_TRIGGER(fcinfo) &&
				 TRIGGER_FIRED_AFTER(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *trigger = trigger_expect(fcinfo, "tg_document__checksum",
										  after ? ROW_AFTER_WRITE : ROW_BEFORE_WRITE);
	bool update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	ChecksumColumns columns = trigger_columns(trigger);

	if (after)
	{
		stored_verify(trigger, &columns);
		PG_RETURN_POINTER(NULL);
	}
	if (update && row_unchanged(trigger, &columns))
		PG_RETURN_POINTER(trigger->tg_newtuple);
	PG_RETURN_POINTER(row_derive(trigger_written_row(trigger),
								 RelationGetDescr(trigger->tg_relation), &columns));
}

/*
 * Reads the document once more, and only where another trigger could have changed the document
 * after the checksum was derived: that costs as much as deriving the checksum.
 */
static void
stored_verify(TriggerData *trigger, const ChecksumColumns *columns)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple row = trigger_written_row(trigger);
	char hex[DIGEST_HEX_SIZE];
	bool null;
	Datum document;
	Size size;

	if (!others_fire_later(trigger) || (update && row_unchanged(trigger, columns)))
		return;
	document = SPI_getbinval(row, desc, columns->document, &null);
	if (null)
		return;
	size = document_digest(document, DOCUMENT_STORED, DIGEST_MD5, hex);
	if (!row_says(row, desc, columns, hex, size))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger changed a document of table \"%s\" behind its checksum",
						RelationGetRelationName(trigger->tg_relation)),
				 errdetail("Triggers before a row's change fire in the order of their names."),
				 errhint("Give that trigger a name that comes before t500_checksum.")));
}

/*
 * Whether a trigger that is none of ours fires before the row's change and after the trigger
 * that derives. The server keeps triggers in the order in which they fire, which is that of
 * their names. It may make the list anew while a function is looked up, so that the functions
 * are copied first.
 */
static bool
others_fire_later(TriggerData *trigger)
{
	TriggerDesc *all = trigger->tg_relation->trigdesc;
	Oid *functions = palloc_array(Oid, all->numtriggers);
	int count = 0;
	bool later = false;

	for (int i = 0; i < all->numtriggers; i++)
	{
		Trigger *one = &all->triggers[i];

		if (!TRIGGER_FOR_ROW(one->tgtype) || !TRIGGER_FOR_BEFORE(one->tgtype))
			continue;
		if (one->tgfoid == trigger->tg_trigger->tgfoid)
			later = true;
		else if (later)
			functions[count++] = one->tgfoid;
	}
	for (int i = 0; i < count; i++)
		if (get_func_namespace(functions[i]) != owner_schema())
			return true;
	return false;
}

/* Names and types are checked at each call: a trigger can be hung on any table. */
static ChecksumColumns
trigger_columns(TriggerData *trigger)
{
	Trigger *definition = trigger->tg_trigger;
	const char *document = definition->tgnargs > 0 ? definition->tgargs[0] : "data";
	Relation relation = trigger->tg_relation;

	return (ChecksumColumns){
		.document = column_find(relation, document, JSONOID),
		.checksum = column_find(relation, "checksum", TEXTOID),
		.size = column_find(relation, "file_size_bytes", INT4OID),
	};
}

static int
column_find(Relation relation, const char *name, Oid type)
{
	int column = SPI_fnumber(RelationGetDescr(relation), name);

	if (column <= 0 || SPI_gettypeid(RelationGetDescr(relation), column) != type)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("tg_document__checksum: table \"%s\" has no column \"%s\" of type %s",
						RelationGetRelationName(relation), name, format_type_be(type))));
	if (TupleDescAttr(RelationGetDescr(relation), column - 1)->attgenerated != '\0')
		ereport(
			ERROR,
			(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
			 errmsg("tg_document__checksum: column \"%s\" of table \"%s\" is generated", name,
					RelationGetRelationName(relation)),
			 errdetail("The server computes it behind the triggers before a row's change.")));
	return column;
}

static bool
row_unchanged(TriggerData *trigger, const ChecksumColumns *columns)
{
	return column_same(trigger, columns->document) && column_same(trigger, columns->checksum) &&
		   column_same(trigger, columns->size);
}

/*
 * Compares what is stored, without reading a document: equal pointers to TOAST are equal
 * values. Other forms of one value (another compression) count as a change, which costs
 * deriving the checksum once more.
 */
static bool
column_same(TriggerData *trigger, int column)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool old_null;
	bool new_null;
	Datum old_value = SPI_getbinval(trigger->tg_trigtuple, desc, column, &old_null);
	Datum new_value = SPI_getbinval(trigger->tg_newtuple, desc, column, &new_null);
	Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);

	if (old_null || new_null)
		return old_null && new_null;
	return datumIsEqual(old_value, new_value, attribute->attbyval, attribute->attlen);
}

/*
 * Without a document there is neither checksum nor size. Whether a row may lack a document is
 * for the table's constraints to say.
 */
static HeapTuple
row_derive(HeapTuple row, TupleDesc desc, ChecksumColumns *columns)
{
	int targets[] = {columns->checksum, columns->size};
	Datum values[] = {(Datum) 0, (Datum) 0};
	bool nulls[] = {true, true};
	char hex[DIGEST_HEX_SIZE];
	bool null;
	Datum document = SPI_getbinval(row, desc, columns->document, &null);

	if (!null)
	{
		Size size = document_digest(document, DOCUMENT_STORED, DIGEST_MD5, hex);

		if (row_says(row, desc, columns, hex, size))
			return row;
		values[0] = CStringGetTextDatum(hex);
		values[1] = Int32GetDatum((int32) size);
		nulls[0] = nulls[1] = false;
	}
	return heap_modify_tuple_by_cols(row, desc, 2, targets, values, nulls);
}

/* A row that has the right values already need not be copied, document and all. */
static bool
row_says(HeapTuple row, TupleDesc desc, const ChecksumColumns *columns, const char *hex,
		 Size size)
{
	bool null;
	Datum value = SPI_getbinval(row, desc, columns->size, &null);

	if (null || (Size) DatumGetInt32(value) != size)
		return false;
	value = SPI_getbinval(row, desc, columns->checksum, &null);
	return !null && strcmp(TextDatumGetCString(value), hex) == 0;
}
