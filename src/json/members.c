/*
 * members.c: the members of a JSON object that a caller sends, each read as what it must be.
 *
 * A member is found once, in one walk over the object; reading it later costs no search. What
 * has one meaning in every usual spelling (a word, a flag) is read in each; what has two (a
 * number that could be seconds or milliseconds, a name that is nearly one of ours) is refused
 * with the member's name. A value of the wrong type is never converted: a store that sends "12"
 * for 12 has changed its format.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "json/instant.h"
#include "json/json_load.h"
#include "json/members.h"

static void members_find(Members *members, JsonSpan object, int first, int end, size_t prefix);
static void unknown_check(Members *members, JsonSlice raw, int first, int end, size_t prefix);
static const char *plain_word(const char *text);
static const char *time_fault(const Members *members, int member);
static bool is_near(const char *a, const char *b);

void
members_load(Members *members, const MembersForm *form, Datum json, int end)
{
	JsonSpan root;

	Assert(form->count <= MEMBERS_MAX);
	memset(members, 0, sizeof(*members));
	members->form = form;
	json_load(&members->text, json);
	root = json_root(&members->text);
	if (json_kind(&members->text, root) != JSON_KIND_OBJECT)
		ereport(ERROR, (errcode(form->code), errmsg("%s is not an object", form->object),
						errhint("%s", json_kind_hint(json_kind(&members->text, root),
													 form->object_hint))));
	members_find(members, root, 0, end, 0);
}

/*
 * The prefix is the length of "member." in the form's names: inside the object the names stand
 * without it.
 */
bool
members_enter(Members *members, int of, int first, int end, size_t prefix)
{
	if (!members_has(members, of))
		return false;
	if (json_kind(&members->text, members->spans[of]) != JSON_KIND_OBJECT)
		members_raise(members->form, of, "is no object");
	members_find(members, members->spans[of], first, end, prefix);
	return true;
}

/*
 * Walks set `broken` and stop; only here is a text refused, after the errors that name a
 * member.
 */
void
members_end(const Members *members)
{
	if (members->text.broken)
		json_raise_broken();
}

bool
members_has(const Members *members, int member)
{
	return members->spans[member].end > members->spans[member].start;
}

/* White space and what controls a terminal, as it comes along from the end of a line. */
static bool
is_blank(char byte)
{
	return (unsigned char) byte <= ' ';
}

/*
 * An empty string is refused: as an id it would be the same for everybody. So is an id with a
 * blank at an end: it would be another one than the same without, and one purchase would count
 * twice. A token is no key, and base64 may end with a line.
 */
const char *
members_text(const Members *members, int member, size_t most)
{
	JsonSpan span = members->spans[member];
	const char *text;
	size_t size;

	if (!members_has(members, member))
		return NULL;
	if (json_kind(&members->text, span) != JSON_KIND_STRING)
		members_raise(members->form, member, "is no string");
	text = json_string_text(json_text_slice(&members->text, span), &size);
	if (size == 0)
		members_raise(members->form, member, "is empty");
	if (size > most)
		members_raise(members->form, member, psprintf("has more than %zu bytes", most));
	if (most <= MEMBERS_ID_SIZE && (is_blank(text[0]) || is_blank(text[size - 1])))
		members_raise(members->form, member, "begins or ends with a blank");
	return text;
}

const char *
members_text_require(const Members *members, int member, size_t most)
{
	const char *text = members_text(members, member, most);

	if (text == NULL)
		members_raise(members->form, member, "is missing");
	return text;
}

/* For what providers write as a word in one version of an API and as a number in the next. */
const char *
members_scalar(const Members *members, int member, size_t most)
{
	JsonSpan span = members->spans[member];
	JsonKind kind = json_kind(&members->text, span);

	if (!members_has(members, member) || kind == JSON_KIND_STRING)
		return members_text(members, member, most);
	if (kind != JSON_KIND_NUMBER && kind != JSON_KIND_BOOLEAN)
		members_raise(members->form, member, "is no string, number or boolean");
	if (span.end - span.start > most)
		members_raise(members->form, member, psprintf("has more than %zu bytes", most));
	return pnstrdup(members->text.bytes + span.start, span.end - span.start);
}

/* The fault lists the words, for the caller sees a provider's payload and not this code. */
const char *
members_word(const Members *members, int member, const char *const *words, int count)
{
	return members_spelled(members, member, words, count, NULL, 0);
}

const char *
members_spelled(const Members *members, int member, const char *const *words, int count,
				const MembersAlias *aliases, int naliases)
{
	const char *text = members_text(members, member, MEMBERS_ID_SIZE);
	const char *plain;
	StringInfoData fault;

	if (text == NULL)
		return NULL;
	plain = plain_word(text);
	for (int i = 0; i < count; i++)
		if (strcmp(plain, plain_word(words[i])) == 0)
			return words[i];
	for (int i = 0; i < naliases; i++)
		if (strcmp(plain, aliases[i].alias) == 0)
			return aliases[i].word;
	initStringInfo(&fault);
	appendStringInfoString(&fault, "is none of");
	for (int i = 0; i < count; i++)
		appendStringInfo(&fault, "%s %s", i == 0 ? "" : ",", words[i]);
	members_raise(members->form, member, fault.data);
}

TimestampTz
members_time(const Members *members, int member)
{
	TimestampTz time = members_end_time(members, member);

	if (time != MEMBERS_NO_TIME && time > INSTANT_LATEST)
		members_raise(members->form, member, time_fault(members, member));
	return time;
}

/*
 * A number counts as milliseconds, as Google and Apple write times; a string may hold either
 * form.
 */
TimestampTz
members_end_time(const Members *members, int member)
{
	JsonSpan span = members->spans[member];
	const char *bytes = members->text.bytes + span.start;
	size_t size = span.end - span.start;
	int64_t instant;

	if (!members_has(members, member))
		return MEMBERS_NO_TIME;
	if (json_kind(&members->text, span) == JSON_KIND_STRING)
		bytes = json_string_text(json_text_slice(&members->text, span), &size);
	else if (json_kind(&members->text, span) != JSON_KIND_NUMBER)
		members_raise(members->form, member, "is neither a string nor a number");
	if (!instant_parse(bytes, size, &instant))
		members_raise(
			members->form, member,
			"is neither ISO 8601 with a zone nor milliseconds since 1970, up to 9999");
	if (instant < INSTANT_EARLIEST)
		members_raise(members->form, member, time_fault(members, member));
	return instant;
}

/* Ten digits are seconds: said, because that is how they come here. */
static const char *
time_fault(const Members *members, int member)
{
	JsonSpan span = members->spans[member];
	const char *bytes = members->text.bytes + span.start;
	size_t size = span.end - span.start;

	if (json_kind(&members->text, span) == JSON_KIND_STRING)
		bytes = json_string_text(json_text_slice(&members->text, span), &size);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < '0' || bytes[i] > '9')
			return "is not between 2008 and 2100";
	return size == 10 ? "is not between 2008 and 2100 in milliseconds since 1970: it may be in "
						"seconds"
					  : "is not between 2008 and 2100 in milliseconds since 1970";
}

/* True and false in any usual spelling. */
int
members_flag(const Members *members, int member)
{
	const char *word = members_scalar(members, member, MEMBERS_ID_SIZE);

	if (word == NULL)
		return MEMBERS_NO_FLAG;
	if (pg_strcasecmp(word, "true") == 0 || strcmp(word, "1") == 0)
		return 1;
	if (pg_strcasecmp(word, "false") == 0 || strcmp(word, "0") == 0)
		return 0;
	members_raise(members->form, member, "is neither true nor false");
}

void
members_raise(const MembersForm *form, int member, const char *fault)
{
	ereport(ERROR, (errcode(form->code),
					errmsg("%s's member \"%s\" %s", form->object, form->names[member], fault),
					errhint("%s", form->hint)));
}

/*
 * The last one counts of a member that is there twice, as in the server's ->. A null takes an
 * earlier value back. Unknown members are looked at when it is known what is absent: in a
 * second round, which most objects need not.
 */
static void
members_find(Members *members, JsonSpan object, int first, int end, size_t prefix)
{
	JsonSpan key, value;
	JsonCursor cursor;
	bool unknown = true;

	for (int round = 0; unknown && round < 2; round++)
	{
		unknown = false;
		json_walk_begin(&cursor, &members->text, object);
		while (json_member_next(&cursor, &key, &value))
		{
			JsonSlice raw = json_text_slice(&members->text, key);
			int member = first;

			while (member < end && !json_string_is(raw, members->form->names[member] + prefix))
				member++;
			unknown |= member == end;
			if (round == 1 && member == end)
				unknown_check(members, raw, first, end, prefix);
			if (round == 0 && member < end)
				members->spans[member] = json_kind(&members->text, value) == JSON_KIND_NULL
											 ? (JsonSpan){0, 0}
											 : value;
		}
	}
}

/*
 * A name that is nearly that of a member which is absent is a slip, and would be lost in
 * silence. Any other unknown member is kept with the object and not read: providers add members
 * without notice.
 */
static void
unknown_check(Members *members, JsonSlice raw, int first, int end, size_t prefix)
{
	size_t size;
	const char *name = json_string_text(raw, &size);

	for (int member = first; size <= MEMBERS_NAME_SIZE && member < end; member++)
		if (!members_has(members, member) &&
			is_near(name, members->form->names[member] + prefix))
			ereport(
				ERROR,
				(errcode(members->form->code),
				 errmsg("%s has no member \"%s\"", members->form->object, name),
				 errdetail("It is near \"%s\", which is absent.", members->form->names[member]),
				 errhint("Write \"%s\". What is to be kept and not read goes into the "
						 "member \"payload\".",
						 members->form->names[member])));
}

/* Whether a few slips make one of the other, whatever the case and the separators. */
static bool
is_near(const char *a, const char *b)
{
	const char *x = plain_word(a);
	const char *y = plain_word(b);
	int most = strlen(y) < 6 ? 1 : 2;

	return varstr_levenshtein_less_equal(x, strlen(x), y, strlen(y), 1, 1, 1, most, true) <=
		   most;
}

/* In lower case, without what stands between words. */
static const char *
plain_word(const char *text)
{
	char *plain = pstrdup(text);
	char *to = plain;

	for (const char *c = text; *c != '\0'; c++)
		if (*c != '_' && *c != '-' && *c != ' ')
			*to++ = (char) pg_ascii_tolower((unsigned char) *c);
	*to = '\0';
	return plain;
}
