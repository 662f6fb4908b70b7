/*
 * request.c: what a phone sends, read in one walk over its text.
 *
 * Members that are not known are skipped. A member of the wrong type, or out of bounds, is
 * refused with its name; where a name is there twice the last one counts, as in the server's
 * ->. null stands for an absent member, except in the settings of analytics, where it takes the
 * setting back.
 *
 * Strings point into the request where they hold no escape.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/compat.h"
#include "core/errors.h"
#include "sync/handshake.h"

/* No phone comes near these. */
#define MAX_FILES     20000
#define MAX_PLAYS     10000
#define MAX_PURCHASES 1000
#define MAX_NAME      300  /* bytes of a file name, an audio key, a device id, a setting */
#define MAX_TITLE     1000 /* bytes of a title */
#define MAX_PURCHASE  4000 /* bytes of a store's id */
#define SHOWN_NAME    100  /* bytes of a member's name that an error shows */

const char *const handshake_setting_names[HANDSHAKE_SETTINGS] = {
	"current_course", "voice", "induction", "background", "deepening"};

/* The names on the way to the member that is being read, for errors. */
typedef struct MemberPath
{
	const struct MemberPath *parent; /* NULL: the request itself */
	JsonSlice key;                   /* raw, in its quotes; bytes NULL: an element */
	int element;
} MemberPath;

/* A growing array of what a member holds. */
typedef struct Items
{
	void *items;
	int count;
	int room;
	Size size; /* of one */
} Items;

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
static void *items_add(Items *items, const MemberPath *path, int limit);
pg_noreturn static void member_refuse(const MemberPath *path, const char *fault);
static char *path_text(const MemberPath *path);
static const char *kind_text(JsonKind kind);
static void request_pulse(void *arg);

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
						   kind_text(json_kind(&text, root)))));
	json_walk_begin(&cursor, &text, root);
	while (json_member_next(&cursor, &key, &value))
	{
		MemberPath path = {.key = json_text_slice(&text, key)};

		member_parse(request, &text, &path, value);
	}
	plays_finish(request);
}

int
handshake_name_compare(JsonSlice a, JsonSlice b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.size, b.size));

	if (order != 0)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

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

static void
analytics_parse(HandshakeRequest *request, JsonText *text, const MemberPath *parent,
				JsonSpan value)
{
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan member;

	memset(request->settings, 0, sizeof(request->settings));
	request->nplays = 0;
	if (member_expect(text, parent, value, JSON_KIND_OBJECT) == JSON_KIND_NULL)
		return;
	json_walk_begin(&cursor, text, value);
	while (json_member_next(&cursor, &key, &member))
	{
		MemberPath path = {.parent = parent, .key = json_text_slice(text, key)};

		if (member_is(&path, "audio_usage"))
			plays_parse(request, text, &path, member);
		for (int i = 0; i < HANDSHAKE_SETTINGS; i++)
			if (member_is(&path, handshake_setting_names[i]))
				setting_parse(&request->settings[i], text, &path, member);
	}
}

static void
setting_parse(HandshakeSetting *setting, JsonText *text, const MemberPath *path, JsonSpan value)
{
	setting->given = true;
	setting->value = member_string(text, path, value, MAX_NAME);
}

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

/* A whole number of the form that JSON.stringify() gives one; absent is none played. */
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

/* Each audio once, in the order in which its rows are locked. */
static void
plays_finish(HandshakeRequest *request)
{
	JsonSlice current_course = request->settings[0].value;
	int kept = 0;

	for (int i = 0; i < request->nplays; i++)
		if (request->plays[i].course_code.bytes == NULL)
			request->plays[i].course_code =
				course_of_key(request->plays[i].audio_key, current_course);
	if (request->nplays < 2)
		return;
	qsort(request->plays, request->nplays, sizeof(HandshakePlays), play_compare);
	for (int i = 1; i < request->nplays; i++)
	{
		HandshakePlays *last = &request->plays[kept];
		HandshakePlays *play = &request->plays[i];

		if (handshake_name_compare(last->course_code, play->course_code) != 0 ||
			handshake_name_compare(last->audio_key, play->audio_key) != 0)
			kept++;
		request->plays[kept] = *play;
	}
	request->nplays = kept + 1;
}

/* A key such as C14ENB_3 names its course; any other is of the course that is being played. */
static JsonSlice
course_of_key(JsonSlice key, JsonSlice current_course)
{
	JsonSlice none = {"", 0};

	if (key.size >= 6 && is_course_code(key.bytes) &&
		(key.size == 6 || strchr("_-./", key.bytes[6]) != NULL))
		return (JsonSlice){key.bytes, 6};
	return current_course.bytes != NULL ? current_course : none;
}

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

static int
play_compare(const void *a, const void *b)
{
	const HandshakePlays *left = a;
	const HandshakePlays *right = b;
	int order = handshake_name_compare(left->course_code, right->course_code);

	if (order == 0)
		order = handshake_name_compare(left->audio_key, right->audio_key);
	return order != 0 ? order : left->order - right->order;
}

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

/* An entry is a purchase's id, or an object that has it as purchase_id. */
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
	if (!json_member_find(text, value, name, &found))
		member_refuse(&member, "must be there");
	id = member_string(text, &member, found, MAX_PURCHASE);
	if (id.bytes == NULL)
		member_refuse(&member, "must be a string, not null");
	return id;
}

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

/* By name, each once. A phone that keeps the order of our answers is in order already. */
static void
files_order(HandshakeRequest *request)
{
	HandshakeFile *files = request->files;
	int kept = 0;
	int i = 1;

	while (i < request->nfiles && handshake_name_compare(files[i - 1].name, files[i].name) < 0)
		i++;
	if (i >= request->nfiles)
		return;
	qsort(files, request->nfiles, sizeof(HandshakeFile), file_compare);
	for (i = 1; i < request->nfiles; i++)
	{
		if (handshake_name_compare(files[kept].name, files[i].name) != 0)
			kept++;
		files[kept] = files[i];
	}
	request->nfiles = kept + 1;
}

static int
file_compare(const void *a, const void *b)
{
	const HandshakeFile *left = a;
	const HandshakeFile *right = b;
	int order = handshake_name_compare(left->name, right->name);

	return order != 0 ? order : left->order - right->order;
}

static bool
member_is(const MemberPath *path, const char *name)
{
	return json_string_is(path->key, name);
}

/* The wanted kind, or null; anything else is refused. */
static JsonKind
member_expect(JsonText *text, const MemberPath *path, JsonSpan value, JsonKind wanted)
{
	JsonKind kind = json_kind(text, value);

	if (kind != wanted && kind != JSON_KIND_NULL)
		member_refuse(path, psprintf("must be %s, not %s", kind_text(wanted), kind_text(kind)));
	return kind;
}

/* A string, or bytes NULL for null. */
static JsonSlice
member_string(JsonText *text, const MemberPath *path, JsonSpan value, Size limit)
{
	JsonSlice none = {NULL, 0};

	if (member_expect(text, path, value, JSON_KIND_STRING) == JSON_KIND_NULL)
		return none;
	return raw_string(path, json_text_slice(text, value), limit);
}

static JsonSlice
raw_string(const MemberPath *path, JsonSlice raw, Size limit)
{
	JsonSlice plain = {raw.bytes + 1, raw.size - 2};
	char *room;
	size_t size;

	if (memchr(plain.bytes, '\\', plain.size) != NULL)
	{
		room = palloc(plain.size);
		if (json_string_unescape(raw, room, plain.size, &size) != JSON_OK ||
			!pg_verifymbstr(room, (int) size, true))
			member_refuse(path, "holds a character that the database cannot hold");
		plain.bytes = room;
		plain.size = size;
	}
	if (plain.size > limit)
		member_refuse(path, psprintf("is longer than %zu bytes", limit));
	return plain;
}

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
	item = (char *) items->items + items->count++ * items->size;
	memset(item, 0, items->size);
	return item;
}

static void
member_refuse(const MemberPath *path, const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_REQUEST_INVALID), errmsg("the request is not understood"),
			 errdetail("Member \"%s\" %s.", path_text(path), fault)));
}

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

static void
request_pulse(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}
