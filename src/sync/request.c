/*
 * request.c: what a phone sends with a handshake, read in one walk over its text.
 *
 * Unknown members are skipped. A member of the wrong type, or out of bounds, is refused by its
 * name. If a name comes twice, the last one counts, as with the server's operator ->. null
 * means that the member is absent, except in the settings of analytics, where it takes the
 * setting back.
 *
 * A string that holds no escape points into the request; another one is a copy. The bounds
 * below keep what one request can cost small; a text that is no JSON never comes here, because
 * the argument is of type json.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/compat.h"
#include "core/errors.h"
#include "json/json_load.h"
#include "sync/request.h"
#include "sync/slice.h"

/* Bounds that no phone comes near, so that no request can make the server work for minutes. */
#define MAX_FILES     20000
#define MAX_PLAYS     10000
#define MAX_PURCHASES 1000
#define MAX_NAME      300  /* bytes of a file name, an audio key, a device id, a setting */
#define MAX_TITLE     1000 /* bytes of a title */
#define MAX_PURCHASE  4000 /* bytes of a store's id */
#define SHOWN_NAME    100  /* bytes of a member's name that an error shows */

/* The place of current_course among the settings. */
#define CURRENT_COURSE 0

const char *const handshake_setting_names[HANDSHAKE_SETTINGS] = {
	"current_course", "voice", "induction", "background", "deepening"};

/* The names on the way to the member that is being read, for errors. */
typedef struct MemberPath
{
	const struct MemberPath *parent; /* NULL: the request itself */
	JsonSlice key;                   /* raw, in its quotes; bytes NULL: an element */
	int element;
} MemberPath;

/* A growing array of the elements of a member. */
typedef struct Items
{
	void *items;
	int count;
	int room;
	Size size; /* of one */
} Items;

/* Each function reads the value of one member, and refuses it by its path. */
static void member_parse(HandshakeRequest *request, JsonText *text, const MemberPath *path,
						 JsonSpan value);
static void analytics_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
							JsonSpan value);
static void setting_parse(HandshakeSetting *setting, JsonText *text, const MemberPath *path,
						  JsonSpan value);
static void plays_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
						JsonSpan value);
static void play_parse(HandshakePlays *play, JsonText *text, const MemberPath *parent,
					   JsonSpan value);
static int32 count_parse(JsonText *text, const MemberPath *path, JsonSpan value);
static void plays_finish(HandshakeRequest *request);
static JsonSlice course_of_key(JsonSlice key, JsonSlice current_course);
static bool is_course_code(const char *bytes);
static int play_compare(const void *a, const void *b);
static void purchases_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
							JsonSpan value);
static JsonSlice purchase_parse(JsonText *text, const MemberPath *path, JsonSpan value);
static void files_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
						JsonSpan value);
static void files_order(HandshakeRequest *request);
static int file_compare(const void *a, const void *b);
static bool member_is(const MemberPath *path, const char *name);
static JsonKind member_expect(JsonText *text, const MemberPath *path, JsonSpan value,
							  JsonKind wanted);
static JsonSlice member_string(JsonText *text, const MemberPath *path, JsonSpan value,
							   Size limit);
static JsonSlice raw_string(const MemberPath *path, JsonSlice raw, Size limit);
static JsonSlice utf8_unescaped(const MemberPath *path, JsonSlice raw);
static JsonSlice escapes_converted(JsonSlice raw);
static void *items_add(Items *items, const MemberPath *path, int limit);
pg_noreturn static void member_refuse(const MemberPath *path, const char *fault);
static char *path_text(const MemberPath *path);
static const char *kind_text(JsonKind kind);
static void request_pulse(void *arg);

/* One walk: a member is parsed where it stands. Plays are finished last, because their course
 * may depend on a setting that comes after them. */
void
handshake_request_parse(HandshakeRequest *request, const char *bytes, Size size)
{
	JsonText text;
	JsonSpan root;
	JsonSpan key;
	JsonSpan value;
	JsonCursor cursor;

	memset(request, 0, sizeof(*request));
	json_text_init(&text, bytes, size, request_pulse, NULL);
	root = json_root(&text);
	if (json_kind(&text, root) != JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_CB_REQUEST_INVALID), errmsg("the request is not understood"),
				 errdetail("The request must be an object, not %s.",
						   kind_text(json_kind(&text, root))),
				 errhint("%s", json_kind_hint(json_kind(&text, root),
											  "Send the request as a JSON object."))));
	json_walk_begin(&cursor, &text, root);
	/* the walk also checks the text: a member behind a fault is never reached */
	while (json_member_next(&cursor, &key, &value))
	{
		MemberPath path = {.key = json_text_slice(&text, key)};

		member_parse(request, &text, &path, value);
	}
	plays_finish(request);
}

/* A request without a digest is never current. */
bool
handshake_is_current(const HandshakeRequest *request, const char *digest)
{
	return request->digest.bytes != NULL && slice_is(request->digest, digest);
}

/* What the request says with one of its members. */
static void
member_parse(HandshakeRequest *request, JsonText *text, const MemberPath *path, JsonSpan value)
{
	if (member_is(path, "analytics"))
		analytics_parse(request, text, path, value);
	else if (member_is(path, "device_id"))
		request->device_id = member_string(text, path, value, MAX_NAME);
	else if (member_is(path, "purchases"))
		purchases_parse(request, text, path, value);
	else if (member_is(path, "checksums"))
		files_parse(request, text, path, value);
	else if (member_is(path, "digest"))
		request->digest = member_string(text, path, value, MAX_NAME);
	else if (member_is(path, "deltas"))
		request->deltas =
			member_expect(text, path, value, JSON_KIND_BOOLEAN) == JSON_KIND_BOOLEAN &&
			text->bytes[value.start] == 't';
}

/* A second member analytics replaces the first one whole. */
static void
analytics_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
				JsonSpan value)
{
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan member;

	/* what an earlier member analytics said is forgotten */
	memset(request->settings, 0, sizeof(request->settings));
	request->nplays = 0;
	if (member_expect(text, parent, value, JSON_KIND_OBJECT) == JSON_KIND_NULL)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_member_next(&cursor, &key, &member))
	{
		MemberPath path = {.parent = parent, .key = json_text_slice(text, key)};

		/* every other name is a setting, or ignored */
		if (member_is(&path, "audio_usage"))
			plays_parse(request, text, &path, member);
		for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
			if (member_is(&path, handshake_setting_names[i]))
				setting_parse(&request->settings[i], text, &path, member);
	}
}

/* A setting that is given as null is taken back. */
static void
setting_parse(HandshakeSetting *setting, JsonText *text, const MemberPath *path, JsonSpan value)
{
	setting->given = true;
	setting->value = member_string(text, path, value, MAX_NAME);
}

/* An object of audio keys. A second one replaces the first. */
static void
plays_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent, JsonSpan value)
{
	Items plays = {.size = sizeof(HandshakePlays)};
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan member;

	request->nplays = 0;
	if (member_expect(text, parent, value, JSON_KIND_OBJECT) == JSON_KIND_NULL)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_member_next(&cursor, &key, &member))
	{
		MemberPath path = {.parent = parent, .key = json_text_slice(text, key)};
		HandshakePlays *play = items_add(&plays, parent, MAX_PLAYS);

		play->order = plays.count;
		play->audio_key = raw_string(&path, path.key, MAX_NAME);
		play_parse(play, text, &path, member);
	}
	request->plays = plays.items;
	request->nplays = plays.count;
}

/* The members of one audio; null stands for an object without members. */
static void
play_parse(HandshakePlays *play, JsonText *text, const MemberPath *parent, JsonSpan value)
{
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan member;

	if (member_expect(text, parent, value, JSON_KIND_OBJECT) == JSON_KIND_NULL)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_member_next(&cursor, &key, &member))
	{
		MemberPath path = {.parent = parent, .key = json_text_slice(text, key)};

		if (member_is(&path, "title"))
			play->title = member_string(text, &path, member, MAX_TITLE);
		else if (member_is(&path, "course_code"))
			play->course_code = member_string(text, &path, member, MAX_NAME);
		else if (member_is(&path, "no_of_plays"))
			play->count = count_parse(text, &path, member);
	}
}

/* A whole number in the form that JSON.stringify() gives it; null counts as 0. */
static int32
count_parse(JsonText *text, const MemberPath *path, JsonSpan value)
{
	JsonSlice raw = json_text_slice(text, value);
	int64 count = 0;

	if (member_expect(text, path, value, JSON_KIND_NUMBER) == JSON_KIND_NULL)
		return 0;
	for (size_t i = 0; i < raw.size; i++)
	{
		if (raw.bytes[i] < '0' || raw.bytes[i] > '9' || count > PG_INT32_MAX)
			member_refuse(path, "must be a whole number from 0 to 2147483647");
		count = count * 10 + (raw.bytes[i] - '0');
	}
	if (count > PG_INT32_MAX)
		member_refuse(path, "must be a whole number from 0 to 2147483647");
	return (int32) count;
}

/*
 * Orders the plays, each audio once. The order is that in which the rows of audio_usage are
 * locked: two phones of one person that report at once must not deadlock.
 */
static void
plays_finish(HandshakeRequest *request)
{
	JsonSlice current_course = request->settings[CURRENT_COURSE].value;
	int kept = 0;

	for (int i = 0; i < request->nplays; i++)
		if (request->plays[i].course_code.bytes == NULL)
			request->plays[i].course_code =
				course_of_key(request->plays[i].audio_key, current_course);
	if (request->nplays < 2)
		return;
	/* of one audio the element that came last stands last, and overwrites the others */
	qsort(request->plays, request->nplays, sizeof(HandshakePlays), play_compare);
	for (int i = 1; i < request->nplays; i++)
	{
		HandshakePlays *last = &request->plays[kept];
		HandshakePlays *play = &request->plays[i];

		if (slice_compare(last->course_code, play->course_code) != 0 ||
			slice_compare(last->audio_key, play->audio_key) != 0)
			kept++;
		request->plays[kept] = *play;
	}
	request->nplays = kept + 1; /* of equal ones the last was copied over the others */
}

/* A key such as C14ENB_3 begins with its course's code; any other key belongs to the course
 * that is being played. */
static JsonSlice
course_of_key(JsonSlice key, JsonSlice current_course)
{
	JsonSlice none = {"", 0};

	if (key.size >= 6 && is_course_code(key.bytes) &&
		(key.size == 6 || strchr("_-./", key.bytes[6]) != NULL))
		return (JsonSlice){key.bytes, 6};
	return current_course.bytes != NULL ? current_course : none;
}

/*
 * A letter, two digits, three letters, all in upper case: the form of code with which the apps
 * begin a key. A code of another form cannot be told from the rest of a key.
 */
static bool
is_course_code(const char *bytes)
{
	const char form[] = "A00AAA";

	for (int i = 0; i < 6; i++)
	{
		if (form[i] == 'A' && (bytes[i] < 'A' || bytes[i] > 'Z'))
			return false;
		if (form[i] == '0' && (bytes[i] < '0' || bytes[i] > '9'))
			return false;
	}
	return true;
}

/* Of one audio the element that came last stands last, and is the one that counts. */
static int
play_compare(const void *a, const void *b)
{
	const HandshakePlays *left = a;
	const HandshakePlays *right = b;
	int order = slice_compare(left->course_code, right->course_code);

	if (order == 0)
		order = slice_compare(left->audio_key, right->audio_key);
	return order != 0 ? order : left->order - right->order;
}

/* An array of ids. A second one replaces the first. */
static void
purchases_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
				JsonSpan value)
{
	Items purchases = {.size = sizeof(JsonSlice)};
	JsonCursor cursor;
	JsonSpan element;

	request->npurchases = 0;
	if (member_expect(text, parent, value, JSON_KIND_ARRAY) == JSON_KIND_NULL)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_element_next(&cursor, &element))
	{
		MemberPath path = {.parent = parent, .element = purchases.count};
		JsonSlice *purchase = items_add(&purchases, parent, MAX_PURCHASES);

		*purchase = purchase_parse(text, &path, element);
	}
	request->purchases = purchases.items;
	request->npurchases = purchases.count;
}

/* An element is a purchase's id, or an object with the id as purchase_id. */
static JsonSlice
purchase_parse(JsonText *text, const MemberPath *path, JsonSpan value)
{
	MemberPath member = {.parent = path, .key = {"\"purchase_id\"", 13}};
	JsonSlice name = {"purchase_id", 11};
	JsonSlice id;
	JsonSpan found;

	if (json_kind(text, value) == JSON_KIND_STRING)
		return member_string(text, path, value, MAX_PURCHASE);
	if (json_kind(text, value) != JSON_KIND_OBJECT)
		member_refuse(path, psprintf("must be a string or an object, not %s",
									 kind_text(json_kind(text, value))));
	/* an object may have other members, which are ignored */
	if (!json_member_find(text, value, name, &found))
		member_refuse(&member, "must be there");
	id = member_string(text, &member, found, MAX_PURCHASE);
	if (id.bytes == NULL)
		member_refuse(&member, "must be a string, not null");
	return id;
}

/* An object of checksums by file name; null counts as absent, so that every document is sent.
 */
static void
files_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent, JsonSpan value)
{
	Items files = {.size = sizeof(HandshakeFile)};
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan member;

	request->nfiles = 0;
	request->has_files =
		member_expect(text, parent, value, JSON_KIND_OBJECT) == JSON_KIND_OBJECT;
	if (!request->has_files)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_member_next(&cursor, &key, &member))
	{
		MemberPath path = {.parent = parent, .key = json_text_slice(text, key)};
		HandshakeFile *file = items_add(&files, parent, MAX_FILES);

		file->order = files.count;
		file->name = raw_string(&path, path.key, MAX_NAME);
		file->checksum = member_string(text, &path, member, MAX_NAME);
		if (file->checksum.bytes == NULL)
			member_refuse(&path, "must be a string, not null");
	}
	request->files = files.items;
	request->nfiles = files.count;
	files_order(request);
}

/* Orders the files by name, each once. A phone that keeps the order of our answers has them in
 * order already, and pays for one comparison each. */
static void
files_order(HandshakeRequest *request)
{
	HandshakeFile *files = request->files;
	int kept = 0;
	int i = 1;

	/* the names that are in order already */
	while (i < request->nfiles && slice_compare(files[i - 1].name, files[i].name) < 0)
		i++;
	if (i >= request->nfiles)
		return; /* all of them */
	qsort(files, request->nfiles, sizeof(HandshakeFile), file_compare);
	for (i = 1; i < request->nfiles; i++)
	{
		if (slice_compare(files[kept].name, files[i].name) != 0)
			kept++;
		files[kept] = files[i];
	}
	request->nfiles = kept + 1;
}

/* As for plays: of one name the element that came last counts. */
static int
file_compare(const void *a, const void *b)
{
	const HandshakeFile *left = a;
	const HandshakeFile *right = b;
	int order = slice_compare(left->name, right->name);

	return order != 0 ? order : left->order - right->order;
}

/* Compares with a name that holds no escape. */
static bool
member_is(const MemberPath *path, const char *name)
{
	return json_string_is(path->key, name);
}

/* Returns the wanted kind, or null; refuses any other kind. */
static JsonKind
member_expect(JsonText *text, const MemberPath *path, JsonSpan value, JsonKind wanted)
{
	JsonKind kind = json_kind(text, value);

	if (kind != wanted && kind != JSON_KIND_NULL)
		member_refuse(path, psprintf("must be %s, not %s", kind_text(wanted), kind_text(kind)));
	return kind;
}

/* A string; bytes NULL for null. */
static JsonSlice
member_string(JsonText *text, const MemberPath *path, JsonSpan value, Size limit)
{
	JsonSlice none = {NULL, 0};

	if (member_expect(text, path, value, JSON_KIND_STRING) == JSON_KIND_NULL)
		return none;
	return raw_string(path, json_text_slice(text, value), limit);
}

/*
 * The string without quotes and escapes. Refuses one that is too long, or that the database
 * cannot hold. Escapes are read as UTF-8: in a database of another encoding they are converted,
 * which raises 22P05 for a character that the encoding lacks.
 */
static JsonSlice
raw_string(const MemberPath *path, JsonSlice raw, Size limit)
{
	JsonSlice plain = {raw.bytes + 1, raw.size - 2};

	if (memchr(plain.bytes, '\\', plain.size) != NULL)
		plain = GetDatabaseEncoding() == PG_UTF8 ? utf8_unescaped(path, raw)
												 : escapes_converted(raw);
	if (plain.size > limit)
		member_refuse(path, psprintf("is longer than %zu bytes", limit));
	return plain;
}

/* U+0000 and half a surrogate pair are what UTF-8 cannot hold. */
static JsonSlice
utf8_unescaped(const MemberPath *path, JsonSlice raw)
{
	char *room = palloc(raw.size);
	size_t size;

	if (json_string_unescape(raw, room, raw.size, &size) != JSON_OK ||
		!pg_verifymbstr(room, (int) size, true))
		member_refuse(path, "holds a character that the database cannot hold");
	return (JsonSlice){room, size};
}

static JsonSlice
escapes_converted(JsonSlice raw)
{
	JsonSlice plain;

	plain.bytes = json_string_text(raw, &plain.size);
	return plain;
}

/* A zeroed element at the end of the array. Refuses more than limit elements. */
static void *
items_add(Items *items, const MemberPath *path, int limit)
{
	void *item;

	if (items->count >= limit)
		member_refuse(path, psprintf("has more than %d entries", limit));
	if (items->count == items->room)
	{
		items->room = items->room == 0 ? 64 : items->room * 2;
		items->items = items->items == NULL ? palloc(items->room * items->size)
											: repalloc(items->items, items->room * items->size);
	}
	/* zeroed: a member that the element lacks is absent */
	item = (char *) items->items + items->count++ * items->size;
	memset(item, 0, items->size);
	return item;
}

/* KB301, with the path of the member and what is wrong with it. */
static void
member_refuse(const MemberPath *path, const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_REQUEST_INVALID), errmsg("the request is not understood"),
			 errdetail("Member \"%s\" %s.", path_text(path), fault)));
}

/* The member as in analytics.audio_usage, purchases[3]; an element has no name of its own. */
static char *
path_text(const MemberPath *path)
{
	char *parent = path->parent == NULL ? NULL : path_text(path->parent);
	int shown;

	if (path->key.bytes == NULL)
		return psprintf("%s[%d]", parent, path->element);
	shown = pg_mbcliplen(path->key.bytes + 1, (int) path->key.size - 2, SHOWN_NAME);
	return psprintf("%s%s%.*s", parent == NULL ? "" : parent, parent == NULL ? "" : ".", shown,
					path->key.bytes + 1);
}

/* For messages. */
static const char *
kind_text(JsonKind kind)
{
	switch (kind)
	{
		case JSON_KIND_OBJECT:
			return "an object";
		case JSON_KIND_ARRAY:
			return "an array";
		case JSON_KIND_STRING:
			return "a string";
		case JSON_KIND_NUMBER:
			return "a number";
		case JSON_KIND_BOOLEAN:
			return "a boolean";
		case JSON_KIND_NULL:
			return "null";
		case JSON_KIND_MISSING:
			break;
	}
	return "nothing";
}

/* A request may be long: reading it can be cancelled. */
static void
request_pulse(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}
