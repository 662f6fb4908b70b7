/*
 * fields.c: the reader of members by a table.
 *
 * Times are those of a business that sells in app stores: before 2008 and after 2100 there is
 * none, so that seconds which came as milliseconds, or the other way round, are seen.
 */
#include "notifications/fields.h"

#include <string.h>

#include "json/instant.h"

/* Microseconds since 2000. */
#define SECOND          INT64_C(1000000)
#define UNIX_EPOCH      (INT64_C(-946684800) * SECOND)
#define DIGITS_OF_INT64 18

static const char *field_read(JsonText *text, JsonSpan value, const Field *field, char *into);
static const char *text_read(JsonText *text, JsonSpan value, JsonSlice *slice);
static const char *name_read(JsonText *text, JsonSpan value, JsonSlice *slice);
static const char *expandable_read(JsonText *text, JsonSpan value, JsonSlice *slice);
static const char *flag_read(JsonText *text, JsonSpan value, int *flag);
static const char *number_time_read(JsonText *text, JsonSpan value, const Field *field,
									int64_t *time);
static const char *instant_read(JsonText *text, JsonSpan value, const Field *field,
								int64_t *time);
static const char *time_bound(const Field *field, int64_t *time, const char *fault);
static bool integer_read(JsonText *text, JsonSpan value, int64_t *integer);
static bool word_is(JsonSlice word, const char *lower);
static JsonSlice inner(JsonText *text, JsonSpan value);

/* Reads the fields in the table's order: where two fields fill one place, the later one wins.
 */
bool
fields_read(JsonText *text, JsonSpan object, const Field *fields, size_t nfields, void *into,
			FieldFault *fault)
{
	for (size_t i = 0; i < nfields; i++)
	{
		JsonSlice name = {fields[i].name, strlen(fields[i].name)};
		JsonSpan value;

		/* absent and null leave the place as the reader began it */
		if (!json_member_find(text, object, name, &value) ||
			json_kind(text, value) == JSON_KIND_NULL)
			continue;
		fault->member = fields[i].name;
		fault->fault = field_read(text, value, &fields[i], (char *) into + fields[i].offset);
		if (fault->fault != NULL)
			return false;
	}
	fault->member = NULL;
	return true;
}

/* A function, and no macro: readers return it as their own answer. */
bool
field_fail(FieldFault *fault, const char *member, const char *words)
{
	fault->member = member;
	fault->fault = words;
	return false;
}

/* Reads one value as its kind; NULL, or what is wrong. */
static const char *
field_read(JsonText *text, JsonSpan value, const Field *field, char *into)
{
	switch (field->kind)
	{
		case FIELD_TEXT:
			return text_read(text, value, (JsonSlice *) into);
		case FIELD_NAME:
			return name_read(text, value, (JsonSlice *) into);
		case FIELD_EXPANDABLE:
			return expandable_read(text, value, (JsonSlice *) into);
		case FIELD_INTEGER:
			return integer_read(text, value, (int64_t *) into) ? NULL : "is no whole number";
		case FIELD_FLAG:
			return flag_read(text, value, (int *) into);
		case FIELD_MILLISECONDS:
		case FIELD_SECONDS:
			return number_time_read(text, value, field, (int64_t *) into);
		case FIELD_INSTANT:
			return instant_read(text, value, field, (int64_t *) into);
		case FIELD_OBJECT:
			*(JsonSpan *) into = value;
			return json_kind(text, value) == JSON_KIND_OBJECT ? NULL : "is no object";
		default:
			*(JsonSpan *) into = value;
			return json_kind(text, value) == JSON_KIND_ARRAY ? NULL : "is no array";
	}
}

/* An empty string counts as absent: providers send one for what an object does not have. */
static const char *
text_read(JsonText *text, JsonSpan value, JsonSlice *slice)
{
	if (json_kind(text, value) != JSON_KIND_STRING)
		return "is no string";
	if (value.end - value.start > 2)
		*slice = json_text_slice(text, value);
	return NULL;
}

/* Ids are numbers in one version of an API and strings in the next. */
static const char *
name_read(JsonText *text, JsonSpan value, JsonSlice *slice)
{
	int64_t integer;

	if (json_kind(text, value) == JSON_KIND_STRING)
		return text_read(text, value, slice);
	if (!integer_read(text, value, &integer))
		return "is neither a string nor a whole number";
	*slice = json_text_slice(text, value);
	return NULL;
}

/* Stripe sends the id of an object, or the object itself where the team asked for it. */
static const char *
expandable_read(JsonText *text, JsonSpan value, JsonSlice *slice)
{
	JsonSlice name = {"id", 2};
	JsonSpan id;

	/* an id, as long as nobody asked for the whole object */
	if (json_kind(text, value) != JSON_KIND_OBJECT)
		return text_read(text, value, slice);
	if (!json_member_find(text, value, name, &id))
		return "has no id";
	return text_read(text, id, slice);
}

/* True and false in any usual spelling. */
static const char *
flag_read(JsonText *text, JsonSpan value, int *flag)
{
	JsonSlice word = inner(text, value);

	if (word_is(word, "true") || word_is(word, "1"))
		*flag = 1;
	else if (word_is(word, "false") || word_is(word, "0"))
		*flag = 0;
	else
		return "is neither true nor false";
	return NULL;
}

/*
 * The bounds are checked before the multiplication: a number that would overflow becomes the
 * greatest or smallest time, which time_bound() then refuses or takes for an end that never
 * comes.
 */
static const char *
number_time_read(JsonText *text, JsonSpan value, const Field *field, int64_t *time)
{
	bool milliseconds = field->kind == FIELD_MILLISECONDS;
	int64_t unit = milliseconds ? 1000 : SECOND;
	int64_t number;

	if (!integer_read(text, value, &number))
		return milliseconds ? "is no number of milliseconds since 1970"
							: "is no number of seconds since 1970";
	*time = number > INSTANT_LATEST / unit * 2  ? INT64_MAX
			: number < -(INSTANT_LATEST / unit) ? INT64_MIN
												: number * unit + UNIX_EPOCH;
	return time_bound(field, time,
					  milliseconds ? "is not between 2008 and 2100 in milliseconds since 1970"
								   : "is not between 2008 and 2100 in seconds since 1970");
}

/* Documents of the Play Developer API write times as ISO 8601. */
static const char *
instant_read(JsonText *text, JsonSpan value, const Field *field, int64_t *time)
{
	JsonSlice word = inner(text, value);

	if (json_kind(text, value) != JSON_KIND_STRING ||
		!instant_parse(word.bytes, word.size, time))
		return "is no time of ISO 8601 with a zone";
	return time_bound(field, time, "is not between 2008 and 2100");
}

/* A time outside of the bounds is a fault, except the end of a period after 2100, which never
 * comes. */
static const char *
time_bound(const Field *field, int64_t *time, const char *fault)
{
	if (*time >= INSTANT_EARLIEST && *time <= INSTANT_LATEST)
		return NULL;
	if (!field->is_end || *time < INSTANT_EARLIEST)
		return fault;
	*time = FIELD_FOR_EVER;
	return NULL;
}

/* A whole number, or one in a string; false for one of over 18 digits. */
static bool
integer_read(JsonText *text, JsonSpan value, int64_t *integer)
{
	JsonKind kind = json_kind(text, value);
	JsonSlice word = inner(text, value);
	size_t i = word.size > 0 && word.bytes[0] == '-';

	if ((kind != JSON_KIND_NUMBER && kind != JSON_KIND_STRING) || word.size == i ||
		word.size - i > DIGITS_OF_INT64)
		return false;
	*integer = 0;
	/* eighteen digits fit; no fraction and no exponent is guessed at */
	for (size_t k = i; k < word.size; k++)
	{
		if (word.bytes[k] < '0' || word.bytes[k] > '9')
			return false;
		*integer = *integer * 10 + (word.bytes[k] - '0');
	}
	if (i > 0)
		*integer = -*integer;
	return true;
}

/* Compares without regard to case, for ASCII. */
static bool
word_is(JsonSlice word, const char *lower)
{
	if (word.size != strlen(lower))
		return false;
	for (size_t i = 0; i < word.size; i++)
	{
		char c = word.bytes[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c != lower[i])
			return false;
	}
	return true;
}

/* A scalar's bytes, a string's without its quotes; escapes stay, and are then no number, time
 * or flag. */
static JsonSlice
inner(JsonText *text, JsonSpan value)
{
	JsonSlice raw = json_text_slice(text, value);

	if (json_kind(text, value) == JSON_KIND_STRING)
		return (JsonSlice){raw.bytes + 1, raw.size - 2};
	return raw;
}
