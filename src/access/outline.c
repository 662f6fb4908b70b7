/*
 * outline.c: what of a course is shown to whom.
 *
 * Policies ask for each row, so what was found of a section is kept: for the same transaction
 * (whose time it is of), the same user, an equal snapshot and the same tables. Everything is
 * read straight from the indexes: the first section of a course by itself, and with the second
 * one all of that course's, for where two are asked about the others follow. Lessons likewise:
 * the second one of a course brings those of its section and of the next ones, never more in
 * all than a few for each that was asked about.
 *
 * Invariant: a kept entry says what reading it anew would say.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "core/compat.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"

/*
 * What is read. Of a null, which only a dropped constraint lets in, nothing is shown; nothing
 * is there while there are no tables.
 */
#define BY_UUID(name) .nkeys = 1, .keys = {{(name), UUIDOID}}, .optional = true

enum
{
	LESSON_SECTION,
	LESSON_STATUS,
	LESSON_ID,
	LESSON_COLUMNS,
};

#define LESSONS                                                                                \
	.table = "lessons", .ncolumns = LESSON_COLUMNS,                                            \
	.columns = {                                                                               \
		{"section_id", UUIDOID, true}, {"status", ROWS_ENUM, true}, {"id", UUIDOID, true}}

static RowsSource lesson_by_id = {LESSONS, .index = "lessons_pkey", BY_UUID("id")};
static RowsSource lessons_of_section = {
	LESSONS,
	.index = "lessons_section_id_order_key",
	BY_UUID("section_id"),
};

enum
{
	SECTION_COURSE,
	SECTION_STATUS,
	SECTION_ID,
	SECTION_COLUMNS,
};

#define SECTIONS                                                                               \
	.table = "course_sections", .ncolumns = SECTION_COLUMNS,                                   \
	.columns = {                                                                               \
		{"course_id", UUIDOID, true}, {"status", ROWS_ENUM, true}, {"id", UUIDOID, true}}

static RowsSource section_by_id = {SECTIONS, .index = "course_sections_pkey", BY_UUID("id")};
static RowsSource sections_of_course = {
	SECTIONS,
	.index = "course_sections_course_id_order_key",
	BY_UUID("course_id"),
};

enum
{
	COURSE_IS_FREE,
	COURSE_CODE,
	COURSE_PRICE,
	COURSE_COLUMNS,
};

static RowsSource course_by_id = {
	.table = "courses",
	.index = "courses_pkey",
	BY_UUID("id"),
	.ncolumns = COURSE_COLUMNS,
	.columns = {{"is_free", BOOLOID, true},
				{"course_code", TEXTOID, true},
				{"price_in_cents", INT4OID, true}},
};
static RowsSource products_of_course = {
	.table = "course_products",
	.index = "course_products_pkey",
	BY_UUID("course_id"),
	.ncolumns = 1,
	.columns = {{"product_id", UUIDOID, true}},
};
static RowsSource product_by_id = {
	.table = "products",
	.index = "products_pkey",
	BY_UUID("id"),
	.ncolumns = 1,
	.columns = {{"status", ROWS_ENUM, true}},
};

/* Called with each row that was read, until it returns true. */
typedef bool (*RowTake)(Rows *rows, void *into);

/* Of a section, or of a course: what its public sections have. */
typedef struct KeptRights
{
	pg_uuid_t id;
	bool used;
	bool is_course;
	bool of_course; /* a section's course is known */
	bool lessons;   /* a section's lessons are kept */
	OutlineRights rights;
	pg_uuid_t course;
} KeptRights;

typedef struct KeptLesson
{
	pg_uuid_t id;
	bool used;
	OutlineLesson lesson;
} KeptLesson;

/* Room for a course or some; what is read ahead stays a constant times what was asked. */
#define LESSONS_KEPT      16384
#define LESSONS_READ_EACH 2
#define LESSONS_READ_MORE 64

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

typedef struct SectionOfCourse
{
	const pg_uuid_t *course;
	OutlineRights rights;
} SectionOfCourse;

/* The sections of a course from one on. */
typedef struct SectionsAhead
{
	const pg_uuid_t *first;
	bool begun;
	int count;
	int room;
	pg_uuid_t *ids;
} SectionsAhead;

/* Of the same user and snapshot as `kept`, in its memory. */
static struct
{
	uint64 asked;
	uint64 ahead; /* rows read that nobody had asked for */
	bool any;
	pg_uuid_t course; /* of the lesson that was read last by itself */
	uint32 count;
	uint32 mask;        /* size of places - 1 */
	KeptLesson *places; /* NULL: none */
} lessons;

static bool outline_read(RowsSource *source, const pg_uuid_t *key, RowTake take, void *into);
static bool lesson_take(Rows *rows, void *into);
static LessonStatus lesson_status(const char *label);
static bool label_is(const char *label, const char *plain);
static bool uuid_value(Rows *rows, int column, pg_uuid_t *id);
static bool section_take(Rows *rows, void *into);
static bool course_take(Rows *rows, void *into);
static bool product_of_course_take(Rows *rows, void *into);
static bool product_take(Rows *rows, void *into);
static bool course_offered(const pg_uuid_t *course);
static bool section_of_course_take(Rows *rows, void *into);
static OutlineRights section_rights(const pg_uuid_t *section);
static bool kept_is_of(const Asking *asking);
static void kept_begin(const Asking *asking);
static OutlineRights section_read(const pg_uuid_t *section);
static bool course_read(const pg_uuid_t *course, OutlineRights *rights);
static uint32 kept_place(const pg_uuid_t *id, bool is_course);
static uint32 id_hash(const pg_uuid_t *id);
static void kept_put(const pg_uuid_t *id, const pg_uuid_t *course, OutlineRights rights);
static void lessons_follow(const pg_uuid_t *section);
static void lessons_read_ahead(const pg_uuid_t *course, const pg_uuid_t *section);
static bool section_id_take(Rows *rows, void *into);
static bool lesson_ahead_take(Rows *rows, void *into);
static KeptLesson *lesson_place(const pg_uuid_t *id);
static void lessons_make_room(void);
static void lessons_grow(void);
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

	if (!kept_is_of(asking))
		kept_begin(asking);
	return section_rights(section);
}

/* Of what is kept, which is of who asks. */
static OutlineRights
section_rights(const pg_uuid_t *section)
{
	const KeptRights *last = &kept.places[kept.last];

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

bool
outline_lesson_rights(const pg_uuid_t *lesson, OutlineLesson *found, OutlineRights *rights)
{
	const Asking *asking = identity_asking();
	const KeptLesson *place;

	*rights = (OutlineRights){false};
	if (!kept_is_of(asking))
		kept_begin(asking);
	lessons.asked++;
	place = lessons.places == NULL ? NULL : lesson_place(lesson);
	if (place != NULL && place->used)
	{
		*found = place->lesson;
		if (found->status != LESSON_PRIVATE)
			*rights = section_rights(&found->section);
		return true;
	}
	if (!outline_lesson(lesson, found))
		return false;
	if (found->status == LESSON_PRIVATE)
		return true;
	lessons_follow(&found->section);
	*rights = outline_rights(&found->section);
	return true;
}

static bool
kept_is_of(const Asking *asking)
{
	if (!kept.known || kept.transaction != compat_local_transaction())
		return false;
	if (asking != NULL)
		return kept.look_up == asking->look_up;
	return kept.look_up == 0 && kept.generation == rows_generation &&
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
	memset(&lessons, 0, sizeof(lessons));
	kept_grow();
	kept.transaction = compat_local_transaction();
	kept.look_up = asking == NULL ? 0 : asking->look_up;
	/* what changes while we read makes the answer old at once */
	kept.generation = rows_generation;
	if (asking == NULL)
		snapshot_key_take(&kept.snapshot, GetActiveSnapshot());
	kept.known = true;
}

static OutlineRights
section_read(const pg_uuid_t *section)
{
	SectionOfCourse of = {0};
	OutlineSection found;
	bool known = outline_section(section, &found);

	if (known && found.is_public && course_read(&found.course, &of.rights))
	{
		of.course = &found.course;
		outline_read(&sections_of_course, &found.course, section_of_course_take, &of);
	}
	kept_put(section, known ? &found.course : NULL, of.rights);
	return of.rights;
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
	kept_put(course, course, *rights);
	return false;
}

/* Of a section, with its course if it is known, or of a course, which is its own. */
static void
kept_put(const pg_uuid_t *id, const pg_uuid_t *course, OutlineRights rights)
{
	KeptRights *place;

	if (kept.count > kept.mask / 2)
		kept_grow();
	place = &kept.places[kept_place(id, id == course)];
	if (!place->used)
		kept.count++;
	*place = (KeptRights){.id = *id, .used = true, .is_course = id == course, .rights = rights};
	if (course != NULL)
	{
		place->of_course = true;
		place->course = *course;
	}
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
	uint32 place = id_hash(id) & kept.mask;

	while (kept.places[place].used && (kept.places[place].is_course != is_course ||
									   memcmp(&kept.places[place].id, id, UUID_LEN) != 0))
		place = (place + 1) & kept.mask;
	return place;
}

static uint32
id_hash(const pg_uuid_t *id)
{
	uint64 half[2];

	memcpy(half, id, UUID_LEN);
	return (uint32) (((half[0] ^ half[1] * UINT64CONST(0x9E3779B97F4A7C15)) *
					  UINT64CONST(0xC2B2AE3D27D4EB4F)) >>
					 32);
}

/* A lesson of the section was read by itself: the second one of a course brings others. */
static void
lessons_follow(const pg_uuid_t *section)
{
	KeptRights place;

	outline_rights(section);
	place = kept.places[kept_place(section, false)];
	if (!place.used || !place.of_course)
		return;
	if (lessons.any && memcmp(&lessons.course, &place.course, UUID_LEN) == 0 &&
		lessons.ahead < LESSONS_READ_EACH * lessons.asked + LESSONS_READ_MORE)
		lessons_read_ahead(&place.course, section);
	lessons.any = true;
	lessons.course = place.course;
}

static void
lessons_read_ahead(const pg_uuid_t *course, const pg_uuid_t *section)
{
	SectionsAhead sections = {.first = section};

	lessons_make_room();
	outline_read(&sections_of_course, course, section_id_take, &sections);
	for (int i = 0; i < sections.count; i++)
	{
		KeptRights *place = &kept.places[kept_place(&sections.ids[i], false)];

		if (place->used && place->lessons)
			continue;
		if (outline_read(&lessons_of_section, &sections.ids[i], lesson_ahead_take, NULL))
			break;
		place = &kept.places[kept_place(&sections.ids[i], false)];
		place->lessons = place->used;
	}
	if (sections.ids != NULL)
		pfree(sections.ids);
}

/* Collects those from the first on. */
static bool
section_id_take(Rows *rows, void *into)
{
	SectionsAhead *sections = into;
	pg_uuid_t id;

	if (!uuid_value(rows, SECTION_ID, &id))
		return false;
	sections->begun = sections->begun || memcmp(&id, sections->first, UUID_LEN) == 0;
	if (!sections->begun)
		return false;
	if (sections->count == sections->room)
	{
		sections->room = sections->room == 0 ? 64 : 2 * sections->room;
		sections->ids =
			sections->ids == NULL
				? palloc(sections->room * sizeof(pg_uuid_t))
				: repalloc_huge(sections->ids, (Size) sections->room * sizeof(pg_uuid_t));
	}
	sections->ids[sections->count++] = id;
	return sections->count == LESSONS_KEPT;
}

/* True when enough were read. */
static bool
lesson_ahead_take(Rows *rows, void *into)
{
	KeptLesson *place;
	OutlineLesson lesson;
	pg_uuid_t id;

	if (!lesson_take(rows, &lesson) || !uuid_value(rows, LESSON_ID, &id))
		return false;
	if (lessons.places == NULL || lessons.count > lessons.mask / 2)
		lessons_grow();
	place = lesson_place(&id);
	lessons.ahead++;
	if (!place->used)
	{
		place->id = id;
		place->used = true;
		place->lesson = lesson;
		lessons.count++;
	}
	return lessons.count >= LESSONS_KEPT ||
		   lessons.ahead >= LESSONS_READ_EACH * lessons.asked + LESSONS_READ_MORE;
}

/* Where it is, or would be. */
static KeptLesson *
lesson_place(const pg_uuid_t *id)
{
	uint32 place = id_hash(id) & lessons.mask;

	while (lessons.places[place].used && memcmp(&lessons.places[place].id, id, UUID_LEN) != 0)
		place = (place + 1) & lessons.mask;
	return &lessons.places[place];
}

/* Forgets all when there are many: of those that were asked about none is asked again soon. */
static void
lessons_make_room(void)
{
	if (lessons.count < LESSONS_KEPT)
		return;
	memset(lessons.places, 0, sizeof(KeptLesson) * ((Size) lessons.mask + 1));
	lessons.count = 0;
	for (uint32 i = 0; i <= kept.mask; i++)
		kept.places[i].lessons = false;
}

static void
lessons_grow(void)
{
	KeptLesson *old = lessons.places;
	uint32 old_size = old == NULL ? 0 : lessons.mask + 1;
	uint32 size = old == NULL ? 128 : old_size * 2;

	lessons.places = MemoryContextAllocZero(kept.context, size * sizeof(KeptLesson));
	lessons.mask = size - 1;
	for (uint32 i = 0; i < old_size; i++)
		if (old[i].used)
			*lesson_place(&old[i].id) = old[i];
	if (old != NULL)
		pfree(old);
}

static bool
course_offered(const pg_uuid_t *course)
{
	return outline_read(&course_by_id, course, course_take, NULL) ||
		   outline_read(&products_of_course, course, product_of_course_take, NULL);
}

/* Whether take() returned true for a row. */
static bool
outline_read(RowsSource *source, const pg_uuid_t *key, RowTake take, void *into)
{
	Datum keys[] = {UUIDPGetDatum(key)};
	bool taken = false;
	Rows rows;

	rows_open(&rows, source, GetActiveSnapshot());
	rows_find(&rows, keys);
	while (!taken && rows_next(&rows))
		taken = take(&rows, into);
	rows_close(&rows);
	return taken;
}

static bool
lesson_take(Rows *rows, void *into)
{
	OutlineLesson *lesson = into;
	const char *status = rows_label(rows, LESSON_STATUS);

	if (status == NULL || !uuid_value(rows, LESSON_SECTION, &lesson->section))
		return false;
	lesson->status = lesson_status(status);
	return true;
}

static LessonStatus
lesson_status(const char *label)
{
	if (label_is(label, "public"))
		return LESSON_PUBLIC;
	return label_is(label, "preview") ? LESSON_PREVIEW : LESSON_PRIVATE;
}

static bool
section_take(Rows *rows, void *into)
{
	OutlineSection *section = into;
	const char *status = rows_label(rows, SECTION_STATUS);

	if (status == NULL || !uuid_value(rows, SECTION_COURSE, &section->course))
		return false;
	section->is_public = label_is(status, "public");
	return true;
}

/* Keeps each, and goes on. */
static bool
section_of_course_take(Rows *rows, void *into)
{
	const SectionOfCourse *of = into;
	const char *status = rows_label(rows, SECTION_STATUS);
	pg_uuid_t id;

	if (status != NULL && uuid_value(rows, SECTION_ID, &id))
		kept_put(&id, of->course,
				 label_is(status, "public") ? of->rights : (OutlineRights){false});
	return false;
}

/* Free, or sold by itself. */
static bool
course_take(Rows *rows, void *into)
{
	bool no_code;
	bool no_price;
	bool unknown;
	bool is_free = DatumGetBool(rows_value_or_null(rows, COURSE_IS_FREE, &unknown));

	rows_value_or_null(rows, COURSE_CODE, &no_code);
	rows_value_or_null(rows, COURSE_PRICE, &no_price);
	return (!unknown && is_free) || (!no_code && !no_price);
}

static bool
product_of_course_take(Rows *rows, void *into)
{
	pg_uuid_t product;

	return uuid_value(rows, 0, &product) &&
		   outline_read(&product_by_id, &product, product_take, NULL);
}

static bool
product_take(Rows *rows, void *into)
{
	return label_is(rows_label(rows, 0), "public");
}

static bool
label_is(const char *label, const char *plain)
{
	return label != NULL && strcmp(label, plain) == 0;
}

static bool
uuid_value(Rows *rows, int column, pg_uuid_t *id)
{
	bool null;
	Datum value = rows_value_or_null(rows, column, &null);

	if (!null)
		*id = *DatumGetUUIDP(value);
	return !null;
}
