/*
 * record.c: what a phone reports of itself, kept as far as it is new.
 *
 * Invariants: nothing here is an input of the answer. If everything is known already, nothing
 * is written and no row is locked, so that most handshakes need no statement. Of two phones
 * that report at once, both are kept: a setting is the last one given, a play count the
 * greatest.
 *
 * Lock order: settings, then plays in the order of course and key, then the profile; all are
 * the person's own rows (identity/anchor.h, 3), and each is one statement.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/datum.h"
#include "core/plan.h"
#include "core/rows.h"
#include "core/setting.h"
#include "sync/record.h"
#include "sync/slice.h"

/* The columns stand in the order of handshake_setting_names. */
static RowsSource settings_by_user = {
	.table = "analytics",
	.index = "analytics_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = HANDSHAKE_SETTINGS,
	.columns = {{"current_course", TEXTOID, true},
				{"voice", TEXTOID, true},
				{"induction", TEXTOID, true},
				{"background", TEXTOID, true},
				{"deepening", TEXTOID, true}},
};

/* The columns of plays_by_key. */
enum
{
	PLAY_TITLE,
	PLAY_COUNT,
	PLAY_COLUMNS,
};

/* One play by its whole key: most requests report a few. */
static RowsSource plays_by_key = {
	.table = "audio_usage",
	.index = "audio_usage_pkey",
	.nkeys = 3,
	.keys = {{"user_id", UUIDOID}, {"course_code", TEXTOID}, {"audio_key", TEXTOID}},
	.ncolumns = PLAY_COLUMNS,
	.columns = {{"title", TEXTOID, true}, {"play_count", INT4OID}},
};

#define PROFILE_DEVICES 0

static RowsSource devices_by_user = {
	.table = "user_profile",
	.index = "user_profile_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"devices", JSONBOID, true}},
};

/* $2 to $6 are the settings in the order of handshake_setting_names, $7 to $11 which of them
 * were given. */
static KeptPlan write_settings = {
	.sql =
		"INSERT INTO coursebase.analytics AS a"
		" (user_id, current_course, voice, induction, background, deepening)"
		" VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (user_id) DO UPDATE SET"
		" current_course = CASE WHEN $7 THEN excluded.current_course ELSE a.current_course END,"
		" voice = CASE WHEN $8 THEN excluded.voice ELSE a.voice END,"
		" induction = CASE WHEN $9 THEN excluded.induction ELSE a.induction END,"
		" background = CASE WHEN $10 THEN excluded.background ELSE a.background END,"
		" deepening = CASE WHEN $11 THEN excluded.deepening ELSE a.deepening END",
	.nargs = 1 + 2 * HANDSHAKE_SETTINGS,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID, BOOLOID,
			  BOOLOID, BOOLOID},
};

/*
 * Updates only where a title or a higher count is new. What is known is left out, which spares
 * the lock of its row; ON CONFLICT decides under the lock. $6 is how many rows a person may
 * have, NULL for any number: of new audios the first ones are kept for which there is room, or
 * one token would fill the disk with audios that never were. The handshake goes on, because the
 * phone cannot mend it.
 */
static KeptPlan write_plays = {
	.sql = "INSERT INTO coursebase.audio_usage AS a"
		   " (user_id, course_code, audio_key, title, play_count)"
		   " SELECT $1, n.course_code, n.audio_key, n.title, n.play_count FROM ("
		   "  SELECT r.*, o.user_id IS NULL AS is_new, o.title AS known_title,"
		   "   o.play_count AS known_count,"
		   "   count(*) FILTER (WHERE o.user_id IS NULL) OVER (ORDER BY r.i) AS nth_new"
		   "  FROM unnest($2, $3, $4, $5) WITH ORDINALITY"
		   "   AS r (course_code, audio_key, title, play_count, i)"
		   "  LEFT JOIN coursebase.audio_usage o ON o.user_id = $1"
		   "   AND o.course_code = r.course_code AND o.audio_key = r.audio_key) n"
		   " WHERE (n.is_new OR n.known_count < n.play_count"
		   "   OR coalesce(n.title, n.known_title) IS DISTINCT FROM n.known_title)"
		   "  AND ($6 IS NULL OR NOT n.is_new OR n.nth_new <= $6 - (SELECT count(*) FROM"
		   "   (SELECT FROM coursebase.audio_usage p WHERE p.user_id = $1 LIMIT $6) h))"
		   " ORDER BY n.i"
		   " ON CONFLICT (user_id, course_code, audio_key) DO UPDATE SET"
		   " title = coalesce(excluded.title, a.title),"
		   " play_count = greatest(a.play_count, excluded.play_count)",
	.nargs = 6,
	.types = {UUIDOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT8OID},
};

/*
 * A device has the time at which it was first seen and the one at which it was last seen. The
 * latter moves only once a day has passed ($4 is a day before $3), so that a phone that calls
 * often writes seldom. The hundred devices that were seen last are kept.
 */
static KeptPlan write_device = {
	.sql = "UPDATE coursebase.user_profile AS p SET devices ="
		   " coalesce((SELECT jsonb_object_agg(d.key, d.value) FROM"
		   "  (SELECT o.key, o.value FROM jsonb_each(p.devices) o WHERE o.key <> $2"
		   "   ORDER BY o.value ->> 'last_seen' DESC NULLS LAST, o.key LIMIT 99) d), '{}')"
		   " || jsonb_build_object($2, jsonb_build_object('first_seen',"
		   "    coalesce(p.devices -> $2 ->> 'first_seen', $3), 'last_seen', $3))"
		   " WHERE p.user_id = $1"
		   " AND coalesce((p.devices -> $2 ->> 'last_seen') COLLATE \"C\" <= $4, true)",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};

static bool settings_known(const HandshakeRequest *request, const pg_uuid_t *user);
static bool settings_given(const HandshakeRequest *request);
static bool setting_known(const HandshakeSetting *setting, Rows *rows, int column);
static bool plays_known(const HandshakeRequest *request, const pg_uuid_t *user);
static bool play_known(const HandshakePlays *play, Rows *rows);
static bool device_known(JsonSlice device, const pg_uuid_t *user, TimestampTz at);
static bool device_seen_since(Jsonb *devices, JsonSlice device, const char *since);
static void settings_record(const HandshakeRequest *request, const pg_uuid_t *user);
static void plays_record(const HandshakeRequest *request, const pg_uuid_t *user);
static void device_record(JsonSlice device, const pg_uuid_t *user, TimestampTz at);
static char *seen_text(TimestampTz at);

/* Asks only about what the request holds: most requests hold one or two of the three. */
bool
handshake_is_recorded(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	return (!settings_given(request) || settings_known(request, user)) &&
		   (request->nplays == 0 || plays_known(request, user)) &&
		   (request->device_id.bytes == NULL || device_known(request->device_id, user, at));
}

/* Settings are asked about again, because the others decide within their own statements. */
void
handshake_record(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	if (settings_given(request) && !settings_known(request, user))
		settings_record(request, user);
	/* write_plays and write_device decide by themselves what is new */
	if (request->nplays > 0)
		plays_record(request, user);
	if (request->device_id.bytes != NULL)
		device_record(request->device_id, user, at);
}

/* Whether every setting that was given is stored. */
static bool
settings_known(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool known;

	rows_open(&rows, &settings_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	/* without a row even a setting that is taken back is new: the row is to be made */
	known = rows_next(&rows);
	for (int i = 0; known && i < HANDSHAKE_SETTINGS; i++)
		known = setting_known(&request->settings[i], &rows, i);
	rows_close(&rows);
	return known;
}

/* Whether the request says anything about a setting. */
static bool
settings_given(const HandshakeRequest *request)
{
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
		if (request->settings[i].given)
			return true;
	return false;
}

/* A setting that was not given is known; one that is taken back is known if it is null. */
static bool
setting_known(const HandshakeSetting *setting, Rows *rows, int column)
{
	bool null;
	Datum stored = rows_value_or_null(rows, column, &null);

	if (!setting->given)
		return true;
	if (null || setting->value.bytes == NULL)
		return null && setting->value.bytes == NULL;
	return slice_compare(slice_of(stored), setting->value) == 0;
}

/* Stops at the first play that is new. */
static bool
plays_known(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Rows rows;
	bool known = true;

	rows_open(&rows, &plays_by_key, GetActiveSnapshot());
	for (int i = 0; known && i < request->nplays; i++)
	{
		const HandshakePlays *play = &request->plays[i];
		Datum keys[] = {UUIDPGetDatum(user), slice_datum(play->course_code),
						slice_datum(play->audio_key)};

		rows_find(&rows, keys);
		known = rows_next(&rows) && play_known(play, &rows);
	}
	rows_close(&rows);
	return known;
}

/* A title that was not reported stays; a count that is not higher changes nothing. */
static bool
play_known(const HandshakePlays *play, Rows *rows)
{
	bool null;
	Datum title = rows_value_or_null(rows, PLAY_TITLE, &null);

	if (play->title.bytes != NULL && (null || slice_compare(slice_of(title), play->title) != 0))
		return false;
	return DatumGetInt32(rows_value(rows, PLAY_COUNT)) >= play->count;
}

/* A person without a profile has nowhere to keep devices. */
static bool
device_known(JsonSlice device, const pg_uuid_t *user, TimestampTz at)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool known = true;

	rows_open(&rows, &devices_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	if (rows_next(&rows))
	{
		bool none;
		Datum devices = rows_value_or_null(&rows, PROFILE_DEVICES, &none);

		/* none: only a dropped constraint lets a null in, and the update heals it */
		known = !none && device_seen_since(DatumGetJsonbP(devices), device,
										   seen_text(at - USECS_PER_DAY));
	}
	rows_close(&rows);
	return known;
}

/* Whether the device's last_seen is a text later than that one. */
static bool
device_seen_since(Jsonb *devices, JsonSlice device, const char *since)
{
	JsonbValue member;
	JsonbValue last;

	if (!JB_ROOT_IS_OBJECT(devices) ||
		getKeyJsonValueFromContainer(&devices->root, device.bytes, (int) device.size,
									 &member) == NULL ||
		member.type != jbvBinary || !JsonContainerIsObject(member.val.binary.data) ||
		getKeyJsonValueFromContainer(member.val.binary.data, "last_seen", 9, &last) == NULL ||
		last.type != jbvString)
		return false;
	return slice_compare((JsonSlice){last.val.string.val, (size_t) last.val.string.len},
						 (JsonSlice){since, strlen(since)}) > 0;
}

/* $1 is the user; the values come before the flags that say which of them were given. */
static void
settings_record(const HandshakeRequest *request, const pg_uuid_t *user)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
	{
		JsonSlice value = request->settings[i].value;

		plan_bind_nullable(&values, value.bytes == NULL ? (Datum) 0 : slice_datum(value),
						   value.bytes == NULL);
	}
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
		plan_bind_bool(&values, request->settings[i].given);
	plan_execute(&write_settings, values.datums, values.nulls, false);
}

/* One statement for all plays, whose order (request.c) is that in which it locks the rows. */
static void
plays_record(const HandshakeRequest *request, const pg_uuid_t *user)
{
	int n = request->nplays;
	Datum *codes = palloc(n * sizeof(Datum));
	Datum *keys = palloc(n * sizeof(Datum));
	Datum *titles = palloc(n * sizeof(Datum));
	Datum *counts = palloc(n * sizeof(Datum));
	bool *no_title = palloc(n * sizeof(bool));
	int64 allowed = setting_integer("audio_usage_a_person");
	PlanValues values = {0};

	for (int i = 0; i < n; i++)
	{
		const HandshakePlays *play = &request->plays[i];

		no_title[i] = play->title.bytes == NULL;
		codes[i] = slice_datum(play->course_code);
		keys[i] = slice_datum(play->audio_key);
		titles[i] = no_title[i] ? (Datum) 0 : slice_datum(play->title);
		counts[i] = Int32GetDatum(play->count);
	}
	plan_bind_uuid(&values, user);
	plan_bind(&values, array_of(TEXTOID, codes, NULL, n));
	plan_bind(&values, array_of(TEXTOID, keys, NULL, n));
	plan_bind(&values, array_of(TEXTOID, titles, no_title, n));
	plan_bind(&values, array_of(INT4OID, counts, NULL, n));
	plan_bind_nullable(&values, Int64GetDatum(allowed), allowed <= 0);
	plan_execute(&write_plays, values.datums, values.nulls, false);
}

/* A person without a profile has no row to update, and nothing is kept. */
static void
device_record(JsonSlice device, const pg_uuid_t *user, TimestampTz at)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind(&values, slice_datum(device));
	plan_bind_text(&values, seen_text(at));
	plan_bind_text(&values, seen_text(at - USECS_PER_DAY));
	plan_execute(&write_device, values.datums, values.nulls, false);
}

/* As 2026-01-31T12:00:00.000000Z, always of one length, so that texts sort as their times do.
 */
static char *
seen_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fraction;

	/* without a zone: UTC */
	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time of the handshake is out of range")));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
}
