/*
 * record.c: what a phone reports of itself, kept as far as it is new.
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
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/plan.h"
#include "core/rows.h"
#include "json/json_write.h"
#include "sync/handshake.h"

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

enum
{
	PLAY_TITLE,
	PLAY_COUNT,
	PLAY_COLUMNS,
};

static RowsSource plays_by_key = {
	.table = "audio_usage",
	.index = "audio_usage_pkey",
	.nkeys = 3,
	.keys = {{"user_id", UUIDOID}, {"course_code", TEXTOID}, {"audio_key", TEXTOID}},
	.ncolumns = PLAY_COLUMNS,
	.columns = {{"title", TEXTOID, true}, {"play_count", INT4OID}},
};

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
 * A device has its first and its last time; the last one moves when a day has passed ($4 is a
 * day before $3). A hundred devices are kept, those seen last.
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

/* Known are purchases of this user, and nobody learns whether another has one. */
static KeptPlan read_purchases = {
	.sql = "SELECT EXISTS (SELECT FROM coursebase.custom_courses c"
		   "  JOIN coursebase.custom_course_purchases p ON p.course_id = c.id"
		   "  WHERE c.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.store_receipts p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.course_purchases p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.ai_credit_purchases p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.subscription_events e WHERE e.user_id = $1"
		   "  AND n.purchase_id IN (e.transaction_id, e.original_transaction_id))"
		   " FROM unnest($2) WITH ORDINALITY AS n (purchase_id, i) ORDER BY n.i",
	.nargs = 2,
	.types = {UUIDOID, TEXTARRAYOID},
};

static bool settings_known(const HandshakeRequest *request, const pg_uuid_t *user);
static bool settings_given(const HandshakeRequest *request);
static bool setting_known(const HandshakeSetting *setting, Rows *rows, int column);
static bool plays_known(const HandshakeRequest *request, const pg_uuid_t *user);
static bool play_known(const HandshakePlays *play, Rows *rows);
static bool device_known(JsonSlice device, const pg_uuid_t *user, TimestampTz at);
static bool device_seen_since(Jsonb *devices, JsonSlice device, text *since);
static void settings_record(const HandshakeRequest *request, const pg_uuid_t *user);
static void plays_record(const HandshakeRequest *request, const pg_uuid_t *user);
static void device_record(JsonSlice device, const pg_uuid_t *user, TimestampTz at);
static text *time_text(TimestampTz at);
static text *slice_text(JsonSlice slice);
static JsonSlice text_slice(text *bytes);
static ArrayType *text_array(Datum *values, bool *nulls, int count);

bool
handshake_is_recorded(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	return (!settings_given(request) || settings_known(request, user)) &&
		   (request->nplays == 0 || plays_known(request, user)) &&
		   (request->device_id.bytes == NULL || device_known(request->device_id, user, at));
}

void
handshake_record(const HandshakeRequest *request, const pg_uuid_t *user, TimestampTz at)
{
	if (settings_given(request) && !settings_known(request, user))
		settings_record(request, user);
	if (request->nplays > 0)
		plays_record(request, user);
	if (request->device_id.bytes != NULL)
		device_record(request->device_id, user, at);
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

static bool
settings_known(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool known;

	rows_open(&rows, &settings_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	known = rows_next(&rows);
	for (int i = 0; known && i < HANDSHAKE_SETTINGS; i++)
		known = setting_known(&request->settings[i], &rows, i);
	rows_close(&rows);
	return known;
}

static bool
settings_given(const HandshakeRequest *request)
{
	for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
		if (request->settings[i].given)
			return true;
	return false;
}

static bool
setting_known(const HandshakeSetting *setting, Rows *rows, int column)
{
	bool null;
	Datum stored = rows_value_or_null(rows, column, &null);

	if (!setting->given)
		return true;
	if (null || setting->value.bytes == NULL)
		return null && setting->value.bytes == NULL;
	return handshake_name_compare(text_slice(DatumGetTextPP(stored)), setting->value) == 0;
}

static bool
plays_known(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Rows rows;
	bool known = true;

	rows_open(&rows, &plays_by_key, GetActiveSnapshot());
	for (int i = 0; known && i < request->nplays; i++)
	{
		const HandshakePlays *play = &request->plays[i];
		Datum keys[] = {UUIDPGetDatum(user), PointerGetDatum(slice_text(play->course_code)),
						PointerGetDatum(slice_text(play->audio_key))};

		rows_find(&rows, keys);
		known = rows_next(&rows) && play_known(play, &rows);
	}
	rows_close(&rows);
	return known;
}

static bool
play_known(const HandshakePlays *play, Rows *rows)
{
	bool null;
	Datum title = rows_value_or_null(rows, PLAY_TITLE, &null);

	if (play->title.bytes != NULL &&
		(null || handshake_name_compare(text_slice(DatumGetTextPP(title)), play->title) != 0))
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
		Datum devices = rows_value_or_null(&rows, 0, &none);

		known = !none && device_seen_since(DatumGetJsonbP(devices), device,
										   time_text(at - USECS_PER_DAY));
	}
	rows_close(&rows);
	return known;
}

static bool
device_seen_since(Jsonb *devices, JsonSlice device, text *since)
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
	return handshake_name_compare(
			   (JsonSlice){last.val.string.val, (size_t) last.val.string.len},
			   text_slice(since)) > 0;
}

static void
settings_record(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum values[1 + 2 * HANDSHAKE_SETTINGS] = {UUIDPGetDatum(user)};
	char nulls[1 + 2 * HANDSHAKE_SETTINGS];

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
device_record(JsonSlice device, const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), PointerGetDatum(slice_text(device)),
					  PointerGetDatum(time_text(at)),
					  PointerGetDatum(time_text(at - USECS_PER_DAY))};

	plan_execute(&write_device, values, NULL, false);
}

/* As 2026-01-31T12:00:00.000000Z: text that sorts as the times do. */
static text *
time_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time of the handshake is out of range")));
	return cstring_to_text(psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year,
									tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
									fraction));
}

static text *
slice_text(JsonSlice slice)
{
	return cstring_to_text_with_len(slice.bytes, (int) slice.size);
}

static JsonSlice
text_slice(text *bytes)
{
	return (JsonSlice){VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

static ArrayType *
text_array(Datum *values, bool *nulls, int count)
{
	int lower = 1;

	return construct_md_array(values, nulls, 1, &count, &lower, TEXTOID, -1, false,
							  TYPALIGN_INT);
}
