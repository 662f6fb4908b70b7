/*
 * stream.c: walks the bytes of a variable-length value through a sink, in constant memory.
 *
 * A TOAST value is read chunk by chunk in the order of its index, straight from the buffers
 * (copying the chunks together first costs 5 %); their numbers and sizes are checked as the
 * server does it. Compressed bytes, in the tuple or in TOAST, pass through a decoder of our
 * own, since the server's decoder begins at the first byte each time.
 *
 * Locks: AccessShareLock on the TOAST table and its indexes, given back at the end of the
 * read, as the server's own detoasting does.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/table.h"
#include "access/toast_compression.h"
#include "access/toast_internals.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "json/stream.h"
#include "json/unpack.h"

/* A value in TOAST of which some chunks were read. */
typedef struct ToastValue
{
	Relation relation;
	Oid id;
	Size left;  /* bytes not yet read */
	int32 next; /* number of the chunk that comes next */
} ToastValue;

/* A compressed value as stored: a word with method and raw size, then the packed bytes. */
typedef struct PackedValue
{
	Unpacker unpacker;
	void *buffer; /* NULL until the word was read */
	StreamSink sink;
	void *arg;
	Size raw_size;
} PackedValue;

static void stream_toast(const struct varatt_external *pointer, StreamSink sink, void *arg);
static struct varlena *toast_chunk(ToastValue *value, HeapTuple tuple);
pg_noreturn static void toast_corrupt(ToastValue *value, const char *detail, int32 chunk)
	pg_attribute_printf(2, 0);
static void stream_flat(const char *bytes, Size n, StreamSink sink, void *arg);
static void packed_begin(PackedValue *packed, Size raw_size, StreamSink sink, void *arg);
static void packed_feed(void *packed, const char *bytes, size_t n);
static void packed_made(void *packed, const char *bytes, size_t n);
static void packed_finish(PackedValue *packed);
static Size packed_head(PackedValue *packed, const char *bytes, Size n);
pg_noreturn static void value_corrupt(const char *detail);

/*
 * The four forms of a value: in TOAST (compressed or not), in memory of a kind that the server
 * must expand (a value of another process, an expanded object), compressed in the tuple, and
 * plain.
 */
void
stream_value(Datum value, StreamSink sink, void *arg)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);
	PackedValue packed;

	if (VARATT_IS_EXTERNAL_ONDISK(attr))
	{
		struct varatt_external pointer;
		Size raw_size;

		VARATT_EXTERNAL_GET_POINTER(pointer, attr);
		raw_size = pointer.va_rawsize - VARHDRSZ;
		if (VARATT_EXTERNAL_GET_EXTSIZE(pointer) >= raw_size)
		{
			stream_toast(&pointer, sink, arg);
			return;
		}
		packed_begin(&packed, raw_size, sink, arg);
		stream_toast(&pointer, packed_feed, &packed);
		packed_finish(&packed);
	}
	else if (VARATT_IS_EXTERNAL(attr))
	{
		struct varlena *flat = detoast_attr(attr);

		stream_flat(VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), sink, arg);
		pfree(flat);
	}
	else if (VARATT_IS_COMPRESSED(attr))
	{
		packed_begin(&packed, VARDATA_COMPRESSED_GET_EXTSIZE(attr), sink, arg);
		stream_flat(VARDATA(attr), VARSIZE(attr) - VARHDRSZ, packed_feed, &packed);
		packed_finish(&packed);
	}
	else
		stream_flat(VARDATA_ANY(attr), VARSIZE_ANY_EXHDR(attr), sink, arg);
}

Size
stream_size(Datum value)
{
	return toast_raw_datum_size(value) - VARHDRSZ;
}

/*
 * The sink reads the chunk in the buffer, which stays pinned until the next one is fetched. A
 * sink that raises leaves the scan to the transaction's clean-up.
 */
static void
stream_toast(const struct varatt_external *pointer, StreamSink sink, void *arg)
{
	ToastValue value = {
		.relation = table_open(pointer->va_toastrelid, AccessShareLock),
		.id = pointer->va_valueid,
		.left = VARATT_EXTERNAL_GET_EXTSIZE(*pointer),
	};
	Relation *indexes;
	int count;
	int valid = toast_open_indexes(value.relation, AccessShareLock, &indexes, &count);
	SnapshotData memory;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value.id));
	scan = systable_beginscan_ordered(value.relation, indexes[valid],
									  compat_toast_snapshot(&memory), 1, &key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		struct varlena *chunk = toast_chunk(&value, tuple);

		CHECK_FOR_INTERRUPTS();
		sink(arg, VARDATA_ANY(chunk), VARSIZE_ANY_EXHDR(chunk));
	}
	if (value.left > 0)
		toast_corrupt(&value, "Chunk %d is missing.", value.next);
	systable_endscan_ordered(scan);
	toast_close_indexes(indexes, count, AccessShareLock);
	table_close(value.relation, AccessShareLock);
}

/*
 * The next chunk, which must be the one that follows the last, and full unless it ends the
 * value: a chunk that is missing or cut is reported instead of giving other bytes for the
 * document.
 */
static struct varlena *
toast_chunk(ToastValue *value, HeapTuple tuple)
{
	TupleDesc desc = RelationGetDescr(value->relation);
	bool number_null;
	bool chunk_null;
	Datum number = SPI_getbinval(tuple, desc, 2, &number_null);
	Datum chunk = SPI_getbinval(tuple, desc, 3, &chunk_null);
	struct varlena *attr = (struct varlena *) DatumGetPointer(chunk);
	Size size;

	if (number_null || chunk_null || DatumGetInt32(number) != value->next)
		toast_corrupt(value, "Chunk %d is missing.", value->next);
	if (VARATT_IS_EXTERNAL(attr) || VARATT_IS_COMPRESSED(attr))
		toast_corrupt(value, "Chunk %d is itself out of line or compressed.", value->next);
	size = VARSIZE_ANY_EXHDR(attr);
	if (size == 0 || size != Min(value->left, TOAST_MAX_CHUNK_SIZE))
		toast_corrupt(value, "Chunk %d has the wrong size.", value->next);
	value->left -= size;
	value->next++;
	return attr;
}

static void
toast_corrupt(ToastValue *value, const char *detail, int32 chunk)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("value %u in \"%s\" is corrupt", value->id,
						   RelationGetRelationName(value->relation)),
					errdetail(detail, chunk)));
}

static void
stream_flat(const char *bytes, Size n, StreamSink sink, void *arg)
{
	while (n > 0)
	{
		Size part = Min(n, STREAM_PIECE);

		CHECK_FOR_INTERRUPTS();
		sink(arg, bytes, part);
		bytes += part;
		n -= part;
	}
}

/* The decoder begins with the first piece, which says the method. */
static void
packed_begin(PackedValue *packed, Size raw_size, StreamSink sink, void *arg)
{
	packed->buffer = NULL;
	packed->sink = sink;
	packed->arg = arg;
	packed->raw_size = raw_size;
}

/*
 * No decoder status is passed on: either the bytes go to the sink, or the value is reported as
 * corrupt.
 */
static void
packed_feed(void *arg, const char *bytes, size_t n)
{
	PackedValue *packed = arg;
	Size head = packed->buffer == NULL ? packed_head(packed, bytes, n) : 0;

	switch (unpack_feed(&packed->unpacker, bytes + head, n - head))
	{
		case UNPACK_OK:
			break;
		case UNPACK_CORRUPT:
			value_corrupt("It refers to bytes before its beginning.");
		case UNPACK_TRUNCATED:
		case UNPACK_TOO_LONG:
			value_corrupt("It is longer than its header says.");
	}
}

static void
packed_finish(PackedValue *packed)
{
	if (packed->buffer == NULL || unpack_finish(&packed->unpacker) != UNPACK_OK)
		value_corrupt("It is shorter than its header says.");
	pfree(packed->buffer);
}

/*
 * Reads the word in front of the packed bytes, and begins decoding; answers how many bytes the
 * word has. The first piece holds all of the word: pieces are large, and a TOAST value's first
 * chunk is too.
 */
static Size
packed_head(PackedValue *packed, const char *bytes, Size n)
{
	uint32 info;
	UnpackMethod method;

	if (n < sizeof(info))
		value_corrupt("It is shorter than its header.");
	memcpy(&info, bytes, sizeof(info));
	if ((info & VARLENA_EXTSIZE_MASK) != packed->raw_size)
		value_corrupt("Its header and the pointer to it give different sizes.");
	switch ((ToastCompressionId) (info >> VARLENA_EXTSIZE_BITS))
	{
		case TOAST_PGLZ_COMPRESSION_ID:
			method = UNPACK_PGLZ;
			break;
		case TOAST_LZ4_COMPRESSION_ID:
			method = UNPACK_LZ4;
			break;
		default:
			value_corrupt("Its compression method is unknown.");
	}
	packed->buffer = palloc(unpack_buffer_size(method, packed->raw_size));
	unpack_begin(&packed->unpacker, method, packed->raw_size, packed->buffer, packed_made,
				 packed);
	return sizeof(info);
}

/* A repetition is a few bytes as stored, and may unpack to all of a gigabyte: interrupts are
 * served here too. */
static void
packed_made(void *arg, const char *bytes, size_t n)
{
	PackedValue *packed = arg;

	CHECK_FOR_INTERRUPTS();
	packed->sink(packed->arg, bytes, n);
}

static void
value_corrupt(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("compressed value is corrupt"),
					errdetail("%s", detail)));
}
