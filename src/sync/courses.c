/*
 * courses.c: the courses that a user has: their documents, and the member "premium_slots" of
 * the answer. The member "courses" is owned.c's.
 *
 * Which courses the user may use, and until when, is known to access/course_rights.c. Courses
 * that everybody may use, and those that only an administrator's right gives, stand in the
 * catalogue (catalogue.c). Most people have no other courses: for them nothing more is read.
 *
 * The document of a course is read by keys (core/rows.h). The member needs a statement, and
 * only for people who have slots.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "access/course_rights.h"
#include "core/plan.h"
#include "core/rows.h"
#include "sync/documents.h"
#include "sync/members.h"
#include "sync/slice.h"

/* The sources whose courses stand in the catalogue. */
#define OF_THE_CATALOGUE (COURSE_BY_FREE | COURSE_BY_ADMIN)

#define COURSE_CODE 0

static RowsSource course_by_id = {
	.table = "courses",
	.index = "courses_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"course_code", TEXTOID, true}},
};

/* The columns of document_by_course. */
enum
{
	DOCUMENT_CHECKSUM,
	DOCUMENT_SIZE,
	DOCUMENT_COLUMNS,
};

static RowsSource document_by_course = {
	.table = "course_documents",
	.index = "course_documents_pkey",
	.nkeys = 1,
	.keys = {{"course_id", UUIDOID}},
	.ncolumns = DOCUMENT_COLUMNS,
	.columns = {{"checksum", TEXTOID}, {"file_size_bytes", INT4OID}},
};

/* Asked only whether there is a row. */
static RowsSource purchases_by_user = {
	.table = "course_purchases",
	.index = "course_purchases_user_id_course_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
};

/* Times in UTC, so that no session's time zone shows in a kept answer. */
static KeptPlan read_chosen = {
	.sql = "SELECT row_to_json(w)::text FROM ("
		   " SELECT s.slot, s.course_code, s.course_id, s.voice,"
		   " (to_json(s.chosen_at AT TIME ZONE 'UTC') #>> '{}') || '+00:00' AS chosen_at,"
		   " s.live FROM coursebase.premium_slots($1, $2) s WHERE s.course_id IS NOT NULL) w",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static void documents_add(HandshakeEntries *entries, const CourseRights *rights);
static void document_add(HandshakeEntries *entries, const CourseRight *right, Rows *courses,
						 Rows *documents);
static bool has_purchases(const pg_uuid_t *user);
static void rows_write(StringInfo out, uint64 rows);

/* The course's documents, without their contents. */
void
handshake_courses_add(HandshakeEntries *entries, Validity *validity, const pg_uuid_t *user)
{
	CourseRights rights;

	handshake_rights_read(&rights, validity, user);
	/* most people have no courses beside the catalogue's */
	if (rights.count > 0)
		documents_add(entries, &rights);
}

/*
 * The limit is what entitlements give now: a change of theirs moves the catalogue's version.
 * Where only premium is given it is the same for everybody, and nothing is read of the person.
 */
void
handshake_slots_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(validity->at)};
	EntitlementLimits limits = {.valid_from = DT_NOBEGIN, .valid_until = DT_NOEND};

	if (!entitlements_known(GetActiveSnapshot())->only_premium)
		entitlement_limits(&limits, user, validity->at);
	if (limits.valid_from != DT_NOBEGIN)
		validity_turns(validity, limits.valid_from);
	if (limits.valid_until != DT_NOEND)
		validity_turns(validity, limits.valid_until);
	appendStringInfo(out, "{\"limit\":%d,\"chosen\":", entitlement_slots(&limits));
	rows_write(out, has_purchases(user) ? plan_execute(&read_chosen, values, NULL, true) : 0);
	appendStringInfoChar(out, '}');
}

/*
 * The rights that the catalogue does not give, copied into the current context, because the
 * session's set changes with the next question. The end of premium bounds the answer even if
 * the user has no such right now: on its other side there may be one.
 */
void
handshake_rights_read(CourseRights *rights, Validity *validity, const pg_uuid_t *user)
{
	CourseRights all;

	course_rights_set(user, validity->at, &all);
	if (all.valid_from != DT_NOBEGIN)
		validity_turns(validity, all.valid_from);
	if (all.valid_until != DT_NOEND)
		validity_turns(validity, all.valid_until);
	*rights = all;
	rights->count = 0;
	rights->rights =
		palloc_extended((Size) (all.count + 1) * sizeof(CourseRight), MCXT_ALLOC_HUGE);
	for (int i = 0; i < all.count; i++)
		if ((all.rights[i].sources & ~OF_THE_CATALOGUE) != 0)
			rights->rights[rights->count++] = all.rights[i];
}

/* Two reads by a key stay open for all courses, which is cheaper than a statement for a few. */
static void
documents_add(HandshakeEntries *entries, const CourseRights *rights)
{
	Rows courses;
	Rows documents;

	handshake_codes_open(&courses);
	handshake_documents_open(&documents);
	for (int i = 0; i < rights->count; i++)
		document_add(entries, &rights->rights[i], &courses, &documents);
	rows_close(&documents);
	rows_close(&courses);
}

/*
 * A right to a course that does not exist, or that has no document, is no entry: the app has no
 * file to fetch. A course without a code is one; its file is named by its id.
 */
static void
document_add(HandshakeEntries *entries, const CourseRight *right, Rows *courses,
			 Rows *documents)
{
	JsonSlice code;

	if (handshake_code_find(courses, &right->course, &code))
		handshake_document_add(entries, documents, &right->course, code);
}

void
handshake_codes_open(Rows *courses)
{
	rows_open(courses, &course_by_id, GetActiveSnapshot());
}

/*
 * False for a course that does not exist; a slice without bytes for one without a code. The
 * slice points into the row, good until the next look-up.
 */
bool
handshake_code_find(Rows *courses, const pg_uuid_t *course, JsonSlice *code)
{
	Datum id = UUIDPGetDatum(course);
	Datum value;
	bool no_code;

	rows_find(courses, &id);
	if (!rows_next(courses))
		return false;
	value = rows_value_or_null(courses, COURSE_CODE, &no_code);
	*code = no_code ? (JsonSlice){NULL, 0} : slice_of(value);
	return true;
}

void
handshake_documents_open(Rows *documents)
{
	rows_open(documents, &document_by_course, GetActiveSnapshot());
}

/* The name is made of the code at once; the checksum must outlive the row. */
void
handshake_document_add(HandshakeEntries *entries, Rows *documents, const pg_uuid_t *course,
					   JsonSlice code)
{
	Datum id = UUIDPGetDatum(course);

	rows_find(documents, &id);
	if (rows_next(documents))
		entries_add(entries, HANDSHAKE_COURSE, RANK_COURSE, course, code,
					slice_keep(rows_value(documents, DOCUMENT_CHECKSUM)),
					DatumGetInt32(rows_value(documents, DOCUMENT_SIZE)));
}

/* A slot is a row of course_purchases: without any, the statement can be spared. */
static bool
has_purchases(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool found;

	rows_open(&rows, &purchases_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	found = rows_next(&rows);
	rows_close(&rows);
	return found;
}

/* An array of the rows of the last statement, each of which is JSON text. */
static void
rows_write(StringInfo out, uint64 rows)
{
	appendStringInfoChar(out, '[');
	for (uint64 row = 0; row < rows; row++)
	{
		if (row > 0)
			appendStringInfoChar(out, ',');
		appendStringInfoString(out, plan_text(row, 1));
	}
	appendStringInfoChar(out, ']');
}
