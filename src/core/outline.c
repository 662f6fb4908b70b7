/*
 * outline.c: what of a course is shown to whom.
 *
 * Policies ask for each row, so what was found of a section is kept: for the same transaction
 * (whose time it is of), the same user, an equal snapshot and the same tables. The first
 * sections are read one by one, straight from the indexes; where a statement asks about a good
 * part of all there are, one query reads the rest, and its cost stays in proportion.
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
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "course_rights.h"
#include "fetch.h"
#include "identity.h"
#include "outline.h"
#include "owner.h"
#include "plan.h"
#include "snapshot_key.h"

/* All sections are read once one in this many was asked about. */
#define SECTIONS_PER_QUERY 8

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
static KeptPlan read_sections = {
	.sql = "SELECT s.id, r.id IS NOT NULL, u.id IS NOT NULL"
		   " FROM coursebase.course_sections s"
		   " LEFT JOIN (SELECT pg_catalog.unnest(coursebase.readable_course_ids()) AS id) r"
		   "  ON r.id OPERATOR(pg_catalog.=) s.course_id"
		   " LEFT JOIN (SELECT pg_catalog.unnest(coursebase.accessible_course_ids()) AS id) u"
		   "  ON u.id OPERATOR(pg_catalog.=) s.course_id"
		   " WHERE s.status OPERATOR(pg_catalog.=) 'public'",
};

/* Called with each row that was read, until it returns true. */
typedef bool (*RowTake)(const Datum *values, const bool *nulls, void *into);

typedef struct KeptSection
{
	pg_uuid_t section;
	bool used;
	OutlineRights rights;
} KeptSection;

static struct
{
	bool known; /* the rest is of a user, or nobody */
	LocalTransactionId transaction;
	uint64 generation;
	uint64 look_up; /* of the user who asks; 0: nobody, with the snapshot's key */
	SnapshotKey snapshot;
	bool complete; /* what is not kept is not public */
	uint32 count;
	uint32 mask;       /* size of places - 1 */
	uint32 last;       /* the place asked for last: rows of a section come together */
	double expected;   /* how many sections there are, as far as the server knows */
	KeptSection *kept; /* by hash, then the next free */
	bool course_known; /* the next two: sections of a course come together */
	pg_uuid_t course;
	OutlineRights course_rights;
	MemoryContext context;
} sections;

static bool outline_read(OutlineRead *read, const pg_uuid_t *key, RowTake take, void *into);
static bool outline_query(OutlineRead *read, Datum key, RowTake take, void *into);
static bool lesson_take(const Datum *values, const bool *nulls, void *into);
static bool section_take(const Datum *values, const bool *nulls, void *into);
static bool course_take(const Datum *values, const bool *nulls, void *into);
static bool product_of_course_take(const Datum *values, const bool *nulls, void *into);
static bool product_take(const Datum *values, const bool *nulls, void *into);
static bool course_offered(const pg_uuid_t *course);
static bool enum_is(Datum value, const char *label);
static bool sections_are_of(const Asking *asking);
static void sections_begin(const Asking *asking);
static OutlineRights section_read(const pg_uuid_t *section);
static OutlineRights course_read(const pg_uuid_t *course);
static void sections_read_all(void);
static uint32 section_place(const pg_uuid_t *section);
static void section_keep(const pg_uuid_t *section, OutlineRights rights);
static void sections_grow(void);

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
	uint32 place;

	if (!sections_are_of(asking))
		sections_begin(asking);
	if (sections.kept != NULL && sections.kept[sections.last].used &&
		memcmp(&sections.kept[sections.last].section, section, UUID_LEN) == 0)
		return sections.kept[sections.last].rights;
	if (sections.kept != NULL)
	{
		place = section_place(section);
		if (sections.kept[place].used)
		{
			sections.last = place;
			return sections.kept[place].rights;
		}
	}
	if (sections.complete)
		return (OutlineRights){false};
	return section_read(section);
}

static bool
sections_are_of(const Asking *asking)
{
	if (!sections.known || sections.transaction != compat_local_transaction())
		return false;
	if (asking != NULL)
		return sections.look_up == asking->look_up;
	return sections.look_up == 0 && sections.generation == fetch_generation &&
		   snapshot_key_equals(&sections.snapshot, GetActiveSnapshot());
}

static void
sections_begin(const Asking *asking)
{
	sections.known = false;
	if (sections.context == NULL)
		sections.context =
			AllocSetContextCreate(TopMemoryContext, "coursebase outline", ALLOCSET_SMALL_SIZES);
	if (sections.kept != NULL)
		MemoryContextReset(sections.context);
	sections.kept = NULL;
	sections.count = 0;
	sections.mask = 0;
	sections.last = 0;
	sections.complete = false;
	sections.expected = 0;
	sections.course_known = false;
	sections.transaction = compat_local_transaction();
	sections.look_up = asking == NULL ? 0 : asking->look_up;
	/* what changes while we read makes the answer old at once */
	sections.generation = fetch_generation;
	if (asking == NULL)
		snapshot_key_take(&sections.snapshot, GetActiveSnapshot());
	sections.known = true;
}

static OutlineRights
section_read(const pg_uuid_t *section)
{
	OutlineRights rights = {false};
	OutlineSection found;

	if (sections.count > 0 && sections.count * (double) SECTIONS_PER_QUERY > sections.expected)
	{
		sections_read_all();
		return outline_rights(section);
	}
	if (outline_section(section, &found) && found.is_public)
		rights = course_read(&found.course);
	section_keep(section, rights);
	return rights;
}

/* What its public sections have. */
static OutlineRights
course_read(const pg_uuid_t *course)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	OutlineRights rights = {.is_public = true};

	if (sections.course_known && memcmp(&sections.course, course, UUID_LEN) == 0)
		return sections.course_rights;
	rights.usable = course_rights_hold_own(course, now, COURSE_BY_ANY) != 0;
	rights.readable = rights.usable || course_offered(course);
	sections.course = *course;
	sections.course_rights = rights;
	sections.course_known = true;
	return rights;
}

/* What a section that is not public has been asked about stays among the kept. */
static void
sections_read_all(void)
{
	uint64 count;
	SPITupleTable *rows;

	SPI_connect();
	count = owner_execute(&read_sections, NULL, NULL, true);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < count; row++)
	{
		OutlineRights rights = {.is_public = true};

		CHECK_FOR_INTERRUPTS();
		SPI_tuptable = rows;
		rights.readable = DatumGetBool(plan_value(row, 2, NULL));
		rights.usable = DatumGetBool(plan_value(row, 3, NULL));
		section_keep(DatumGetUUIDP(plan_value(row, 1, NULL)), rights);
	}
	SPI_finish();
	sections.complete = true;
}

static void
section_keep(const pg_uuid_t *section, OutlineRights rights)
{
	uint32 place;

	if (sections.kept == NULL || sections.count > sections.mask / 2)
		sections_grow();
	place = section_place(section);
	if (!sections.kept[place].used)
		sections.count++;
	sections.kept[place] = (KeptSection){*section, true, rights};
}

static void
sections_grow(void)
{
	KeptSection *old = sections.kept;
	uint32 old_size = old == NULL ? 0 : sections.mask + 1;
	uint32 size = old == NULL ? 16 : old_size * 2;

	sections.kept = MemoryContextAllocExtended(sections.context, size * sizeof(KeptSection),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	sections.mask = size - 1;
	sections.last = 0;
	for (uint32 i = 0; i < old_size; i++)
		if (old[i].used)
			sections.kept[section_place(&old[i].section)] = old[i];
	if (old != NULL)
		pfree(old);
}

/* Where the section is, or would be. */
static uint32
section_place(const pg_uuid_t *section)
{
	uint64 half[2];
	uint32 place;

	memcpy(half, section, UUID_LEN);
	place = (uint32) (((half[0] ^ half[1] * UINT64CONST(0x9E3779B97F4A7C15)) *
					   UINT64CONST(0xC2B2AE3D27D4EB4F)) >>
					  32) &
			sections.mask;
	while (sections.kept[place].used &&
		   memcmp(&sections.kept[place].section, section, UUID_LEN) != 0)
		place = (place + 1) & sections.mask;
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
	if (read == &section_by_id)
		sections.expected = Max(fetch.table->rd_rel->reltuples, 0);
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
