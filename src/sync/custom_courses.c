/*
 * custom_courses.c: the custom courses that were made for a user, as documents of the
 * handshake.
 *
 * A custom course is the user's while one of its purchases is active, or if it was never
 * bought.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "core/rows.h"
#include "sync/documents.h"
#include "sync/slice.h"

/* The columns of courses_by_user. */
enum
{
	CUSTOM_ID,
	CUSTOM_CODE,
	CUSTOM_CHECKSUM,
	CUSTOM_SIZE,
	CUSTOM_COLUMNS,
};

static RowsSource courses_by_user = {
	.table = "custom_courses",
	.index = "custom_courses_user_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = CUSTOM_COLUMNS,
	.columns = {{"id", UUIDOID},
				{"course_code", TEXTOID},
				{"checksum", TEXTOID},
				{"file_size_bytes", INT4OID}},
};

#define PURCHASE_STATUS 0

static RowsSource purchases_by_course = {
	.table = "custom_course_purchases",
	.index = "custom_course_purchases_course_id_idx",
	.nkeys = 1,
	.keys = {{"course_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"status", TEXTOID}},
};

static bool course_is_kept(Rows *purchases, Datum course);

/* Two reads by a key side by side: the courses of the user, and the purchases of each course.
 */
void
handshake_custom_courses_add(HandshakeEntries *entries, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	bool opened = false; /* the purchases, by the first course */
	Rows courses;
	Rows purchases;

	rows_open(&courses, &courses_by_user, GetActiveSnapshot());
	rows_find(&courses, &key);
	while (rows_next(&courses))
	{
		Datum id = rows_value(&courses, CUSTOM_ID);

		if (!opened)
			rows_open(&purchases, &purchases_by_course, GetActiveSnapshot());
		opened = true;
		/* the code becomes part of a name, which is made at once; the checksum is kept */
		if (course_is_kept(&purchases, id))
			entries_add(entries, HANDSHAKE_CUSTOM_COURSE, RANK_CUSTOM_COURSE, DatumGetUUIDP(id),
						slice_of(rows_value(&courses, CUSTOM_CODE)),
						slice_keep(rows_value(&courses, CUSTOM_CHECKSUM)),
						DatumGetInt32(rows_value(&courses, CUSTOM_SIZE)));
	}
	if (opened)
		rows_close(&purchases);
	rows_close(&courses);
}

/* Stops at the first active purchase. */
static bool
course_is_kept(Rows *purchases, Datum course)
{
	bool bought = false;
	bool active = false;

	rows_find(purchases, &course);
	while (!active && rows_next(purchases))
	{
		bought = true;
		active = slice_is(slice_of(rows_value(purchases, PURCHASE_STATUS)), "active");
	}
	return active || !bought;
}
