/*
 * outline.c: reads the sections and lessons of a course, and whether the course is on offer.
 *
 * Every read goes straight to an index or to the table (core/rows.h), because policies ask
 * these questions for each row of a statement. The readers are callback loops: outline_rights.c
 * keeps what it is called with, and stops the loop once it has enough.
 *
 * On offer has the meaning that readable_course_ids() (readable.c) has for the whole catalogue:
 * a course that the one shows and the other hides would be a leak or a gap.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "core/datum.h"
#include "core/rows.h"

/*
 * The columns are nullable for rows.c although the tables say NOT NULL: a row that a dropped
 * constraint let in must be hidden, not raise an error in the middle of somebody's query.
 */
#define BY_UUID(name) .nkeys = 1, .keys = {{(name), UUIDOID}}, .optional = true

/* The columns of LESSONS. */
enum
{
	LESSON_SECTION,
	LESSON_STATUS,
	LESSON_ID,
	LESSON_COLUMNS,
};

/* One lesson by its id, or those of a section in their order. */
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
static RowsSource every_lesson = {LESSONS, .optional = true};

/* A block of the table is read in the time of so many reads of one lesson; where a statement
 * reads, nothing is known of the table. */
#define READS_A_BLOCK     4
#define READS_A_STATEMENT 4096

/* The columns of SECTIONS. */
enum
{
	SECTION_COURSE,
	SECTION_STATUS,
	SECTION_ID,
	SECTION_COLUMNS,
};

/* One section by its id, or those of a course in their order. */
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
static RowsSource every_section = {SECTIONS, .optional = true};

/* What makes a course on offer by itself. */
enum
{
	COURSE_IS_FREE,
	COURSE_CODE,
	COURSE_PRICE,
	COURSE_COLUMNS,
};

/* A course without a code cannot be bought by itself, one without a price is not for sale. */
static RowsSource course_by_id = {
	.table = "courses",
	.index = "courses_pkey",
	BY_UUID("id"),
	.ncolumns = COURSE_COLUMNS,
	.columns = {{"is_free", BOOLOID, true},
				{"course_code", TEXTOID, true},
				{"price_in_cents", INT4OID, true}},
};

/* Sources of one column. */
#define ONLY_COLUMN 0

/* A course is on offer by any public product that holds it. */
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

static void rows_begin(Rows *rows, RowsSource *source, const pg_uuid_t *key);
static bool sections_take(Rows *rows, OutlineSectionTake take, void *into);
static bool lessons_take(Rows *rows, OutlineLessonTake take, void *into);
static bool lesson_of_row(OutlineLesson *lesson, Rows *rows);
static LessonStatus lesson_status(const char *label);
static bool section_of_row(OutlineSection *section, Rows *rows);
static bool course_is_priced(Rows *rows);
static bool in_public_product(const pg_uuid_t *course);
static bool product_is_public(const pg_uuid_t *product);
static bool uuid_value(Rows *rows, int column, pg_uuid_t *id);
static bool label_is(const char *label, const char *plain);

bool
outline_lesson(const pg_uuid_t *lesson, OutlineLesson *found)
{
	Rows rows;
	bool exists;

	rows_begin(&rows, &lesson_by_id, lesson);
	exists = rows_next(&rows) && lesson_of_row(found, &rows);
	rows_close(&rows);
	return exists;
}

/* The same for sections. */
bool
outline_section(const pg_uuid_t *section, OutlineSection *found)
{
	Rows rows;
	bool exists;

	rows_begin(&rows, &section_by_id, section);
	exists = rows_next(&rows) && section_of_row(found, &rows);
	rows_close(&rows);
	return exists;
}

/* The index has the order of the rows: (course_id, "order"). */
bool
outline_sections(const pg_uuid_t *course, OutlineSectionTake take, void *into)
{
	Rows rows;

	rows_begin(&rows, &sections_of_course, course);
	return sections_take(&rows, take, into);
}

/* Reads no other column, because a reader of many lessons comes here again and again. */
bool
outline_section_ids(const pg_uuid_t *course, const pg_uuid_t *from, OutlineIdTake take,
					void *into)
{
	bool begun = false;
	bool taken = false;
	pg_uuid_t id;
	Rows rows;

	rows_begin(&rows, &sections_of_course, course);
	while (!taken && rows_next(&rows))
	{
		if (!uuid_value(&rows, SECTION_ID, &id))
			continue;
		begun = begun || uuid_equal(&id, from);
		taken = begun && take(&id, into);
	}
	rows_close(&rows);
	return taken;
}

/* The index has the order of the rows: (section_id, "order"). */
bool
outline_lessons(const pg_uuid_t *section, OutlineLessonTake take, void *into)
{
	Rows rows;

	rows_begin(&rows, &lessons_of_section, section);
	return lessons_take(&rows, take, into);
}

bool
outline_every_section(OutlineSectionTake take, void *into)
{
	Rows rows;

	rows_begin(&rows, &every_section, NULL);
	return sections_take(&rows, take, into);
}

bool
outline_every_lesson(OutlineLessonTake take, void *into)
{
	Rows rows;

	rows_begin(&rows, &every_lesson, NULL);
	return lessons_take(&rows, take, into);
}

/* In the number of single reads that cost as much: viewable.h compares the two ways in it. */
int64
outline_every_lesson_cost(void)
{
	BlockNumber blocks;
	Rows rows;

	rows_open(&rows, &every_lesson, GetActiveSnapshot());
	blocks = rows_blocks(&rows);
	rows_close(&rows);
	return blocks == InvalidBlockNumber ? READS_A_STATEMENT : (int64) blocks * READS_A_BLOCK;
}

/* On offer is asked first: it is the same for everybody, and most of a catalogue is. */
bool
outline_course_readable(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at)
{
	return outline_course_offered(course) ||
		   course_rights_hold(user, course, at, COURSE_BY_ANY) != 0;
}

/*
 * Rule: a course is on offer if it is free, if it has a code and a price of its own (a store
 * sells it), or if it is in a public product.
 */
bool
outline_course_offered(const pg_uuid_t *course)
{
	Rows rows;
	bool priced;

	rows_begin(&rows, &course_by_id, course);
	priced = rows_next(&rows) && course_is_priced(&rows);
	rows_close(&rows);
	return priced || in_public_product(course);
}

/* Opens a source at the rows with the key (NULL for a source without one), as the active
 * snapshot sees them. */
static void
rows_begin(Rows *rows, RowsSource *source, const pg_uuid_t *key)
{
	Datum keys[] = {UUIDPGetDatum(key)};

	rows_open(rows, source, GetActiveSnapshot());
	rows_find(rows, keys);
}

/* Closes the rows. */
static bool
sections_take(Rows *rows, OutlineSectionTake take, void *into)
{
	bool taken = false;

	while (!taken && rows_next(rows))
	{
		OutlineSection section;
		pg_uuid_t id;

		if (section_of_row(&section, rows) && uuid_value(rows, SECTION_ID, &id))
			taken = take(&id, &section, into);
	}
	rows_close(rows);
	return taken;
}

/* The same for lessons. */
static bool
lessons_take(Rows *rows, OutlineLessonTake take, void *into)
{
	bool taken = false;

	while (!taken && rows_next(rows))
	{
		OutlineLesson lesson;
		pg_uuid_t id;

		if (lesson_of_row(&lesson, rows) && uuid_value(rows, LESSON_ID, &id))
			taken = take(&id, &lesson, into);
	}
	rows_close(rows);
	return taken;
}

/* False for a row with a null, which is not shown. */
static bool
lesson_of_row(OutlineLesson *lesson, Rows *rows)
{
	const char *status = rows_label(rows, LESSON_STATUS);

	if (status == NULL || !uuid_value(rows, LESSON_SECTION, &lesson->section))
		return false;
	lesson->status = lesson_status(status);
	return true;
}

/* A label that no release of ours has is private. */
static LessonStatus
lesson_status(const char *label)
{
	if (label_is(label, "public"))
		return LESSON_PUBLIC;
	return label_is(label, "preview") ? LESSON_PREVIEW : LESSON_PRIVATE;
}

/* False for a row with a null, which is not shown. */
static bool
section_of_row(OutlineSection *section, Rows *rows)
{
	const char *status = rows_label(rows, SECTION_STATUS);

	if (status == NULL || !uuid_value(rows, SECTION_COURSE, &section->course))
		return false;
	section->is_public = label_is(status, "public");
	return true;
}

/* Free, or sold by itself: with a code and a price. */
static bool
course_is_priced(Rows *rows)
{
	bool no_code;
	bool no_price;
	bool unknown;
	bool is_free = DatumGetBool(rows_value_or_null(rows, COURSE_IS_FREE, &unknown));

	rows_value_or_null(rows, COURSE_CODE, &no_code);
	rows_value_or_null(rows, COURSE_PRICE, &no_price);
	return (!unknown && is_free) || (!no_code && !no_price);
}

/* Stops at the first public product. */
static bool
in_public_product(const pg_uuid_t *course)
{
	bool found = false;
	pg_uuid_t product;
	Rows rows;

	rows_begin(&rows, &products_of_course, course);
	while (!found && rows_next(&rows))
		found = uuid_value(&rows, ONLY_COLUMN, &product) && product_is_public(&product);
	rows_close(&rows);
	return found;
}

/* A product that does not exist is not public. */
static bool
product_is_public(const pg_uuid_t *product)
{
	Rows rows;
	bool is_public;

	rows_begin(&rows, &product_by_id, product);
	is_public = rows_next(&rows) && label_is(rows_label(&rows, ONLY_COLUMN), "public");
	rows_close(&rows);
	return is_public;
}

/* False for a null. */
static bool
uuid_value(Rows *rows, int column, pg_uuid_t *id)
{
	bool null;
	Datum value = rows_value_or_null(rows, column, &null);

	if (!null)
		*id = *DatumGetUUIDP(value);
	return !null;
}

/* False for a null. */
static bool
label_is(const char *label, const char *plain)
{
	return label != NULL && strcmp(label, plain) == 0;
}
