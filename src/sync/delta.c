/*
 * delta.c: a custom course that the phone has in an earlier version, told as what was appended.
 *
 * custom_course_versions records of each append where it inserted how many bytes. The appends
 * that lead from the phone's checksum to the current one become one insertion if each of them
 * stands within the bytes that the earlier ones inserted, or at an end of them; otherwise the
 * phone gets the whole document. The bytes are cut out of the current document, so that they
 * are right whatever the appends were.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"

#include "core/plan.h"
#include "json/json_write.h"
#include "sync/delta.h"
#include "sync/slice.h"

/* The columns of read_appends. */
enum
{
	APPEND_OFFSET = 1,
	APPEND_LENGTH,
	APPEND_IS_LAST,
};

/* The appends of course $1 that lead from checksum $2 to $3, oldest first, at most a thousand:
 * a phone that is further behind gets the document. */
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

/* Bytes of the document: [start, start + size) was inserted so far. */
typedef struct Insertion
{
	int64 start;
	int64 size;
	bool complete; /* the appends so far lead to the current document */
} Insertion;

static Insertion insertion_read(const HandshakeEntry *entry, JsonSlice client_checksum);
static bool insertion_merge(Insertion *insertion, int64 start, int64 size);

/*
 * False, and nothing is written, where only the whole document will do. The insertion is
 * checked against the size of the document: the versions of a document that plain SQL replaced
 * lead nowhere.
 */
bool
handshake_delta_write(StringInfo out, const HandshakeEntry *entry, JsonSlice client_checksum,
					  JsonSlice document)
{
	Insertion insertion;

	/* the phone has UTF-8, and offsets count the database's bytes: both must be the same */
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

/* The appends as one insertion; not complete if there are none, or if they stand apart. The
 * caller's rows stay in SPI_tuptable. */
static Insertion
insertion_read(const HandshakeEntry *entry, JsonSlice client_checksum)
{
	Datum values[] = {UUIDPGetDatum(&entry->id), slice_datum(client_checksum),
					  slice_datum(entry->checksum)};
	SPITupleTable *outer = SPI_tuptable;
	uint64 rows = plan_execute(&read_appends, values, NULL, true);
	Insertion insertion = {0};

	for (uint64 row = 0; row < rows; row++)
	{
		int64 start = plan_int32(row, APPEND_OFFSET);
		int64 size = plan_int32(row, APPEND_LENGTH);

		insertion.complete = false;
		if (start < 0 || size <= 0)
			break;
		if (row == 0)
			insertion = (Insertion){start, size, false};
		else if (!insertion_merge(&insertion, start, size))
			break;
		insertion.complete = plan_bool(row, APPEND_IS_LAST);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = outer;
	return insertion;
}

/* False if the new bytes stand apart from the others. */
static bool
insertion_merge(Insertion *insertion, int64 start, int64 size)
{
	if (start < insertion->start || start > insertion->start + insertion->size)
		return false;
	insertion->size += size;
	return true;
}
