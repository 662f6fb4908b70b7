/*
 * delta.c: an earlier version of a custom course, grown to the current one by the
 * bytes that were inserted since.
 *
 * custom_course_versions tells of each append where it put how many bytes. The appends that
 * lead from the phone's checksum to the current one are told as one insertion when each stands
 * within, or at an end of, what the earlier ones inserted; else the phone gets the whole
 * document. What is sent is cut out of the current document, so that it is right whatever lies
 * between.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/plan.h"
#include "json/json_write.h"
#include "sync/handshake.h"

/* The appends from $2 on, oldest first; a phone that is more behind gets the document. */
static KeptPlan read_appends = {
	.sql = "WITH RECURSIVE appends AS ("
		   " SELECT 1 AS step, v.checksum, v.insert_offset, v.insert_length"
		   " FROM coursebase.custom_course_versions v"
		   " WHERE v.custom_course_id = $1 AND v.base_checksum = $2"
		   " UNION ALL"
		   " SELECT a.step + 1, v.checksum, v.insert_offset, v.insert_length"
		   " FROM appends a JOIN coursebase.custom_course_versions v"
		   " ON v.custom_course_id = $1 AND v.base_checksum = a.checksum"
		   " WHERE a.checksum <> $3 AND a.step < 1000)"
		   " SELECT a.insert_offset, a.insert_length, a.checksum = $3 FROM appends a"
		   " ORDER BY a.step",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};

/* Bytes of the document; [start, start + size) is what was inserted so far. */
typedef struct Insertion
{
	int64 start;
	int64 size;
	bool complete; /* it leads to the current document */
} Insertion;

static Insertion insertion_read(const HandshakeEntry *entry, JsonSlice client_checksum);
static bool insertion_merge(Insertion *insertion, int64 start, int64 size);

bool
handshake_delta_write(StringInfo out, const HandshakeEntry *entry, JsonSlice client_checksum,
					  JsonSlice document)
{
	Insertion insertion;

	/* Offsets are of the bytes that the phone has, which are UTF-8. */
	if (entry->source != HANDSHAKE_CUSTOM_COURSE || GetDatabaseEncoding() != PG_UTF8)
		return false;
	insertion = insertion_read(entry, client_checksum);
	if (!insertion.complete || insertion.start + insertion.size > document.size)
		return false;
	json_write_literal(out, ",\"action\":\"append\",\"offset\":");
	json_write_integer(out, insertion.start);
	json_write_literal(out, ",\"insert\":");
	json_write_string(out, document.bytes + insertion.start, insertion.size);
	return true;
}

static Insertion
insertion_read(const HandshakeEntry *entry, JsonSlice client_checksum)
{
	Datum values[] = {UUIDPGetDatum(&entry->id),
					  PointerGetDatum(cstring_to_text_with_len(client_checksum.bytes,
															   (int) client_checksum.size)),
					  PointerGetDatum(cstring_to_text_with_len(entry->checksum.bytes,
															   (int) entry->checksum.size))};
	SPITupleTable *outer = SPI_tuptable;
	uint64 rows = plan_execute(&read_appends, values, NULL, true);
	Insertion insertion = {0};
	bool null;

	for (uint64 row = 0; row < rows; row++)
	{
		int64 start = DatumGetInt32(plan_value(row, 1, INT4OID, &null));
		int64 size = DatumGetInt32(plan_value(row, 2, INT4OID, &null));

		insertion.complete = false;
		if (start < 0 || size <= 0)
			break;
		if (row == 0)
			insertion = (Insertion){start, size, false};
		else if (!insertion_merge(&insertion, start, size))
			break;
		insertion.complete = DatumGetBool(plan_value(row, 3, BOOLOID, &null));
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = outer;
	return insertion;
}

/* False, and no longer complete, when the new bytes stand apart from the others. */
static bool
insertion_merge(Insertion *insertion, int64 start, int64 size)
{
	if (start < insertion->start || start > insertion->start + insertion->size)
		return false;
	insertion->size += size;
	return true;
}
