/*
 * jws.c: the reader of tokens: three parts, a header without doubt, a payload that is an
 * object.
 *
 * What a header may not do: name a member twice (two readers would then take two values), ask
 * for an extension by crit, or bring another number of certificates than a leaf, an
 * intermediate and a root.
 */
#include "notifications/jws.h"

#include <string.h>

#include "notifications/base64.h"

typedef struct Room
{
	char *next;
} Room;

static const char *parts_find(JsonSlice token, JsonSlice parts[3]);
static bool part_decode(JsonSlice part, Room *room, JsonSlice *decoded);
static const char *object_require(JsonSlice bytes, const char *fault);
static const char *header_read(Jws *jws, Room *room);
static const char *member_read(JsonText *header, JsonSlice name, JsonSpan value, Jws *jws,
							   Room *room);
static const char *algorithm_read(JsonText *header, JsonSpan value, Jws *jws);
static const char *certificates_read(JsonText *header, JsonSpan value, Jws *jws, Room *room);
static bool is_repeated(JsonText *header, JsonSpan object, JsonSlice name, size_t before);

/* Takes the token apart, decodes its parts one behind the other into the room, and reads the
 * header. The payload is only known to be an object. */
const char *
jws_read(JsonSlice token, char *room_bytes, Jws *jws)
{
	Room room = {room_bytes};
	JsonSlice parts[3];
	const char *fault;

	memset(jws, 0, sizeof(*jws));
	fault = parts_find(token, parts);
	if (fault != NULL)
		return fault;
	if (parts[0].size > JWS_HEADER_SIZE)
		return "has a header that is too large";
	if (!part_decode(parts[0], &room, &jws->header) ||
		!part_decode(parts[1], &room, &jws->payload) ||
		!part_decode(parts[2], &room, &jws->signature))
		return "has a part that is no base64url";
	jws->signed_bytes = (JsonSlice){token.bytes, parts[0].size + 1 + parts[1].size};
	fault = object_require(jws->header, "has a header that is no JSON object");
	if (fault == NULL)
		fault = object_require(jws->payload, "has a payload that is no JSON object");
	return fault == NULL ? header_read(jws, &room) : fault;
}

/* Finds the two dots. A detached payload is an empty part, which is refused. */
static const char *
parts_find(JsonSlice token, JsonSlice parts[3])
{
	const char *from = token.bytes;
	const char *end = token.bytes + token.size;

	for (int part = 0; part < 3; part++)
	{
		const char *dot = from < end ? memchr(from, '.', (size_t) (end - from)) : NULL;

		if ((dot == NULL) != (part == 2))
			return "is not of three parts";
		parts[part] = (JsonSlice){from, (size_t) ((dot == NULL ? end : dot) - from)};
		if (parts[part].size == 0)
			return "has an empty part";
		from = dot == NULL ? end : dot + 1;
	}
	return NULL;
}

/* Decodes a part at the end of the room that was used so far. */
static bool
part_decode(JsonSlice part, Room *room, JsonSlice *decoded)
{
	size_t size;

	if (!base64_decode(BASE64_URL, part.bytes, part.size, room->next, &size))
		return false;
	*decoded = (JsonSlice){room->next, size};
	room->next += size;
	return true;
}

/* Whether the bytes are one JSON object and nothing else. */
static const char *
object_require(JsonSlice bytes, const char *fault)
{
	JsonText text;
	size_t where;

	json_text_init(&text, bytes.bytes, bytes.size, NULL, NULL);
	if (json_text_validate(&text, NULL, 0, &where) != JSON_OK ||
		json_kind(&text, json_root(&text)) != JSON_KIND_OBJECT)
		return fault;
	return NULL;
}

/* Reads each member of the header once; a second one of the same name is refused, because
 * readers differ in which of two they take. */
static const char *
header_read(Jws *jws, Room *room)
{
	JsonText header;
	JsonCursor cursor;
	JsonSpan root, key, value;
	int members = 0;

	json_text_init(&header, jws->header.bytes, jws->header.size, NULL, NULL);
	root = json_root(&header);
	json_walk_begin(&cursor, &header, root);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice name = json_text_slice(&header, key);
		const char *fault;

		/* no store sends more than five, and looking for repetitions takes the square of their
		 * number */
		if (++members > JWS_HEADER_MEMBERS)
			return "has a header of too many members";
		if (is_repeated(&header, root, name, key.start))
			return "names a member of its header twice";
		fault = member_read(&header, name, value, jws, room);
		if (fault != NULL)
			return fault;
	}
	return NULL;
}

/* Takes what is needed from a member; members that are not known are passed over, except those
 * that must be understood (crit, b64). */
static const char *
member_read(JsonText *header, JsonSlice name, JsonSpan value, Jws *jws, Room *room)
{
	if (json_string_is(name, "alg"))
		return algorithm_read(header, value, jws);
	if (json_string_is(name, "x5c"))
		return certificates_read(header, value, jws, room);
	if (json_string_is(name, "crit") || json_string_is(name, "b64"))
		return "asks for an extension of its form";
	if (!json_string_is(name, "kid"))
		return NULL;
	if (json_kind(header, value) != JSON_KIND_STRING)
		return "has a kid that is no string";
	jws->key_id = json_text_slice(header, value);
	return NULL;
}

/* Only the two algorithms that the providers use are named; every other one, none and HS256
 * among them, is JWS_OTHER, which no check accepts. */
static const char *
algorithm_read(JsonText *header, JsonSpan value, Jws *jws)
{
	JsonSlice name = json_text_slice(header, value);

	if (json_kind(header, value) != JSON_KIND_STRING)
		return "has an alg that is no string";
	if (json_string_is(name, "ES256"))
		jws->algorithm = JWS_ES256;
	else if (json_string_is(name, "RS256"))
		jws->algorithm = JWS_RS256;
	return NULL;
}

/* Decodes the three certificates behind what was decoded so far. */
static const char *
certificates_read(JsonText *header, JsonSpan value, Jws *jws, Room *room)
{
	static const char fault[] = "has an x5c that is not of three certificates in base64";
	JsonCursor cursor;
	JsonSpan element;
	int count = 0;

	if (json_kind(header, value) != JSON_KIND_ARRAY)
		return fault;
	json_walk_begin(&cursor, header, value);
	while (json_element_next(&cursor, &element))
	{
		JsonSlice raw = json_text_slice(header, element);
		size_t size;

		/* a slash may be escaped in JSON; no writer of tokens does, and nothing is guessed here
		 */
		if (count == JWS_CERTIFICATES || json_kind(header, element) != JSON_KIND_STRING ||
			!base64_decode(BASE64_STANDARD, raw.bytes + 1, raw.size - 2, room->next, &size) ||
			size == 0)
			return fault;
		jws->certificates[count++] = (JsonSlice){room->next, size};
		room->next += size;
	}
	return count == JWS_CERTIFICATES ? NULL : fault;
}

/* Whether a member before the one at that place has the same name. Headers are short: the walk
 * is from the start. */
static bool
is_repeated(JsonText *header, JsonSpan object, JsonSlice name, size_t before)
{
	JsonCursor cursor;
	JsonSpan key, value;

	json_walk_begin(&cursor, header, object);
	while (json_member_next(&cursor, &key, &value) && key.start < before)
		if (json_string_same(json_text_slice(header, key), name))
			return true;
	return false;
}
