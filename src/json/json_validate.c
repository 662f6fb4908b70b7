/*
 * json_validate.c: is this text JSON, and if not, at which byte; as json_in of the server
 * decides.
 *
 * Invariants: one pass, no recursion, so that no text can exhaust the stack. Of the containers
 * that are open one bit each is kept (set for an object), in memory of the caller or of this
 * call. `at` never passes the end, and every byte before it was accepted. A check that fails
 * leaves `at` at the byte that its status is about.
 */
#include "json/json_skip.h"

typedef struct Check
{
	JsonText *text;
	size_t at;
	size_t due; /* where fuel is spent next */
	unsigned char *nest;
	size_t levels;
	size_t depth;
	JsonStatus status;
} Check;

static bool value_check(Check *check);
static bool after_value_check(Check *check);
static bool container_open(Check *check);
static bool key_check(Check *check);
static bool string_check(Check *check);
static bool escape_check(Check *check);
static bool number_check(Check *check);
static bool literal_check(Check *check);

/*
 * The two checks take turns: a value up to its first scalar, then all that may follow a value
 * up to where the next one is due.
 */
JsonStatus
json_text_validate(JsonText *text, unsigned char *nest, size_t nest_bytes, size_t *where)
{
	unsigned char own_nest[JSON_NEST_LEVELS / 8];
	Check check = {text, 0, JSON_STRIDE, nest, nest_bytes * 8, 0, JSON_OK};

	if (!nest)
	{
		check.nest = own_nest;
		check.levels = JSON_NEST_LEVELS;
	}
	while (value_check(&check) && after_value_check(&check))
		continue;
	json_text_spend(text, check.at + JSON_STRIDE - check.due);
	if (where)
		*where = check.at;
	return check.status;
}

/*
 * False, so that every check can end with it. At the end of the text every fault is the same:
 * more was needed.
 */
static bool
check_fail(Check *check, JsonStatus status)
{
	check->status = check->at < check->text->size ? status : JSON_TRUNCATED;
	return false;
}

/*
 * Fuel is spent a stride at a time: spending it byte by byte would cost more than the check of
 * a byte.
 */
static inline void
check_pay(Check *check)
{
	if (check->at < check->due)
		return;
	json_text_spend(check->text, JSON_STRIDE);
	check->due += JSON_STRIDE;
}

static inline bool
check_at_end(const Check *check)
{
	return check->at >= check->text->size;
}

static inline char
check_byte(const Check *check)
{
	return check->text->bytes[check->at];
}

static inline void
space_pass(Check *check)
{
	while (!check_at_end(check) && json_byte_is_space(check_byte(check)))
	{
		check->at++;
		check_pay(check);
	}
}

/* Only inside of a container: depth is at least 1. */
static inline bool
in_object(const Check *check)
{
	size_t level = check->depth - 1;

	return check->nest[level / 8] >> (level % 8) & 1;
}

/*
 * Opening brackets, each with the key behind it in an object, up to a scalar or to the end of
 * an empty container. True where a value ended or an empty container is to be closed.
 */
static bool
value_check(Check *check)
{
	for (;;)
	{
		space_pass(check);
		check_pay(check);
		if (check_at_end(check))
			return check_fail(check, JSON_TRUNCATED);
		switch (json_byte_class(check_byte(check)))
		{
			case JSON_BYTE_QUOTE:
				return string_check(check);
			case JSON_BYTE_WORD:
				return literal_check(check);
			case JSON_BYTE_OPEN:
				break;
			default:
				return check_fail(check, JSON_UNEXPECTED);
		}
		if (!container_open(check))
			return false;
		space_pass(check);
		if (!check_at_end(check) && json_byte_class(check_byte(check)) == JSON_BYTE_CLOSE)
			return true;
		if (in_object(check) && !key_check(check))
			return false;
	}
}

/*
 * A caller who gives few levels refuses deep texts early: claims need no more than a handful.
 */
static bool
container_open(Check *check)
{
	unsigned char bit = (unsigned char) (1u << check->depth % 8);
	unsigned char *byte;

	if (check->depth >= check->levels)
		return check_fail(check, JSON_TOO_DEEP);
	byte = &check->nest[check->depth / 8];
	*byte = check_byte(check) == '{' ? *byte | bit : *byte & (unsigned char) ~bit;
	check->depth++;
	check->at++;
	return true;
}

/*
 * Closing brackets and one comma, with the key behind it in an object; true when another value
 * is due. At depth 0 only white space may follow.
 */
static bool
after_value_check(Check *check)
{
	for (; check->depth > 0; check->depth--, check->at++)
	{
		space_pass(check);
		check_pay(check);
		if (check_at_end(check))
			return check_fail(check, JSON_TRUNCATED);
		if (check_byte(check) == ',')
		{
			check->at++;
			return !in_object(check) || key_check(check);
		}
		if (check_byte(check) != (in_object(check) ? '}' : ']'))
			return check_fail(check, JSON_UNEXPECTED);
	}
	space_pass(check);
	if (!check_at_end(check))
		check->status = JSON_TRAILING;
	return false;
}

/* A key and its colon. */
static bool
key_check(Check *check)
{
	space_pass(check);
	if (check_at_end(check) || check_byte(check) != '"')
		return check_fail(check, JSON_UNEXPECTED);
	if (!string_check(check))
		return false;
	space_pass(check);
	if (check_at_end(check) || check_byte(check) != ':')
		return check_fail(check, JSON_UNEXPECTED);
	check->at++;
	return true;
}

/*
 * Sixteen bytes at a time as long as none of them is a quote, a backslash or a control
 * character. Bytes of UTF-8 pass unseen: the server has checked the encoding already.
 */
static bool
string_check(Check *check)
{
	const char *bytes = check->text->bytes;
	size_t size = check->text->size;

	check->at++;
	while (check->at < size)
	{
		unsigned char c;

		check_pay(check);
		if (size - check->at >= 16)
		{
			unsigned faults = json_string_faults(bytes + check->at);

			check->at += faults ? (size_t) __builtin_ctz(faults) : 16;
			if (faults == 0)
				continue;
		}
		c = (unsigned char) bytes[check->at];
		if (c < 0x20)
			return check_fail(check, JSON_BAD_CONTROL);
		if (c == '\\' && !escape_check(check))
			return false;
		check->at++;
		if (c == '"')
			return true;
	}
	return check_fail(check, JSON_TRUNCATED);
}

static bool
is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * Goes from the backslash to the last byte of the escape. Surrogates may stand alone, as for
 * json_in. An escape that the end of the text cuts off is truncated, not wrong.
 */
static bool
escape_check(Check *check)
{
	const char *escape = check->text->bytes + check->at;
	size_t room = check->text->size - check->at;
	size_t size = 2;

	if (room >= 2 && escape[1] == 'u')
	{
		while (size < 6 && size < room && is_hex_digit(escape[size]))
			size++;
		if (size == 6)
		{
			check->at += 5;
			return true;
		}
	}
	else if (room >= 2 && escape[1] != '\0' && strchr("\"\\/bfnrt", escape[1]))
	{
		check->at++;
		return true;
	}
	check->status =
		room <= size && (room < 2 || escape[1] == 'u') ? JSON_TRUNCATED : JSON_BAD_ESCAPE;
	return false;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* True when there is at least one digit. */
static bool
digits_pass(Check *check)
{
	size_t start = check->at;

	while (!check_at_end(check) && is_digit(check_byte(check)))
	{
		check->at++;
		check_pay(check);
	}
	return check->at > start;
}

static bool
byte_pass(Check *check, char c)
{
	if (check_at_end(check) || check_byte(check) != c)
		return false;
	check->at++;
	return true;
}

/*
 * The grammar of RFC 8259: no plus sign, no leading zero, a digit on both sides of the point.
 * What a number runs into (12ab) makes it a malformed number, as json_in reports it.
 */
static bool
number_check(Check *check)
{
	(void) byte_pass(check, '-');
	if (!byte_pass(check, '0') && !digits_pass(check))
		return check_fail(check, JSON_BAD_NUMBER);
	if (byte_pass(check, '.') && !digits_pass(check))
		return check_fail(check, JSON_BAD_NUMBER);
	if (byte_pass(check, 'e') || byte_pass(check, 'E'))
	{
		if (!byte_pass(check, '+'))
			(void) byte_pass(check, '-');
		if (!digits_pass(check))
			return check_fail(check, JSON_BAD_NUMBER);
	}
	if (!check_at_end(check) && json_byte_class(check_byte(check)) == JSON_BYTE_WORD)
		return check_fail(check, JSON_BAD_NUMBER);
	return true;
}

/*
 * true, false, null, or a number. What a literal runs into (nullx) is refused by what must
 * follow a value.
 */
static bool
literal_check(Check *check)
{
	const char *literal;

	switch (check_byte(check))
	{
		case 't':
			literal = "true";
			break;
		case 'f':
			literal = "false";
			break;
		case 'n':
			literal = "null";
			break;
		default:
			if (check_byte(check) != '-' && !is_digit(check_byte(check)))
				return check_fail(check, JSON_UNEXPECTED);
			return number_check(check);
	}
	for (; *literal; literal++)
	{
		if (!byte_pass(check, *literal))
			return check_fail(check, JSON_BAD_LITERAL);
	}
	return true;
}

/* For messages: without a full stop, to stand behind a colon. */
const char *
json_status_text(JsonStatus status)
{
	static const char *const texts[] = {
		[JSON_OK] = "valid",
		[JSON_TRUNCATED] = "the text ends too early",
		[JSON_UNEXPECTED] = "unexpected character",
		[JSON_BAD_LITERAL] = "neither true nor false nor null",
		[JSON_BAD_NUMBER] = "malformed number",
		[JSON_BAD_CONTROL] = "control character in a string",
		[JSON_BAD_ESCAPE] = "unknown escape in a string",
		[JSON_TRAILING] = "something follows the value",
		[JSON_TOO_DEEP] = "nested too deeply",
		[JSON_ZERO_CHARACTER] = "\\u0000 cannot be text",
		[JSON_LONE_SURROGATE] = "half a surrogate pair",
		[JSON_NO_ROOM] = "too long",
		[JSON_ABSENT] = "no such member",
		[JSON_NOT_STRING] = "not a string",
		[JSON_NOT_CONTAINER] = "neither an array nor an object",
		[JSON_NO_ELEMENT] = "no such element of the array",
		[JSON_ENTRIES_NOT_OBJECT] = "only an object can be merged into an object",
		[JSON_KEY_EXISTS] = "the key exists already",
		[JSON_KEY_REPEATED] = "the key is repeated in the entries",
		[JSON_BROKEN] = "not JSON",
	};

	return texts[status];
}
