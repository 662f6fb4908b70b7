/*
 * members.c: the members of a JSON object that a caller sends, each read as what it must be.
 *
 * A member is found once, in one walk over the object; reading it later costs no search. A
 * value of the wrong type is refused with the member's name and never converted: a store that
 * sends "12" for 12 has changed its format.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "json/instant.h"
#include "json/members.h"

static void members_find(Members *members, JsonSpan object, int first, int end, size_t prefix);

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
						errhint("%s", form->object_hint)));
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

/* An empty string is refused: as an id it would be the same for everybody. */
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

/* The fault lists the words, for the caller sees a provider's payload and not this code. */
const char *
members_word(const Members *members, int member, const char *const *words, int count)
{
	const char *text = members_text(members, member, MEMBERS_ID_SIZE);
	StringInfoData fault;

	if (text == NULL)
		return NULL;
	for (int i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return words[i];
	initStringInfo(&fault);
	appendStringInfoString(&fault, "is none of");
	for (int i = 0; i < count; i++)
		appendStringInfo(&fault, "%s %s", i == 0 ? "" : ",", words[i]);
	members_raise(members->form, member, fault.data);
}

/*
 * A number counts as milliseconds, as Google and Apple write times; a string may hold either
 * form.
 */
TimestampTz
members_time(const Members *members, int member)
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
	return instant;
}

int
members_flag(const Members *members, int member)
{
	JsonSpan span = members->spans[member];

	if (!members_has(members, member))
		return MEMBERS_NO_FLAG;
	if (json_kind(&members->text, span) != JSON_KIND_BOOLEAN)
		members_raise(members->form, member, "is neither true nor false");
	return members->text.bytes[span.start] == 't';
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
 * earlier value back.
 */
static void
members_find(Members *members, JsonSpan object, int first, int end, size_t prefix)
{
	JsonSpan key, value;
	JsonCursor cursor;

	json_walk_begin(&cursor, &members->text, object);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice raw = json_text_slice(&members->text, key);

		for (int member = first; member < end; member++)
			if (json_string_is(raw, members->form->names[member] + prefix))
			{
				bool null = json_kind(&members->text, value) == JSON_KIND_NULL;

				members->spans[member] = null ? (JsonSpan){0, 0} : value;
				break;
			}
	}
}
