/*
 * owned.c: the member "courses" of the answer: what gives the user each course, and in which
 * voice.
 *
 * Which courses these are is known to access/course_rights.c; what is added is the code, and
 * the voice of each purchase. Everything is read by keys (core/rows.h): planning a statement
 * over course_purchases and courses, with all their indexes, would be most of what the first
 * handshake of a connection costs.
 *
 * Invariant: the rows stand in the order of code, id, source and voice, by bytes, a null last,
 * so that equal rights are equal text.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "billing/environment.h"
#include "core/datum.h"
#include "core/rows.h"
#include "json/json_write.h"
#include "sync/documents.h"
#include "sync/members.h"
#include "sync/slice.h"

/* One row of the member; bytes of NULL are a null. */
typedef struct Owned
{
	JsonSlice code;
	pg_uuid_t course;
	JsonSlice voice;
	JsonSlice source;
} Owned;

typedef struct OwnedList
{
	Owned *rows;
	int count;
	int room;
} OwnedList;

/* The columns of purchases_of_user. */
enum
{
	PURCHASE_COURSE,
	PURCHASE_VOICE,
	PURCHASE_SOURCE,
	PURCHASE_ENVIRONMENT,
	PURCHASE_STATUS,
	PURCHASE_COLUMNS,
};

static RowsSource purchases_of_user = {
	.table = "course_purchases",
	.index = "course_purchases_user_id_course_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = PURCHASE_COLUMNS,
	.columns = {{"course_id", UUIDOID},
				{"voice", TEXTOID, true},
				{"source", TEXTOID},
				{"environment", TEXTOID},
				{"status", TEXTOID}},
};

#define NO_TEXT ((JsonSlice){NULL, 0})

static void purchases_add(OwnedList *list, const CourseRights *rights, const pg_uuid_t *user);
static bool purchase_gives(Rows *purchase, const CourseRight *right, const pg_uuid_t *user);
static const CourseRight *right_find(const CourseRights *rights, const pg_uuid_t *course);
static int right_compare(const void *course, const void *right);
static void owned_add(OwnedList *list, const pg_uuid_t *course, JsonSlice voice,
					  JsonSlice source);
static void codes_add(OwnedList *list);
static int owned_compare(const void *a, const void *b);
static int text_compare(JsonSlice a, JsonSlice b);
static void owned_write(StringInfo out, const Owned *owned);
static void text_write(StringInfo out, JsonSlice value);

/* Rights first, purchases second, codes last: codes are looked up once a row of the answer, not
 * once a purchase that gives nothing. */
void
handshake_courses_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	OwnedList list = {0};
	CourseRights rights;

	handshake_rights_read(&rights, validity, user);
	for (int i = 0; i < rights.count; i++)
	{
		const CourseRight *right = &rights.rights[i];

		if (right->sources & COURSE_BY_GRANT)
			owned_add(&list, &right->course, NO_TEXT, (JsonSlice){"grant", 5});
		if (right->sources & COURSE_BY_PREMIUM)
			owned_add(&list, &right->course, NO_TEXT, (JsonSlice){"premium", 7});
	}
	if (rights.count > 0)
		purchases_add(&list, &rights, user);
	codes_add(&list);
	qsort(list.rows, list.count, sizeof(Owned), owned_compare);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < list.count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		owned_write(out, &list.rows[i]);
	}
	appendStringInfoChar(out, ']');
}

/* A course may have a purchase for each voice, and of each store. */
static void
purchases_add(OwnedList *list, const CourseRights *rights, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows purchases;

	rows_open(&purchases, &purchases_of_user, GetActiveSnapshot());
	rows_find(&purchases, &key);
	while (rows_next(&purchases))
	{
		const CourseRight *right =
			right_find(rights, DatumGetUUIDP(rows_value(&purchases, PURCHASE_COURSE)));
		Datum voice;
		bool no_voice;

		if (right == NULL || !purchase_gives(&purchases, right, user))
			continue;
		voice = rows_value_or_null(&purchases, PURCHASE_VOICE, &no_voice);
		owned_add(list, &right->course, no_voice ? NO_TEXT : slice_keep(voice),
				  slice_keep(rows_value(&purchases, PURCHASE_SOURCE)));
	}
	rows_close(&purchases);
}

/* What a sandbox sold gives the course only while it counts, a slot while premium lasts. */
static bool
purchase_gives(Rows *purchase, const CourseRight *right, const pg_uuid_t *user)
{
	return slice_is(slice_of(rows_value(purchase, PURCHASE_STATUS)), "valid") &&
		   environment_counts(TextDatumGetCString(rows_value(purchase, PURCHASE_ENVIRONMENT)),
							  user) &&
		   ((right->sources & COURSE_BY_SLOT) != 0 ||
			!slice_is(slice_of(rows_value(purchase, PURCHASE_SOURCE)), "premium_slot"));
}

/* The rights stand in the order of the ids. */
static const CourseRight *
right_find(const CourseRights *rights, const pg_uuid_t *course)
{
	return bsearch(course, rights->rights, rights->count, sizeof(CourseRight), right_compare);
}

/* For bsearch() in the rights, which are sorted by the bytes of the id. */
static int
right_compare(const void *course, const void *right)
{
	return memcmp(course, &((const CourseRight *) right)->course, UUID_LEN);
}

/* The list may be long: it grows beyond the limit of ordinary allocations. */
static void
owned_add(OwnedList *list, const pg_uuid_t *course, JsonSlice voice, JsonSlice source)
{
	if (list->count == list->room)
	{
		list->room = list->room == 0 ? 64 : 2 * list->room;
		list->rows = list->rows == NULL
						 ? palloc(list->room * sizeof(Owned))
						 : repalloc_huge(list->rows, (Size) list->room * sizeof(Owned));
	}
	list->rows[list->count++] =
		(Owned){.code = NO_TEXT, .course = *course, .voice = voice, .source = source};
}

/* What gives a course that does not exist any more is left out. */
static void
codes_add(OwnedList *list)
{
	int found = 0;
	Rows courses;

	if (list->count == 0)
		return;
	handshake_codes_open(&courses);
	for (int i = 0; i < list->count; i++)
	{
		Owned *owned = &list->rows[found];

		*owned = list->rows[i];
		if (!handshake_code_find(&courses, &owned->course, &owned->code))
			continue;
		if (owned->code.bytes != NULL)
			owned->code = slice_copy(owned->code);
		found++;
	}
	rows_close(&courses);
	list->count = found;
}

/* The order of the answer, which its digest depends on. */
static int
owned_compare(const void *a, const void *b)
{
	const Owned *left = a;
	const Owned *right = b;
	int order = text_compare(left->code, right->code);

	if (order == 0)
		order = memcmp(&left->course, &right->course, UUID_LEN);
	if (order == 0)
		order = text_compare(left->source, right->source);
	return order != 0 ? order : text_compare(left->voice, right->voice);
}

/* A null comes last, as in a statement's order. */
static int
text_compare(JsonSlice a, JsonSlice b)
{
	if (a.bytes == NULL || b.bytes == NULL)
		return (a.bytes == NULL) - (b.bytes == NULL);
	return slice_compare(a, b);
}

/* The names are the contract with the phone (shared with every version of the app that is out).
 */
static void
owned_write(StringInfo out, const Owned *owned)
{
	json_write_literal(out, "{\"course_code\":");
	text_write(out, owned->code);
	json_write_literal(out, ",\"course_id\":\"");
	appendStringInfoString(out, uuid_text(&owned->course));
	json_write_literal(out, "\",\"voice\":");
	text_write(out, owned->voice);
	json_write_literal(out, ",\"source\":");
	text_write(out, owned->source);
	appendStringInfoChar(out, '}');
}

static void
text_write(StringInfo out, JsonSlice value)
{
	if (value.bytes == NULL)
		json_write_literal(out, "null");
	else
		json_write_string(out, value.bytes, value.size);
}
