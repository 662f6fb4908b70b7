/*
 * handshake_record.c: what a phone reports of itself, kept as far as it is new.
 *
 * Nothing here is an input of the answer, and nothing is written, nor any row locked, when what
 * was reported is known already. Of two phones that report at once both are kept: a setting is
 * the last one given, a play count the greatest.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "handshake.h"
#include "json_write.h"
#include "plan.h"

/* $2 to $6 are the settings in the order of handshake_setting_names. */
static KeptPlan read_settings = {
	.sql = "SELECT a.current_course, a.voice, a.induction, a.background, a.deepening"
		   " FROM coursebase.analytics a WHERE a.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

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

static KeptPlan write_plays = {
	.sql = "INSERT INTO coursebase.audio_usage AS a"
		   " (user_id, course_code, audio_key, title, play_count)"
		   " SELECT $1, n.course_code, n.audio_key, n.title, n.play_count"
		   " FROM unnest($2, $3, $4, $5) AS n (course_code, audio_key, title, play_count)"
		   " WHERE NOT EXISTS (SELECT FROM coursebase.audio_usage o"
		   "  WHERE o.user_id = $1 AND o.course_code = n.course_code"
		   "  AND o.audio_key = n.audio_key AND o.play_count >= n.play_count"
		   "  AND coalesce(n.title, o.title) IS NOT DISTINCT FROM o.title)"
		   " ON CONFLICT (user_id, course_code, audio_key) DO UPDATE SET"
		   " title = coalesce(excluded.title, a.title),"
		   " play_count = greatest(a.play_count, excluded.play_count)",
	.nargs = 5,
	.types = {UUIDOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID},
};

/*
 * A device has its first and its last time; the last one moves when a day has passed. A hundred
 * devices are kept, those seen last.
 */
static KeptPlan read_device = {
	.sql = "SELECT coalesce((p.devices -> $2 ->> 'last_seen')::timestamptz"
		   " <= $3 - interval '1 day', true)"
		   " FROM coursebase.user_profile p WHERE p.user_id = $1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

static KeptPlan write_device = {
	.sql = "UPDATE coursebase.user_profile AS p SET devices ="
		   " coalesce((SELECT jsonb_object_agg(d.key, d.value) FROM"
		   "  (SELECT o.key, o.value FROM jsonb_each(p.devices) o WHERE o.key <> $2"
		   "   ORDER BY o.value ->> 'last_seen' DESC, o.key LIMIT 99) d), '{}')"
		   " || jsonb_build_object($2, jsonb_build_object('first_seen',"
		   "    coalesce(p.devices -> $2 ->> 'first_seen', $3), 'last_seen', $3))"
		   " WHERE p.user_id = $1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};

/* Known are purchases of this user, and nobody learns whether another has one. */
static KeptPlan read_purchases = {
	.sql = "SELECT EXISTS (SELECT FROM coursebase.custom_courses c"
		   "  JOIN coursebase.custom_course_purchases p ON p.course_id = c.id"
		   "  WHERE c.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " FROM unnest($2) WITH ORDINALITY AS n (purchase_id, i) ORDER BY n.i",
	.nargs = 2,
	.types = {UUIDOID, TEXTARRAYOID},
};

static void settings_record(const HandshakeRequest *request, const pg_uuid_t *user);
static bool settings_known(const HandshakeRequest *request, const pg_uuid_t *user);
static bool setting_known(const HandshakeSetting *setting, bool there, int column);
static void plays_record(const HandshakeRequest *request, const pg_uuid_t *user);
static void device_record(const HandshakeRequest *request, const pg_uuid_t *user,
						  TimestampTz at);
static text *time_text(TimestampTz at);
static text *slice_text(JsonSlice slice);
static ArrayType *text_array(Datum *values, bool *nulls, int count);

void
handshake_record(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	settings_record(request, user);
	if (request->nplays > 0)
		plays_record(request, user);
	if (request->device_id.bytes != NULL)
		device_record(request, user, at);
}

void
handshake_purchases_write(StringInfo out, const HandshakeRequest *request,
						  const pg_uuid_t *user)
{
	Datum values[2] = {UUIDPGetDatum(user)};
	Datum *ids = palloc(request->npurchases * sizeof(Datum));

	appendStringInfoChar(out, '[');
	for (int i = 0; i < request->npurchases; i++)
		ids[i] = PointerGetDatum(slice_text(request->purchases[i]));
	if (request->npurchases > 0)
	{
		values[1] = PointerGetDatum(text_array(ids, NULL, request->npurchases));
		plan_execute(&read_purchases, values, NULL, true);
	}
	for (int i = 0; i < request->npurchases; i++)
	{
		bool null;

		if (i > 0)
			appendStringInfoChar(out, ',');
		json_write_literal(out, "{\"purchase_id\":");
		json_write_string(out, request->purchases[i].bytes, request->purchases[i].size);
		if (DatumGetBool(plan_value(i, 1, &null)))
			json_write_literal(out, ",\"status\":\"known\"}");
		else
			json_write_literal(out, ",\"status\":\"unknown\"}");
	}
	appendStringInfoChar(out, ']');
}

static void
settings_record(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum values[1 + 2 * HANDSHAKE_SETTINGS] = {UUIDPGetDatum(user)};
	char nulls[1 + 2 * HANDSHAKE_SETTINGS];

	if (settings_known(request, user))
		return;
	memset(nulls, ' ', sizeof(nulls));
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
	{
		const HandshakeSetting *setting = &request->settings[i];

		if (setting->value.bytes == NULL)
			nulls[1 + i] = 'n';
		else
			values[1 + i] = PointerGetDatum(slice_text(setting->value));
		values[1 + HANDSHAKE_SETTINGS + i] = BoolGetDatum(setting->given);
	}
	plan_execute(&write_settings, values, nulls, false);
}

static bool
settings_known(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	bool given = false;
	bool there;

	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
		given |= request->settings[i].given;
	if (!given)
		return true;
	there = plan_execute(&read_settings, &key, NULL, true) > 0;
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
		if (!setting_known(&request->settings[i], there, i + 1))
			return false;
	return true;
}

static bool
setting_known(const HandshakeSetting *setting, bool there, int column)
{
	bool null = true;
	Datum value = there ? plan_value(0, column, &null) : (Datum) 0;
	text *stored;

	if (!setting->given)
		return true;
	if (null || setting->value.bytes == NULL)
		return null && setting->value.bytes == NULL;
	stored = DatumGetTextPP(value);
	return handshake_name_compare((JsonSlice){VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)},
								  setting->value) == 0;
}

static void
plays_record(const HandshakeRequest *request, const pg_uuid_t *user)
{
	int n = request->nplays;
	Datum *columns = palloc(4 * n * sizeof(Datum));
	bool *no_title = palloc(n * sizeof(bool));
	Datum values[5] = {UUIDPGetDatum(user)};

	for (int i = 0; i < n; i++)
	{
		const HandshakePlays *play = &request->plays[i];

		no_title[i] = play->title.bytes == NULL;
		columns[i] = PointerGetDatum(slice_text(play->course_code));
		columns[n + i] = PointerGetDatum(slice_text(play->audio_key));
		columns[2 * n + i] = no_title[i] ? (Datum) 0 : PointerGetDatum(slice_text(play->title));
		columns[3 * n + i] = Int32GetDatum(play->count);
	}
	values[1] = PointerGetDatum(text_array(columns, NULL, n));
	values[2] = PointerGetDatum(text_array(columns + n, NULL, n));
	values[3] = PointerGetDatum(text_array(columns + 2 * n, no_title, n));
	values[4] = PointerGetDatum(
		construct_array(columns + 3 * n, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	plan_execute(&write_plays, values, NULL, false);
}

static void
device_record(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	Datum values[3] = {UUIDPGetDatum(user), PointerGetDatum(slice_text(request->device_id)),
					   TimestampTzGetDatum(at)};
	bool null;

	if (plan_execute(&read_device, values, NULL, true) == 0 ||
		!DatumGetBool(plan_value(0, 1, &null)))
		return;
	values[2] = PointerGetDatum(time_text(at));
	plan_execute(&write_device, values, NULL, false);
}

/* As 2026-01-31T12:00:00.000000Z: text that sorts as the times do. */
static text *
time_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time of a handshake must be finite")));
	return cstring_to_text(psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year,
									tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
									fraction));
}

static text *
slice_text(JsonSlice slice)
{
	return cstring_to_text_with_len(slice.bytes, (int) slice.size);
}

static ArrayType *
text_array(Datum *values, bool *nulls, int count)
{
	int lower = 1;

	return construct_md_array(values, nulls, 1, &count, &lower, TEXTOID, -1, false,
							  TYPALIGN_INT);
}
