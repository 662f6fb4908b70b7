/*
 * outline.c: what of a course is shown to whom.
 *
 * Policies ask for each row, so what was found of a section is kept: for the same transaction
 * (whose time it is of), the same user, an equal snapshot and the same tables. Everything is
 * read straight from the indexes: the first section of a course by itself, and with the second
 * one all of that course's, for where two are asked about the others follow.
 *
 * Invariant: a kept entry says what reading it anew would say.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "course_rights.h"
#include "fetch.h"
#include "identity.h"
#include "outline.h"
#include "owner.h"
#include "plan.h"
#include "snapshot_key.h"

/* Rows to read: straight from the index, or by a statement with the same columns. */
typedef struct OutlineRead
{
	FetchSource fetch;
	KeptPlan query;
} OutlineRead;

static OutlineRead lesson_by_id = {
	.fetch = {.table = "lessons",
			  .index = "lessons_pkey",
			  .nkeys = 1,
			  .keys = {{"id", UUIDOID}},
			  .ncolumns = 2,
			  .columns = {{"section_id", UUIDOID}, {"status", FETCH_ANY_ENUM}}},
	.query = {.sql = "SELECT l.section_id, l.status FROM coursebase.lessons l"
					 " WHERE l.id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static OutlineRead section_by_id = {
	.fetch = {.table = "course_sections",
			  .index = "course_sections_pkey",
			  .nkeys = 1,
			  .keys = {{"id", UUIDOID}},
			  .ncolumns = 2,
			  .columns = {{"course_id", UUIDOID}, {"status", FETCH_ANY_ENUM}}},
	.query = {.sql = "SELECT s.course_id, s.status FROM coursebase.course_sections s"
					 " WHERE s.id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static OutlineRead course_by_id = {
	.fetch = {.table = "courses",
			  .index = "courses_pkey",
			  .nkeys = 1,
			  .keys = {{"id", UUIDOID}},
			  .ncolumns = 3,
			  .columns = {{"is_free", BOOLOID},
						  {"course_code", TEXTOID, true},
						  {"price_in_cents", INT4OID, true}}},
	.query = {.sql = "SELECT c.is_free, c.course_code, c.price_in_cents"
					 " FROM coursebase.courses c WHERE c.id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static OutlineRead products_of_course = {
	.fetch = {.table = "course_products",
			  .index = "course_products_pkey",
			  .nkeys = 1,
			  .keys = {{"course_id", UUIDOID}},
			  .ncolumns = 1,
			  .columns = {{"product_id", UUIDOID}}},
	.query = {.sql = "SELECT l.product_id FROM coursebase.course_products l"
					 " WHERE l.course_id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static OutlineRead product_by_id = {
	.fetch = {.table = "products",
			  .index = "products_pkey",
			  .nkeys = 1,
			  .keys = {{"id", UUIDOID}},
			  .ncolumns = 1,
			  .columns = {{"status", FETCH_ANY_ENUM}}},
	.query = {.sql = "SELECT p.status FROM coursebase.products p"
					 " WHERE p.id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static OutlineRead sections_of_course = {
	.fetch = {.table = "course_sections",
			  .index = "course_sections_course_id_order_key",
			  .nkeys = 1,
			  .keys = {{"course_id", UUIDOID}},
			  .ncolumns = 2,
			  .columns = {{"id", UUIDOID}, {"status", FETCH_ANY_ENUM}}},
	.query = {.sql = "SELECT s.id, s.status FROM coursebase.course_sections s"
					 " WHERE s.course_id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};

/* Called with each row that was read, until it returns true. */
typedef bool (*RowTake)(const Datum *values, const bool *nulls, void *into);

/* Of a section, or of a course: what its public sections have. */
typedef struct KeptRights
{
	pg_uuid_t id;
	bool used;
	bool is_course;
	OutlineRights rights;
} KeptRights;

static struct
{
	bool known; /* the rest is of a user, or nobody */
	LocalTransactionId transaction;
	uint64 generation;
	uint64 look_up; /* of the user who asks; 0: nobody, with the snapshot's key */
	SnapshotKey snapshot;
	uint32 count;
	uint32 mask;        /* size of places - 1 */
	uint32 last;        /* the place asked for last: rows of a section come together */
	KeptRights *places; /* by hash, then the next free */
	MemoryContext context;
} kept;

static bool outline_read(OutlineRead *read, const pg_uuid_t *key, RowTake take, void *into);
static bool outline_query(OutlineRead *read, Datum key, RowTake take, void *into);
static bool lesson_take(const Datum *values, const bool *nulls, void *into);
static bool section_take(const Datum *values, const bool *nulls, void *into);
static bool course_take(const Datum *values, const bool *nulls, void *into);
static bool product_of_course_take(const Datum *values, const bool *nulls, void *into);
static bool product_take(const Datum *values, const bool *nulls, void *into);
static bool course_offered(const pg_uuid_t *course);
static bool enum_is(Datum value, const char *label);
static bool section_of_course_take(const Datum *values, const bool *nulls, void *into);
static bool kept_is_of(const Asking *asking);
static void kept_begin(const Asking *asking);
static OutlineRights section_read(const pg_uuid_t *section);
static bool course_read(const pg_uuid_t *course, OutlineRights *rights);
static uint32 kept_place(const pg_uuid_t *id, bool is_course);
static void kept_put(const pg_uuid_t *id, bool is_course, OutlineRights rights);
static void kept_grow(void);

bool
outline_lesson(const pg_uuid_t *lesson, OutlineLesson *found)
{
	return outline_read(&lesson_by_id, lesson, lesson_take, found);
}

bool
outline_section(const pg_uuid_t *section, OutlineSection *found)
{
	return outline_read(&section_by_id, section, section_take, found);
}

bool
outline_course_readable(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at)
{
	return course_offered(course) || course_rights_hold(user, course, at, COURSE_BY_ANY) != 0;
}

OutlineRights
outline_rights(const pg_uuid_t *section)
{
	const Asking *asking = identity_asking();
	const KeptRights *last;

	if (!kept_is_of(asking))
		kept_begin(asking);
	last = &kept.places[kept.last];
	if (!last->used || last->is_course || memcmp(&last->id, section, UUID_LEN) != 0)
	{
		uint32 place = kept_place(section, false);

		if (!kept.places[place].used)
			return section_read(section);
		kept.last = place;
		last = &kept.places[place];
	}
	return last->rights;
}

static bool
kept_is_of(const Asking *asking)
{
	if (!kept.known || kept.transaction != compat_local_transaction())
		return false;
	if (asking != NULL)
		return kept.look_up == asking->look_up;
	return kept.look_up == 0 && kept.generation == fetch_generation &&
		   snapshot_key_equals(&kept.snapshot, GetActiveSnapshot());
}

static void
kept_begin(const Asking *asking)
{
	kept.known = false;
	if (kept.context == NULL)
		kept.context =
			AllocSetContextCreate(TopMemoryContext, "coursebase outline", ALLOCSET_SMALL_SIZES);
	if (kept.places != NULL)
		MemoryContextReset(kept.context);
	kept.places = NULL;
	kept.count = 0;
	kept_grow();
	kept.transaction = compat_local_transaction();
	kept.look_up = asking == NULL ? 0 : asking->look_up;
	/* what changes while we read makes the answer old at once */
	kept.generation = fetch_generation;
	if (asking == NULL)
		snapshot_key_take(&kept.snapshot, GetActiveSnapshot());
	kept.known = true;
}

static OutlineRights
section_read(const pg_uuid_t *section)
{
	OutlineRights rights = {false};
	OutlineSection found;

	if (outline_section(section, &found) && found.is_public &&
		course_read(&found.course, &rights))
		outline_read(&sections_of_course, &found.course, section_of_course_take, &rights);
	kept_put(section, false, rights);
	return rights;
}

/* What the public sections of a course have; true where it was asked for before. */
static bool
course_read(const pg_uuid_t *course, OutlineRights *rights)
{
	const KeptRights *place = &kept.places[kept_place(course, true)];
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (place->used)
	{
		*rights = place->rights;
		return true;
	}
	rights->is_public = true;
	rights->usable = course_rights_hold_own(course, now, COURSE_BY_ANY) != 0;
	rights->readable = rights->usable || course_offered(course);
	kept_put(course, true, *rights);
	return false;
}

static void
kept_put(const pg_uuid_t *id, bool is_course, OutlineRights rights)
{
	uint32 place;

	if (kept.count > kept.mask / 2)
		kept_grow();
	place = kept_place(id, is_course);
	if (!kept.places[place].used)
		kept.count++;
	kept.places[place] = (KeptRights){*id, true, is_course, rights};
}

static void
kept_grow(void)
{
	KeptRights *old = kept.places;
	uint32 old_size = old == NULL ? 0 : kept.mask + 1;
	uint32 size = old == NULL ? 16 : old_size * 2;

	kept.places = MemoryContextAllocExtended(kept.context, size * sizeof(KeptRights),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	kept.mask = size - 1;
	kept.last = 0;
	for (uint32 i = 0; i < old_size; i++)
		if (old[i].used)
			kept.places[kept_place(&old[i].id, old[i].is_course)] = old[i];
	if (old != NULL)
		pfree(old);
}

/* Where it is, or would be. */
static uint32
kept_place(const pg_uuid_t *id, bool is_course)
{
	uint64 half[2];
	uint32 place;

	memcpy(half, id, UUID_LEN);
	place = (uint32) (((half[0] ^ half[1] * UINT64CONST(0x9E3779B97F4A7C15)) *
					   UINT64CONST(0xC2B2AE3D27D4EB4F)) >>
					  32) &
			kept.mask;
	while (kept.places[place].used && (kept.places[place].is_course != is_course ||
									   memcmp(&kept.places[place].id, id, UUID_LEN) != 0))
		place = (place + 1) & kept.mask;
	return place;
}

static bool
course_offered(const pg_uuid_t *course)
{
	return outline_read(&course_by_id, course, course_take, NULL) ||
		   outline_read(&products_of_course, course, product_of_course_take, NULL);
}

/* Whether take() returned true for a row. */
static bool
outline_read(OutlineRead *read, const pg_uuid_t *key, RowTake take, void *into)
{
	Datum keys[] = {UUIDPGetDatum(key)};
	Datum values[FETCH_MAX_COLUMNS];
	bool nulls[FETCH_MAX_COLUMNS];
	bool taken = false;
	Fetch fetch;

	if (!fetch_open(&fetch, &read->fetch, GetActiveSnapshot()))
		return OidIsValid(read->fetch.table_oid) && outline_query(read, keys[0], take, into);
	fetch_find(&fetch, keys);
	while (!taken && fetch_next(&fetch))
	{
		CHECK_FOR_INTERRUPTS();
		for (int column = 0; column < read->fetch.ncolumns; column++)
			values[column] = fetch_value(&fetch, column, &nulls[column]);
		taken = take(values, nulls, into);
	}
	fetch_close(&fetch);
	return taken;
}

static bool
outline_query(OutlineRead *read, Datum key, RowTake take, void *into)
{
	Datum values[FETCH_MAX_COLUMNS];
	bool nulls[FETCH_MAX_COLUMNS];
	bool taken = false;
	SPITupleTable *rows;
	uint64 count;

	SPI_connect();
	count = owner_execute(&read->query, &key, NULL, true);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < count && !taken; row++)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_tuptable = rows; /* what a row leads to may have read others */
		for (int column = 0; column < read->fetch.ncolumns; column++)
			values[column] = plan_value(row, column + 1, &nulls[column]);
		taken = take(values, nulls, into);
	}
	SPI_finish();
	return taken;
}

static bool
lesson_take(const Datum *values, const bool *nulls, void *into)
{
	OutlineLesson *lesson = into;

	/* of a null, which only a dropped constraint lets in, nothing is shown */
	if (nulls[0] || nulls[1])
		return false;
	lesson->section = *DatumGetUUIDP(values[0]);
	lesson->status = enum_is(values[1], "public")    ? LESSON_PUBLIC
					 : enum_is(values[1], "preview") ? LESSON_PREVIEW
													 : LESSON_PRIVATE;
	return true;
}

static bool
section_take(const Datum *values, const bool *nulls, void *into)
{
	OutlineSection *section = into;

	if (nulls[0] || nulls[1])
		return false;
	section->course = *DatumGetUUIDP(values[0]);
	section->is_public = enum_is(values[1], "public");
	return true;
}

/* Keeps each, and goes on. */
static bool
section_of_course_take(const Datum *values, const bool *nulls, void *into)
{
	const OutlineRights *rights = into;

	if (!nulls[0] && !nulls[1])
		kept_put(DatumGetUUIDP(values[0]), false,
				 enum_is(values[1], "public") ? *rights : (OutlineRights){false});
	return false;
}

static bool
course_take(const Datum *values, const bool *nulls, void *into)
{
	return (!nulls[0] && DatumGetBool(values[0])) || (!nulls[1] && !nulls[2]);
}

static bool
product_of_course_take(const Datum *values, const bool *nulls, void *into)
{
	pg_uuid_t product;

	if (nulls[0])
		return false;
	product = *DatumGetUUIDP(values[0]);
	return outline_read(&product_by_id, &product, product_take, NULL);
}

static bool
product_take(const Datum *values, const bool *nulls, void *into)
{
	return !nulls[0] && enum_is(values[0], "public");
}

static bool
enum_is(Datum value, const char *label)
{
	return strcmp(DatumGetCString(DirectFunctionCall1(enum_out, value)), label) == 0;
}
