/*
 * json_test.c: the JSON cores against tables of texts, and against a naive reader on generated
 * ones.
 */
#include <stdlib.h>

#include "json/json.h"
#include "table.h"

#define MAX_PATH 4

static JsonText
text_of(const char *bytes, size_t size)
{
	JsonText text;

	json_text_init(&text, bytes, size, NULL, NULL);
	return text;
}

static JsonSlice
slice_of(const char *bytes)
{
	JsonSlice slice = {bytes, strlen(bytes)};

	return slice;
}

static bool
slice_is(JsonSlice slice, const char *bytes)
{
	return slice.size == strlen(bytes) &&
		   (slice.size == 0 || memcmp(slice.bytes, bytes, slice.size) == 0);
}

/* A copy that ends where the sanitizer sees it. */
static char *
exact_copy(const char *bytes, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, bytes, size);
	return copy;
}

static JsonStatus
validate(const char *bytes, size_t size, size_t *where)
{
	char *copy = exact_copy(bytes, size);
	JsonText text = text_of(copy, size);
	JsonStatus status = json_text_validate(&text, NULL, 0, where);

	free(copy);
	return status;
}

/* Validation */

static const struct
{
	const char *text;
	JsonStatus status;
	size_t where;
} valid_cases[] = {
	{"{}", JSON_OK, 2},
	{"[]", JSON_OK, 2},
	{" \t\r\n{ \t\r\n} \t\r\n", JSON_OK, 14},
	{"[ ]", JSON_OK, 3},
	{"0", JSON_OK, 1},
	{"-0", JSON_OK, 2},
	{"-0.0e-0", JSON_OK, 7},
	{"1E+400", JSON_OK, 6},
	{"123456789012345678901234567890.5e1234567890", JSON_OK, 43},
	{"true", JSON_OK, 4},
	{" false ", JSON_OK, 7},
	{"null", JSON_OK, 4},
	{"\"\"", JSON_OK, 2},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00Ff\"", JSON_OK, 24},
	{"\"\\u0000\"", JSON_OK, 8},
	{"\"\\ud800\"", JSON_OK, 8},
	{"\"\x7f\xff\xc3\"", JSON_OK, 5},
	{"{\"a\":1,\"a\":2}", JSON_OK, 13},
	{"{ \"a\" : [ 1 , { } , [ ] , null ] }", JSON_OK, 34},
	{"[\"a\",\"b\\\\\",\"c\\\"]\"]", JSON_OK, 18},
	{"", JSON_TRUNCATED, 0},
	{" \n", JSON_TRUNCATED, 2},
	{"{", JSON_TRUNCATED, 1},
	{"[1", JSON_TRUNCATED, 2},
	{"[1,", JSON_TRUNCATED, 3},
	{"{\"a\"", JSON_TRUNCATED, 4},
	{"{\"a\":", JSON_TRUNCATED, 5},
	{"\"", JSON_TRUNCATED, 1},
	{"\"abc", JSON_TRUNCATED, 4},
	{"\"a\\", JSON_TRUNCATED, 2},
	{"\"\\u", JSON_TRUNCATED, 1},
	{"\"\\u12", JSON_TRUNCATED, 1},
	{"-", JSON_TRUNCATED, 1},
	{"1.", JSON_TRUNCATED, 2},
	{"1e", JSON_TRUNCATED, 2},
	{"1e+", JSON_TRUNCATED, 3},
	{"tru", JSON_TRUNCATED, 3},
	{"]", JSON_UNEXPECTED, 0},
	{"[}", JSON_UNEXPECTED, 1},
	{"{]", JSON_UNEXPECTED, 1},
	{"[1}", JSON_UNEXPECTED, 2},
	{"{\"a\":1]", JSON_UNEXPECTED, 6},
	{"[,1]", JSON_UNEXPECTED, 1},
	{"[1,]", JSON_UNEXPECTED, 3},
	{"[1 2]", JSON_UNEXPECTED, 3},
	{"{,}", JSON_UNEXPECTED, 1},
	{"{\"a\":1,}", JSON_UNEXPECTED, 7},
	{"{\"a\"}", JSON_UNEXPECTED, 4},
	{"{\"a\":}", JSON_UNEXPECTED, 5},
	{"{1:2}", JSON_UNEXPECTED, 1},
	{"{a:2}", JSON_UNEXPECTED, 1},
	{"{\"a\",1}", JSON_UNEXPECTED, 4},
	{"[\"a\":1]", JSON_UNEXPECTED, 4},
	{"'a'", JSON_UNEXPECTED, 0},
	{"NaN", JSON_UNEXPECTED, 0},
	{"+1", JSON_UNEXPECTED, 0},
	{".5", JSON_UNEXPECTED, 0},
	{"//", JSON_UNEXPECTED, 0},
	{"\xef\xbb\xbf{}", JSON_UNEXPECTED, 0},
	{"[1\f]", JSON_BAD_NUMBER, 2},
	{"True", JSON_UNEXPECTED, 0},
	{"trux", JSON_BAD_LITERAL, 3},
	{"nul]", JSON_BAD_LITERAL, 3},
	{"falsy", JSON_BAD_LITERAL, 4},
	{"truex", JSON_TRAILING, 4},
	{"01", JSON_BAD_NUMBER, 1},
	{"-01", JSON_BAD_NUMBER, 2},
	{"-a", JSON_BAD_NUMBER, 1},
	{"--1", JSON_BAD_NUMBER, 1},
	{"1.e5", JSON_BAD_NUMBER, 2},
	{"1ex", JSON_BAD_NUMBER, 2},
	{"1e+-5", JSON_BAD_NUMBER, 3},
	{"12ab", JSON_BAD_NUMBER, 2},
	{"0x10", JSON_BAD_NUMBER, 1},
	{"1.2.3", JSON_BAD_NUMBER, 3},
	{"\"a\nb\"", JSON_BAD_CONTROL, 2},
	{"\"\x1f\"", JSON_BAD_CONTROL, 1},
	{"\"0123456789abcdef\t\"", JSON_BAD_CONTROL, 17},
	{"\"\\a\"", JSON_BAD_ESCAPE, 1},
	{"\"\\'\"", JSON_BAD_ESCAPE, 1},
	{"\"\\U0041\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u00g1\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u12\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u00/0\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u00:0\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u00@0\"", JSON_BAD_ESCAPE, 1},
	{"\"\\u00`0\"", JSON_BAD_ESCAPE, 1},
	{"\"\\x", JSON_BAD_ESCAPE, 1},
	{"{} {}", JSON_TRAILING, 3},
	{"1 2", JSON_TRAILING, 2},
	{"[]]", JSON_TRAILING, 2},
	{"\"a\"b", JSON_TRAILING, 3},
};

static void
valid_test(void)
{
	size_t where;

	for (size_t i = 0; i < LENGTH(valid_cases); i++)
	{
		const char *text = valid_cases[i].text;

		table_check(validate(text, strlen(text), &where) == valid_cases[i].status, "valid", i,
					text);
		table_check(where == valid_cases[i].where, "valid, where", i, text);
	}
	table_check(validate("\"a\0b\"", 5, &where) == JSON_BAD_CONTROL && where == 2, "valid",
				LENGTH(valid_cases), "a zero byte in a string");
	table_check(validate("1\0", 2, &where) == JSON_BAD_NUMBER, "valid", LENGTH(valid_cases),
				"a zero byte behind");
}

/* Nesting */

static char *
brackets(size_t levels, const char *open, const char *close)
{
	size_t step = strlen(open);
	char *text = malloc(levels * (step + 1) + 1);

	for (size_t i = 0; i < levels; i++)
	{
		memcpy(text + i * step, open, step);
		text[levels * step + 1 + i] = *close;
	}
	text[levels * step] = '0';
	return text;
}

static void
nesting_case(size_t row, size_t levels, const char *open, const char *close)
{
	size_t size = levels * (strlen(open) + 1) + 1;
	char *document = brackets(levels, open, close);
	unsigned char *nest = malloc(levels / 8 + 1);
	JsonText text = text_of(document, size);
	JsonSlice step = slice_of(*open == '[' ? "0" : "a");
	JsonFound found;
	JsonSpan root;
	size_t where;

	table_check(json_text_validate(&text, nest, levels / 8 + 1, &where) == JSON_OK, "nesting",
				row, "valid");
	table_check(json_text_validate(&text, nest, levels / 16, &where) == JSON_TOO_DEEP,
				"nesting", row, "too deep for the bits");
	table_check(where == levels / 16 * 8 * strlen(open), "nesting", row,
				"where it is too deep");
	text.size--;
	table_check(json_text_validate(&text, nest, levels / 8 + 1, &where) == JSON_TRUNCATED,
				"nesting", row, "truncated");
	text.size++;
	root = json_root(&text);
	table_check(root.start == 0 && root.end == size && !text.broken, "nesting", row, "root");
	json_path_find(&text, &step, 1, &found);
	table_check(found.steps == 1 && found.value.start == strlen(open) &&
					found.value.end == size - 1,
				"nesting", row, "one step in");
	free(nest);
	free(document);
}

static void
nesting_test(void)
{
	nesting_case(0, 1000000, "[", "]");
	nesting_case(1, 1000000, "{\"a\":", "}");
	nesting_case(2, 1000000, "{ \"a\"\n:\t", "}");
	nesting_case(3, 1000, "[", "]");
}

/*
 * A string of any length in an array, which ends behind any number of backslashes: wherever the
 * borders between blocks are, the array ends where it ends. What stands behind it fills blocks.
 */
static void
ends_case(size_t length, size_t slashes)
{
	char bytes[512] = "[\"";
	size_t size = 2;
	JsonText text;
	JsonSpan root;

	memset(bytes + size, 'x', length);
	memset(bytes + size + length, '\\', slashes);
	size += length + slashes;
	size += (size_t) sprintf(bytes + size, slashes % 2 ? "\"]\"]" : "\"]");
	memset(bytes + size, ']', sizeof(bytes) - size);
	text = text_of(bytes, sizeof(bytes));
	root = json_root(&text);
	table_check(root.start == 0 && root.end == size && !text.broken, "ends", length, "root");
}

static void
ends_test(void)
{
	for (size_t length = 0; length < 400; length++)
	{
		for (size_t slashes = 0; slashes < 70; slashes++)
			ends_case(length, slashes);
	}
}

/* Paths */

static const struct
{
	const char *text;
	const char *path[MAX_PATH];
	JsonKind kind;
	size_t steps;
	const char *value;
	bool empty;
	size_t insert;
} path_cases[] = {
	{" {\"a\":1} ", {0}, JSON_KIND_OBJECT, 0, "{\"a\":1}", false, 7},
	{"[ 1 , 2 \r\n]", {0}, JSON_KIND_ARRAY, 0, "[ 1 , 2 \r\n]", false, 7},
	{" [ \n] ", {0}, JSON_KIND_ARRAY, 0, "[ \n]", true, 2},
	{"{}", {0}, JSON_KIND_OBJECT, 0, "{}", true, 1},
	{" 12 ", {0}, JSON_KIND_NUMBER, 0, "12", false, 3},
	{"\"x\"", {"a"}, JSON_KIND_MISSING, 0, "\"x\"", false, 3},
	{"{\"a\":{\"b\":[1,2]}}", {"a", "b"}, JSON_KIND_ARRAY, 2, "[1,2]", false, 14},
	{"{\"a\":{\"b\":[1,2]}}", {"a", "c"}, JSON_KIND_MISSING, 1, "{\"b\":[1,2]}", false, 15},
	{"{\"a\":{\"b\":[1,2]}}", {"a", "b", "1"}, JSON_KIND_NUMBER, 3, "2", false, 14},
	{"{\"a\":{\"b\":[1,2]}}", {"a", "b", "2"}, JSON_KIND_MISSING, 2, "[1,2]", false, 14},
	{"[[0],[1]]", {"1", "00"}, JSON_KIND_NUMBER, 2, "1", false, 7},
	{"[1]", {"-1"}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	{"[1]", {"+0"}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	{"[1]", {""}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	{"[1]", {"99999999999999999999999999"}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	{"[1]", {"0x"}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	/* 2 to the power of 64 is not taken for 0 */
	{"[1]", {"18446744073709551616"}, JSON_KIND_MISSING, 0, "[1]", false, 2},
	{"[0,1,2,3,4,5,6,7,8,9,10,11]", {"11"}, JSON_KIND_NUMBER, 1, "11", false, 26},
	{"{\"\":true}", {""}, JSON_KIND_BOOLEAN, 1, "true", false, 8},
	{"{\"0\":null}", {"0"}, JSON_KIND_NULL, 1, "null", false, 9},
	/* the last duplicate */
	{"{\"a\":[1],\"a\":[],\"b\":2}", {"a"}, JSON_KIND_ARRAY, 1, "[]", true, 14},
	{"{\"a\":{\"b\":1},\"a\":5}", {"a", "b"}, JSON_KIND_MISSING, 1, "5", false, 18},
	/* escaped spellings */
	{"{\"audio\\u005ffiles\":[7]}", {"audio_files"}, JSON_KIND_ARRAY, 1, "[7]", false, 22},
	{"{\"audio_files\":1,\"audio\\u005Ffiles\":2}",
	 {"audio_files"},
	 JSON_KIND_NUMBER,
	 1,
	 "2",
	 false,
	 37},
	{"{\"a\\\\u0062\":1}", {"a\\u0062"}, JSON_KIND_NUMBER, 1, "1", false, 13},
	{"{\"a\\\\u0062\":1}", {"ab"}, JSON_KIND_MISSING, 0, "{\"a\\\\u0062\":1}", false, 13},
	{"{\"\\ud83d\\ude00\":1}", {"\xf0\x9f\x98\x80"}, JSON_KIND_NUMBER, 1, "1", false, 17},
	/* brackets and quotes in strings */
	{"{\"x\":\"]}[{\\\"}\",\"y\":{\"z\":\"}\"}}",
	 {"y", "z"},
	 JSON_KIND_STRING,
	 2,
	 "\"}\"",
	 false,
	 27},
	{"{\"x\":[\"\\\\\",\"\\\\\\\"\",\"]\"],\"y\":1}",
	 {"y"},
	 JSON_KIND_NUMBER,
	 1,
	 "1",
	 false,
	 28},
};

static size_t
path_take(const char *const *names, JsonSlice *path)
{
	size_t size = 0;

	for (; size < MAX_PATH && names[size]; size++)
		path[size] = slice_of(names[size]);
	return size;
}

static void
path_test(void)
{
	for (size_t i = 0; i < LENGTH(path_cases); i++)
	{
		const char *bytes = path_cases[i].text;
		JsonText text = text_of(bytes, strlen(bytes));
		JsonSlice path[MAX_PATH];
		JsonFound found;

		json_path_find(&text, path, path_take(path_cases[i].path, path), &found);
		table_check(!text.broken, "path, broken", i, bytes);
		table_check(found.kind == path_cases[i].kind, "path, kind", i, bytes);
		table_check(found.steps == path_cases[i].steps, "path, steps", i, bytes);
		table_check(slice_is(json_text_slice(&text, found.value), path_cases[i].value),
					"path, value", i, bytes);
		table_check(found.empty == path_cases[i].empty, "path, empty", i, bytes);
		table_check(found.insert == path_cases[i].insert, "path, insert", i, bytes);
	}
}

/* Walks: the elements, or key=value, with a bar between two. */

static const struct
{
	const char *text;
	const char *seen;
} walk_cases[] = {
	{"[]", ""},
	{"[ \n ]", ""},
	{"[1]", "1"},
	{" [ 1 , [2,3] ,{\"a\":4}, \"]\" ,true ] ", "1|[2,3]|{\"a\":4}|\"]\"|true"},
	{"{}", ""},
	{"{ \t}", ""},
	{"{\"a\":1}", "\"a\"=1"},
	{"{ \"a\" : [ ] , \"a\\\"\":\"b\\\\\",\"\":{} }", "\"a\"=[ ]|\"a\\\"\"=\"b\\\\\"|\"\"={}"},
};

/* No JSON: what stands in front of the fault is given, and nothing from there on. */
static const struct
{
	const char *text;
	const char *seen;
} broken_walk_cases[] = {
	{"[,1]", ""},
	{"[1,]", "1"},
	{"[1 2]", "1"},
	{"[1:2]", "1"},
	{"{1:2}", ""},
	{"{a:2}", ""},
	{"{a\":1,\"}", ""},
	{"{\"a\" 1}", ""},
	{"{\"a\",1}", ""},
	{"{\"a\":}", ""},
	{"{\"a\":1,}", "\"a\"=1"},
	{"{\"a\":1 \"b\":2}", "\"a\"=1"},
};

static size_t
slice_append(char *out, JsonText *text, JsonSpan span)
{
	JsonSlice slice = json_text_slice(text, span);

	memcpy(out, slice.bytes, slice.size);
	return slice.size;
}

static void
walk_write(JsonText *text, char *out)
{
	JsonSpan root = json_root(text);
	JsonCursor cursor;
	JsonSpan key, value;
	const char *start = out;

	json_walk_begin(&cursor, text, root);
	if (json_kind(text, root) == JSON_KIND_ARRAY)
	{
		while (json_element_next(&cursor, &value))
		{
			if (out > start)
				*out++ = '|';
			out += slice_append(out, text, value);
		}
		table_check(!json_element_next(&cursor, &value), "walk", 0, "behind the end");
	}
	else
	{
		while (json_member_next(&cursor, &key, &value))
		{
			if (out > start)
				*out++ = '|';
			out += slice_append(out, text, key);
			*out++ = '=';
			out += slice_append(out, text, value);
		}
		table_check(!json_member_next(&cursor, &key, &value), "walk", 0, "behind the end");
	}
	*out = '\0';
}

static void
walk_test(void)
{
	for (size_t i = 0; i < LENGTH(walk_cases); i++)
	{
		JsonText text = text_of(walk_cases[i].text, strlen(walk_cases[i].text));
		char seen[256];

		walk_write(&text, seen);
		table_check(!text.broken && strcmp(seen, walk_cases[i].seen) == 0, "walk", i, seen);
	}
	for (size_t i = 0; i < LENGTH(broken_walk_cases); i++)
	{
		const char *bytes = broken_walk_cases[i].text;
		JsonText text = text_of(bytes, strlen(bytes));
		char seen[256];

		walk_write(&text, seen);
		table_check(text.broken && strcmp(seen, broken_walk_cases[i].seen) == 0, "broken walk",
					i, seen);
	}
}

/* What json_member_find() gives of a member that is not there can be walked, and is empty. */
static void
walk_nothing_test(void)
{
	JsonText text = text_of(" {\"a\":[1]}", 10);
	JsonSpan value, element;
	JsonCursor cursor;

	table_check(!json_member_find(&text, json_root(&text), slice_of("b"), &value), "nothing", 0,
				"no such member");
	table_check(json_kind(&text, value) == JSON_KIND_MISSING, "nothing", 0, "kind");
	json_walk_begin(&cursor, &text, value);
	table_check(!json_element_next(&cursor, &element) && !text.broken, "nothing", 0,
				"no element");
}

/* Texts that are no JSON: noticed, and never read behind their end. */

static const char *const broken_cases[] = {
	"",           " ",
	"[",          "{",
	"\"",         "\"\\",
	"[\"",        "[1",
	"[1,",        "{\"a",
	"{\"a\"",     "{\"a\":",
	"{\"a\":1",   "{\"a\":1,",
	"[[1]",       "[\"]",
	",",          ":",
	"{\"a\":\"b", "{\"a\\",
	"[{\"b\"]",   "0123456789abcde{",
	"{\"a\" 1}",  "[1 2]",
	"{1}",        "[1:2]",
};

static void
broken_test(void)
{
	for (size_t i = 0; i < LENGTH(broken_cases); i++)
	{
		size_t size = strlen(broken_cases[i]);
		char *copy = exact_copy(broken_cases[i], size);
		JsonText text = text_of(copy, size);
		JsonText entries = text_of("{\"zz\":1}", 8);
		JsonSlice path = slice_of("a");
		JsonSplice plan;

		(void) json_splice_plan(&text, &path, 1, &entries, JSON_CREATE_OBJECT, &plan);
		table_check(plan.offset <= size, "broken", i, broken_cases[i]);
		table_check(validate(copy, size, NULL) != JSON_OK, "broken", i, broken_cases[i]);
		free(copy);
	}
}

/* Strings and numbers */

static const struct
{
	const char *raw;
	const char *plain; /* null: status says why not */
	JsonStatus status;
} string_cases[] = {
	{"\"\"", "", JSON_OK},
	{"\"abc\"", "abc", JSON_OK},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", JSON_OK},
	{"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", JSON_OK},
	{"\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y", JSON_OK},
	{"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf", JSON_OK},
	{"\"\\uffff\\u07ff\\u0800\\u007f\\u0080\"", "\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80\x7f\xc2\x80",
	 JSON_OK},
	{"\"\\u0000\"", NULL, JSON_ZERO_CHARACTER},
	{"\"\\ud83d\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83dx\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83d\\n\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83d\\ud83d\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ude00\\ud83d\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83d\\u0041\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ude00\\ude00\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83dxude00\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\ud83d\\nde00\"", NULL, JSON_LONE_SURROGATE},
	{"\"\\x\"", NULL, JSON_BROKEN},
	/* the bytes on both sides of the digits */
	{"\"\\u00/0\"", NULL, JSON_BROKEN},
	{"\"\\u00:0\"", NULL, JSON_BROKEN},
	{"\"\\u00@0\"", NULL, JSON_BROKEN},
	{"\"\\u00G0\"", NULL, JSON_BROKEN},
	{"\"\\u00`0\"", NULL, JSON_BROKEN},
	{"\"\\u00g0\"", NULL, JSON_BROKEN},
	{"\"\\u12\"", NULL, JSON_BROKEN},
	{"\"\\\"", NULL, JSON_BROKEN},
	{"\"", NULL, JSON_BROKEN},
	{"", NULL, JSON_BROKEN},
};

static void
string_test(void)
{
	for (size_t i = 0; i < LENGTH(string_cases); i++)
	{
		JsonSlice raw = slice_of(string_cases[i].raw);
		const char *plain = string_cases[i].plain;
		char out[64];
		size_t size = 99;

		table_check(json_string_unescape(raw, out, sizeof(out), &size) ==
						string_cases[i].status,
					"string, status", i, raw.bytes);
		if (!plain)
		{
			table_check(size == 0, "string, size", i, raw.bytes);
			continue;
		}
		table_check(size == strlen(plain) && memcmp(out, plain, size) == 0, "string, value", i,
					raw.bytes);
		table_check(json_string_is(raw, plain), "string, is", i, raw.bytes);
		table_check(!json_string_is(raw, "abcd"), "string, is not", i, raw.bytes);
		for (size_t room = 0; room < strlen(plain); room++)
		{
			char *tight = malloc(room > 0 ? room : 1);

			table_check(json_string_unescape(raw, tight, room, &size) == JSON_NO_ROOM,
						"string, room", i, raw.bytes);
			free(tight);
		}
		table_check(json_string_unescape(raw, out, strlen(plain), &size) == JSON_OK,
					"string, just", i, raw.bytes);
	}
}

static const struct
{
	const char *one;
	const char *other;
	bool same;
} same_cases[] = {
	{"\"a\"", "\"a\"", true},
	{"\"a\"", "\"b\"", false},
	{"\"a\"", "\"ab\"", false},
	{"\"\"", "\"\"", true},
	{"\"\"", "\"\\u0000\"", false},
	{"\"\\u0061\"", "\"a\"", true},
	{"\"\\u00e9\"", "\"\xc3\xa9\"", true},
	{"\"\\u00E9\"", "\"\\u00e9\"", true},
	{"\"\\/\"", "\"/\"", true},
	{"\"\\n\"", "\"\\u000a\"", true},
	{"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", true},
	{"\"\\ud83d\"", "\"\\uD83D\"", true},
	{"\"\\ud83d\"", "\"\\ud83e\"", false},
	{"\"a\\u0000b\"", "\"a\\u0000c\"", false},
	{"\"a\\u0000b\"", "\"a\\u0000b\"", true},
	{"\"\\\\u0061\"", "\"\\u0061\"", false},
};

static void
same_test(void)
{
	for (size_t i = 0; i < LENGTH(same_cases); i++)
	{
		JsonSlice one = slice_of(same_cases[i].one);
		JsonSlice other = slice_of(same_cases[i].other);
		bool same = same_cases[i].same;

		table_check(json_string_same(one, other) == same, "same", i, one.bytes);
		table_check(json_string_same(other, one) == same, "same, turned", i, one.bytes);
		table_check((json_string_hash(one) == json_string_hash(other)) == same, "same, hash", i,
					one.bytes);
	}
}

/* What is no string reads as the empty one, also where there are no bytes at all. */
static void
no_string_test(void)
{
	JsonSlice none = {NULL, 0}, empty = slice_of("\"\"");

	table_check(json_string_is(none, "") && !json_string_is(none, "a"), "none", 0, "is");
	table_check(json_string_equals(empty, none) && !json_string_equals(slice_of("\"a\""), none),
				"none", 0, "equals");
	table_check(json_string_same(none, empty), "none", 0, "same");
	table_check(json_string_hash(none) == json_string_hash(empty), "none", 0, "hash");
}

static const struct
{
	const char *number;
	bool positive;
} number_cases[] = {
	{"1", true},
	{"0", false},
	{"-0", false},
	{"-1", false},
	{"0.0", false},
	{"0.001", true},
	{"0e5", false},
	{"0.0e999", false},
	{"1e-999", true},
	{"10", true},
	{"-0.5e5", false},
	{"0E+12", false},
	{"00", false},
	{"", false},
	{"null", false},
	{"\"1\"", false},
	{"9999999999999999999999999999e99999999999", true},
	{"0.00000000000000000000000000000001", true},
};

static void
number_test(void)
{
	for (size_t i = 0; i < LENGTH(number_cases); i++)
		table_check(json_number_is_positive(slice_of(number_cases[i].number)) ==
						number_cases[i].positive,
					"number", i, number_cases[i].number);
}

/* Growth: the result, or the key a refusal names. */

static const struct
{
	const char *document;
	const char *path[MAX_PATH];
	const char *entries;
	JsonCreate create;
	JsonStatus status;
	const char *result;
} splice_cases[] = {
	{"[]", {0}, "1", JSON_CREATE_ARRAY, JSON_OK, "[1]"},
	{"[ ]", {0}, " [ 1 , 2 ] ", JSON_CREATE_ARRAY, JSON_OK, "[1 , 2 ]"},
	{"[0\n]", {0}, "[1]", JSON_CREATE_ARRAY, JSON_OK, "[0,1\n]"},
	{" [0] ", {0}, " \"x\" ", JSON_CREATE_ARRAY, JSON_OK, " [0,\"x\"] "},
	{"[0]", {0}, "{}", JSON_CREATE_ARRAY, JSON_OK, "[0,{}]"},
	{"[0]", {0}, "[[]]", JSON_CREATE_ARRAY, JSON_OK, "[0,[]]"},
	{"[0]", {0}, "[ ]", JSON_CREATE_ARRAY, JSON_OK, "[0]"},
	{"[0]", {0}, "null", JSON_CREATE_ARRAY, JSON_OK, "[0,null]"},
	{"{}", {0}, "{ \"a\" : 1 }", JSON_CREATE_ARRAY, JSON_OK, "{\"a\" : 1}"},
	{"{\"b\":0 }", {0}, "{\"a\":1}", JSON_CREATE_ARRAY, JSON_OK, "{\"b\":0,\"a\":1 }"},
	{"{\"b\":0}", {0}, " { } ", JSON_CREATE_ARRAY, JSON_OK, "{\"b\":0}"},
	{"{\"a\":[1],\"b\":2}", {"a"}, "[2]", JSON_CREATE_ARRAY, JSON_OK, "{\"a\":[1,2],\"b\":2}"},
	{"{\"a\":[1],\"a\":[]}", {"a"}, "2", JSON_CREATE_ARRAY, JSON_OK, "{\"a\":[1],\"a\":[2]}"},
	{"{\"a\":{\"b\":[[],[1]]}}",
	 {"a", "b", "0"},
	 "2",
	 JSON_CREATE_ARRAY,
	 JSON_OK,
	 "{\"a\":{\"b\":[[2],[1]]}}"},
	/* what is missing */
	{"{}", {"a"}, "1", JSON_CREATE_ARRAY, JSON_OK, "{\"a\":[1]}"},
	{"{ }", {"a"}, "[1,2]", JSON_CREATE_ARRAY, JSON_OK, "{\"a\":[1,2] }"},
	{"{\"x\":1}",
	 {"a"},
	 "{\"k\":1}",
	 JSON_CREATE_ARRAY,
	 JSON_OK,
	 "{\"x\":1,\"a\":[{\"k\":1}]}"},
	{"{\"x\":1}", {"a"}, "{\"k\":1}", JSON_CREATE_OBJECT, JSON_OK, "{\"x\":1,\"a\":{\"k\":1}}"},
	{"{\"x\":1}",
	 {"a", "b", "c"},
	 "[1]",
	 JSON_CREATE_ARRAY,
	 JSON_OK,
	 "{\"x\":1,\"a\":{\"b\":{\"c\":[1]}}}"},
	{"{\"a\":{}}",
	 {"a", "b", "c"},
	 "{\"k\":[]}",
	 JSON_CREATE_OBJECT,
	 JSON_OK,
	 "{\"a\":{\"b\":{\"c\":{\"k\":[]}}}}"},
	{"{\"a\":{}}", {"a", "b"}, "[]", JSON_CREATE_ARRAY, JSON_OK, "{\"a\":{}}"},
	{"{}",
	 {"q\"\\\b\f\n\r\t\x01\x1f /\xc3\xa9"},
	 "1",
	 JSON_CREATE_ARRAY,
	 JSON_OK,
	 "{\"q\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f /\xc3\xa9\":[1]}"},
	{"{}", {""}, "1", JSON_CREATE_ARRAY, JSON_OK, "{\"\":[1]}"},
	{"{}", {"a"}, "1", JSON_CREATE_NOTHING, JSON_ABSENT, ""},
	{"[{}]", {"0", "5"}, "1", JSON_CREATE_ARRAY, JSON_OK, "[{\"5\":[1]}]"},
	/* refusals */
	{"1", {0}, "1", JSON_CREATE_ARRAY, JSON_NOT_CONTAINER, ""},
	{"{\"a\":null}", {"a"}, "1", JSON_CREATE_ARRAY, JSON_NOT_CONTAINER, ""},
	{"{\"a\":\"x\"}", {"a", "b"}, "1", JSON_CREATE_ARRAY, JSON_NOT_CONTAINER, ""},
	{"{\"a\":[],\"a\":1}", {"a"}, "1", JSON_CREATE_ARRAY, JSON_NOT_CONTAINER, ""},
	{"[]", {"0"}, "1", JSON_CREATE_ARRAY, JSON_NO_ELEMENT, ""},
	{"[1]", {"x"}, "1", JSON_CREATE_ARRAY, JSON_NO_ELEMENT, ""},
	{"{}", {0}, "[1]", JSON_CREATE_ARRAY, JSON_ENTRIES_NOT_OBJECT, ""},
	{"{}", {"a"}, "1", JSON_CREATE_OBJECT, JSON_ENTRIES_NOT_OBJECT, ""},
	{"{\"a\":1}", {0}, "{\"b\":1,\"a\":1}", JSON_CREATE_ARRAY, JSON_KEY_EXISTS, "\"a\""},
	{"{\"a\\u0062\":1}",
	 {0},
	 "{\"\\u0061b\":1}",
	 JSON_CREATE_ARRAY,
	 JSON_KEY_EXISTS,
	 "\"\\u0061b\""},
	{"{\"o\":{\"a\":1,\"b\":2}}",
	 {"o"},
	 "{\"b\":3}",
	 JSON_CREATE_ARRAY,
	 JSON_KEY_EXISTS,
	 "\"b\""},
	{"{}",
	 {0},
	 "{\"a\":1,\"b\":2,\"\\u0061\":3}",
	 JSON_CREATE_ARRAY,
	 JSON_KEY_REPEATED,
	 "\"\\u0061\""},
	{"{}", {"x"}, "{\"a\":1,\"a\":1}", JSON_CREATE_OBJECT, JSON_KEY_REPEATED, "\"a\""},
	{"{\"b\":1}", {"a"}, "{\"b\":1}", JSON_CREATE_OBJECT, JSON_OK, "{\"b\":1,\"a\":{\"b\":1}}"},
	/* these two keys have the same hash */
	{"{\"8yn0iYCKYHlIj4-BwPqk\":1}",
	 {0},
	 "{\"GReLUrM4wMqfg9yzV3KQ\":2}",
	 JSON_CREATE_ARRAY,
	 JSON_OK,
	 "{\"8yn0iYCKYHlIj4-BwPqk\":1,\"GReLUrM4wMqfg9yzV3KQ\":2}"},
	{"{\"a\" 1}", {0}, "{\"b\":1}", JSON_CREATE_ARRAY, JSON_BROKEN, ""},
	{"{\"a\":1}", {0}, "{\"b\" 1}", JSON_CREATE_ARRAY, JSON_BROKEN, ""},
	{"[", {0}, "1", JSON_CREATE_ARRAY, JSON_BROKEN, ""},
	{"[]", {0}, "[", JSON_CREATE_ARRAY, JSON_BROKEN, ""},
};

static void
splice_test(void)
{
	for (size_t i = 0; i < LENGTH(splice_cases); i++)
	{
		JsonText document = text_of(splice_cases[i].document, strlen(splice_cases[i].document));
		JsonText entries = text_of(splice_cases[i].entries, strlen(splice_cases[i].entries));
		const char *result = splice_cases[i].result;
		JsonSlice path[MAX_PATH];
		JsonSplice plan;
		JsonStatus status;
		char *out;

		status = json_splice_plan(&document, path, path_take(splice_cases[i].path, path),
								  &entries, splice_cases[i].create, &plan);
		table_check(status == splice_cases[i].status, "splice, status", i, document.bytes);
		if (status != JSON_OK)
		{
			table_check(slice_is(plan.key, result), "splice, key", i, document.bytes);
			continue;
		}
		table_check(plan.size == strlen(result), "splice, size", i, document.bytes);
		out = malloc(plan.size);
		json_splice_copy(&plan, out, NULL, NULL);
		table_check(plan.size == strlen(result) && memcmp(out, result, plan.size) == 0,
					"splice, result", i, result);
		free(out);
	}
}

/* More keys than are looked up at once, with one that stands at every distance from its double.
 */
static char *
members_write(size_t first, size_t count)
{
	char *text = malloc(count * 24 + 3);
	size_t size = 0;

	text[size++] = '{';
	for (size_t i = first; i < first + count; i++)
		size += (size_t) sprintf(text + size, "%s\"k%zu\":%zu", i > first ? "," : "", i, i);
	text[size++] = '}';
	text[size] = '\0';
	return text;
}

static void
many_keys_case(size_t row, const char *document, const char *entries, JsonStatus expected,
			   const char *key)
{
	JsonText document_text = text_of(document, strlen(document));
	JsonText entries_text = text_of(entries, strlen(entries));
	JsonSplice plan;
	JsonStatus status =
		json_splice_plan(&document_text, NULL, 0, &entries_text, JSON_CREATE_ARRAY, &plan);

	table_check(status == expected, "many keys, status", row, key);
	table_check(slice_is(plan.key, key), "many keys, key", row, key);
}

static void
many_keys_test(void)
{
	static const size_t counts[] = {1, 511, 512, 513, 1024, 5000};

	for (size_t i = 0; i < LENGTH(counts); i++)
	{
		char *entries = members_write(0, counts[i]);
		char *document = members_write(counts[i], 3000);
		char *meeting = members_write(counts[i] - 1, 3000);
		char key[32];

		snprintf(key, sizeof(key), "\"k%zu\"", counts[i] - 1);
		many_keys_case(i, document, entries, JSON_OK, "");
		many_keys_case(i, meeting, entries, JSON_KEY_EXISTS, key);
		entries[strlen(entries) - 1] = ',';
		strcat(entries, "\"k0\":1}");
		many_keys_case(i, document, entries, JSON_KEY_REPEATED, "\"k0\"");
		free(entries);
		free(document);
		free(meeting);
	}
}

/* Claims */

static const struct
{
	const char *claims;
	JsonStatus status;
	const char *subject;
} claim_cases[] = {
	{"{\"sub\":\"user_1\"}", JSON_OK, "user_1"},
	{" {\"role\":\"x\",\"sub\" : \"u\\u0073er\" } ", JSON_OK, "user"},
	{"{\"s\\u0075b\":\"a\"}", JSON_OK, "a"},
	{"{\"sub\":\"a\",\"sub\":\"b\"}", JSON_OK, "b"},
	{"{\"sub\":\"\"}", JSON_OK, ""},
	{"{\"sub\":\"0123456789abcdef\"}", JSON_OK, "0123456789abcdef"},
	{"{\"sub\":\"0123456789abcdefg\"}", JSON_NO_ROOM, ""},
	{"{\"sub\":\"a\",\"sub\":1}", JSON_NOT_STRING, ""},
	{"{\"sub\":null}", JSON_NOT_STRING, ""},
	{"{\"sub\":{\"sub\":\"a\"}}", JSON_NOT_STRING, ""},
	{"{\"x\":{\"sub\":\"a\"}}", JSON_ABSENT, ""},
	{"{\"Sub\":\"a\",\"su\":\"b\",\"subs\":\"c\"}", JSON_ABSENT, ""},
	{"{}", JSON_ABSENT, ""},
	{"[\"sub\",\"a\"]", JSON_NOT_CONTAINER, ""},
	{"\"sub\"", JSON_NOT_CONTAINER, ""},
	{"{\"sub\":\"a\\u0000\"}", JSON_ZERO_CHARACTER, ""},
	{"{\"sub\":\"\\ud800\"}", JSON_LONE_SURROGATE, ""},
	{"{\"x\":\"\\u0000\",\"sub\":\"a\"}", JSON_OK, "a"},
	{"", JSON_TRUNCATED, ""},
	{"{\"sub\":\"a\"", JSON_TRUNCATED, ""},
	{"{\"sub\":\"a\"}}", JSON_TRAILING, ""},
	{"{\"sub\":\"a\",}", JSON_UNEXPECTED, ""},
	{"{sub:\"a\"}", JSON_UNEXPECTED, ""},
	{"eyJhbGciOiJ9", JSON_UNEXPECTED, ""},
};

static void
claim_test(void)
{
	char out[16];
	size_t size;

	for (size_t i = 0; i < LENGTH(claim_cases); i++)
	{
		const char *claims = claim_cases[i].claims;

		table_check(json_claim_read(claims, strlen(claims), "sub", out, sizeof(out), &size) ==
						claim_cases[i].status,
					"claim, status", i, claims);
		table_check(size == strlen(claim_cases[i].subject) &&
						memcmp(out, claim_cases[i].subject, size) == 0,
					"claim, subject", i, claims);
	}
}

static void
claim_depth_test(void)
{
	for (size_t levels = JSON_CLAIM_LEVELS - 2; levels < JSON_CLAIM_LEVELS + 2; levels++)
	{
		char claims[512] = "{\"x\":";
		size_t at = 5, size;
		char out[16];
		JsonStatus expected = levels < JSON_CLAIM_LEVELS ? JSON_OK : JSON_TOO_DEEP;

		memset(claims + at, '[', levels);
		memset(claims + at + levels, ']', levels);
		strcpy(claims + at + levels * 2, ",\"sub\":\"a\"}");
		table_check(json_claim_read(claims, strlen(claims), "sub", out, sizeof(out), &size) ==
						expected,
					"claim, depth", levels, claims);
	}
}

/* Pulses */

typedef struct PulseCount
{
	size_t pulses;
} PulseCount;

static void
pulse_count(void *arg)
{
	((PulseCount *) arg)->pulses++;
}

/* Not rarer than promised, so that nobody waits, nor more often, for a pulse costs. */
static void
pulses_check(const PulseCount *count, size_t read, const char *table, size_t row,
			 const char *what)
{
	table_check(count->pulses >= read / JSON_PULSE, table, row, what);
	table_check(count->pulses <= 2 * (read / JSON_PULSE), table, row, what);
}

static char *
pulse_document(size_t size, const char *head, const char *body, const char *tail)
{
	char *document = malloc(size);
	size_t at = strlen(head), step = strlen(body), end = size - strlen(tail);

	memset(document, ' ', size);
	memcpy(document, head, at);
	for (; at + step <= end; at += step)
		memcpy(document + at, body, step);
	memcpy(document + end, tail, size - end);
	return document;
}

/* A text of one long something: every way over it pulses once or twice every JSON_PULSE bytes.
 */
static void
pulse_case(size_t row, const char *head, const char *body, const char *tail, const char *what)
{
	size_t size = 8 * 1024 * 1024;
	char *document = pulse_document(size, head, body, tail);
	PulseCount count = {0};
	JsonText text;
	unsigned char *nest = malloc(size / 8 + 1);

	json_text_init(&text, document, size, pulse_count, &count);
	table_check(json_text_validate(&text, nest, size / 8 + 1, NULL) == JSON_OK, "pulse, valid",
				row, what);
	pulses_check(&count, size, "pulse, validate", row, what);
	json_text_init(&text, document, size, pulse_count, &count);
	count.pulses = 0;
	json_root(&text);
	pulses_check(&count, size, "pulse, root", row, what);
	free(nest);
	free(document);
}

/* A path without steps reads nothing but the white space in front, behind, and in front of the
 * closing bracket. */
static void
pulse_padding_case(size_t row, const char *head, const char *tail, const char *what)
{
	size_t size = 8 * 1024 * 1024;
	char *document = pulse_document(size, head, " ", tail);
	PulseCount count = {0};
	JsonText text;
	JsonFound found;

	json_text_init(&text, document, size, pulse_count, &count);
	json_path_find(&text, NULL, 0, &found);
	pulses_check(&count, size, "pulse, path", row, what);
	free(document);
}

/* A text that is shorter than the way between two pulses: its bytes are paid for once. */
static const char *const fuel_cases[] = {
	"1",
	" -12.5e3",
	" \t\r\n true",
	"\"\"",
	" \"abc\"",
	" \"a text that is longer than a step of sixteen bytes\"",
	"  \"\\\"\\u0041 and a text that is longer than a step of sixteen bytes\"",
	"[]",
	" {\"a\":[1,2,{}]}",
	"   [\"an array that is longer than a block of sixty-four bytes\", 1, 2, [3, {\"a\":4}]]",
	"[[\"an array that is nearly as long as a block of sixty-four bytes\"]]",
};

/* Entries of eight megabytes go into a document of as many. */
static void
splice_pulse_test(void)
{
	size_t size = 8 * 1024 * 1024;
	char *bytes = pulse_document(size, "[0", " ", "]");
	JsonText document = text_of(bytes, size), entries = document;
	PulseCount count = {0};
	JsonSplice plan;
	char *out;

	table_check(json_splice_plan(&document, NULL, 0, &entries, JSON_CREATE_ARRAY, &plan) ==
					JSON_OK,
				"pulse, splice", 0, "planned");
	out = malloc(plan.size);
	json_splice_copy(&plan, out, pulse_count, &count);
	table_check(count.pulses >= plan.size / (1024 * 1024), "pulse, splice", 0,
				"once a megabyte");
	free(out);
	free(bytes);
}

static void
fuel_test(void)
{
	for (size_t i = 0; i < LENGTH(fuel_cases); i++)
	{
		size_t size = strlen(fuel_cases[i]);
		JsonText text = text_of(fuel_cases[i], size);
		size_t full = text.fuel;

		json_root(&text);
		table_check(full - text.fuel == size, "fuel, root", i, fuel_cases[i]);
		text.fuel = full;
		json_text_validate(&text, NULL, 0, NULL);
		table_check(full - text.fuel == size, "fuel, validate", i, fuel_cases[i]);
	}
}

static void
pulse_test(void)
{
	pulse_case(0, "\"", "x", "\"", "a string");
	pulse_case(1, "\"", "\\u0041", "\"", "escapes");
	pulse_case(2, "[1", " ", "]", "white space in front of the end");
	pulse_case(3, "", " ", "1", "white space in front");
	pulse_case(4, "[0", ",0", "]", "small elements");
	pulse_case(5, "[0", ",[]", "]", "small arrays");
	pulse_case(6, "1", "0", "0", "a number");
	pulse_case(7, "[0", ",\"\"", "]", "small strings");
	pulse_case(8, "{\"a\":0", ",\"b\":{}", "}", "members");
	pulse_case(9, "[0", ",\"a string of a few words\"", "]", "strings");
	pulse_padding_case(0, "1", "", "white space behind");
	pulse_padding_case(1, "", "1", "white space in front");
	pulse_padding_case(2, "[1", "]", "white space in front of the end");
	pulse_padding_case(3, "[", "]", "white space alone in an array");
}

/*
 * A reader that could not be simpler: byte by byte, recursive. The cores must agree with it on
 * documents that are made at random and then damaged.
 */

typedef struct Naive
{
	const char *bytes;
	size_t size;
	size_t at;
	bool bad;
} Naive;

static void naive_value(Naive *naive);

static int
naive_peek(Naive *naive)
{
	return naive->at < naive->size ? (unsigned char) naive->bytes[naive->at] : -1;
}

static bool
naive_take(Naive *naive, int c)
{
	if (naive_peek(naive) != c)
		return false;
	naive->at++;
	return true;
}

static void
naive_expect(Naive *naive, int c)
{
	if (!naive_take(naive, c))
		naive->bad = true;
}

static void
naive_space(Naive *naive)
{
	while (naive_take(naive, ' ') || naive_take(naive, '\t') || naive_take(naive, '\n') ||
		   naive_take(naive, '\r'))
		continue;
}

static void
naive_string(Naive *naive)
{
	naive_expect(naive, '"');
	while (!naive->bad && !naive_take(naive, '"'))
	{
		int c = naive_peek(naive);

		naive->bad |= c < 0x20;
		naive->at++;
		if (c != '\\')
			continue;
		c = naive_peek(naive);
		naive->at++;
		naive->bad |= c <= 0 || !strchr("\"\\/bfnrtu", c);
		for (int i = 0; c == 'u' && i < 4; i++, naive->at++)
			naive->bad |=
				naive_peek(naive) <= 0 || !strchr("0123456789abcdefABCDEF", naive_peek(naive));
	}
}

static void
naive_digits(Naive *naive)
{
	size_t start = naive->at;

	while (naive_peek(naive) >= '0' && naive_peek(naive) <= '9')
		naive->at++;
	naive->bad |= naive->at == start;
}

static void
naive_number(Naive *naive)
{
	naive_take(naive, '-');
	if (!naive_take(naive, '0'))
		naive_digits(naive);
	if (naive_take(naive, '.'))
		naive_digits(naive);
	if (naive_take(naive, 'e') || naive_take(naive, 'E'))
	{
		if (!naive_take(naive, '+'))
			naive_take(naive, '-');
		naive_digits(naive);
	}
}

static void
naive_word(Naive *naive, const char *word)
{
	while (*word)
		naive_expect(naive, *word++);
}

static void
naive_container(Naive *naive, bool object)
{
	int close = object ? '}' : ']';

	naive->at++;
	naive_space(naive);
	if (naive_take(naive, close))
		return;
	do
	{
		naive_space(naive);
		if (object)
		{
			naive_string(naive);
			naive_space(naive);
			naive_expect(naive, ':');
			naive_space(naive);
		}
		naive_value(naive);
		naive_space(naive);
	} while (!naive->bad && naive_take(naive, ','));
	naive_expect(naive, close);
}

static void
naive_value(Naive *naive)
{
	switch (naive_peek(naive))
	{
		case '{':
			naive_container(naive, true);
			break;
		case '[':
			naive_container(naive, false);
			break;
		case '"':
			naive_string(naive);
			break;
		case 't':
			naive_word(naive, "true");
			break;
		case 'f':
			naive_word(naive, "false");
			break;
		case 'n':
			naive_word(naive, "null");
			break;
		default:
			naive_number(naive);
			break;
	}
}

static bool
naive_valid(const char *bytes, size_t size)
{
	Naive naive = {bytes, size, 0, false};

	naive_space(&naive);
	naive_value(&naive);
	naive_space(&naive);
	return !naive.bad && naive.at == size;
}

/* Generated documents */

typedef struct Maker
{
	char *out;
	size_t size;
	uint64_t state;
} Maker;

static void
make_bytes(Maker *maker, const char *bytes)
{
	size_t n = strlen(bytes);

	memcpy(maker->out + maker->size, bytes, n);
	maker->size += n;
}

static void
make_space(Maker *maker)
{
	static const char *const spaces[] = {"", "", "", " ", "\r\n", "\t", "  \n      "};

	make_bytes(maker, spaces[table_random(&maker->state) % LENGTH(spaces)]);
}

static void
make_string(Maker *maker)
{
	static const char *const pieces[] = {
		"a",
		"b",
		"key",
		"\\\"",
		"\\\\",
		"\\u0061",
		"\\ud83d\\ude00",
		"{",
		"]}",
		"[,:",
		"\xc3\xa9",
		"\\n",
		"plain text that is longer than one step of the scanner",
	};

	make_bytes(maker, "\"");
	for (unsigned n = table_random(&maker->state) % 5; n > 0; n--)
		make_bytes(maker, pieces[table_random(&maker->state) % LENGTH(pieces)]);
	make_bytes(maker, "\"");
}

static void
make_value(Maker *maker, unsigned depth)
{
	static const char *const scalars[] = {"0",     "-1.5e+10", "true",
										  "false", "null",     "12345678901234567890"};
	unsigned choice = table_random(&maker->state) % (depth > 0 ? 8 : 3);
	bool object = choice < 5;

	if (choice == 0)
		make_string(maker);
	else if (choice < 3)
		make_bytes(maker, scalars[table_random(&maker->state) % LENGTH(scalars)]);
	else
	{
		make_bytes(maker, object ? "{" : "[");
		make_space(maker);
		for (unsigned n = table_random(&maker->state) % 5; n > 0; n--)
		{
			if (object)
			{
				make_string(maker);
				make_space(maker);
				make_bytes(maker, ":");
				make_space(maker);
			}
			make_value(maker, depth - 1);
			make_space(maker);
			if (n > 1)
				make_bytes(maker, ",");
			make_space(maker);
		}
		make_bytes(maker, object ? "}" : "]");
	}
}

/* Every value in the document, by the cores, ends where the naive reader ends it. */
static bool
ends_agree(JsonText *text, JsonSpan span)
{
	Naive naive = {text->bytes, text->size, span.start, false};
	JsonKind kind = json_kind(text, span);
	JsonCursor cursor;
	JsonSpan key, value;

	naive_value(&naive);
	if (naive.bad || naive.at != span.end)
		return false;
	json_walk_begin(&cursor, text, span);
	if (kind == JSON_KIND_ARRAY)
	{
		while (json_element_next(&cursor, &value))
		{
			if (!ends_agree(text, value))
				return false;
		}
	}
	if (kind == JSON_KIND_OBJECT)
	{
		while (json_member_next(&cursor, &key, &value))
		{
			if (!ends_agree(text, key) || !ends_agree(text, value))
				return false;
		}
	}
	return !text->broken && (kind > JSON_KIND_ARRAY || cursor.next + 1 == span.end);
}

static void
generated_test(void)
{
	static char room[4 * 1024 * 1024];
	static const char damage[] = "\"\\{}[],:0 \x01x-.eut";
	Maker maker = {room, 0, 1};
	size_t valid = 0;

	for (size_t row = 0; row < 4000; row++)
	{
		JsonText text;
		char *copy;

		maker.size = 0;
		make_space(&maker);
		make_value(&maker, 1 + (unsigned) row % 5);
		make_space(&maker);
		text = text_of(maker.out, maker.size);
		table_check(naive_valid(maker.out, maker.size), "generated", row, "the naive reader");
		table_check(validate(maker.out, maker.size, NULL) == JSON_OK, "generated", row,
					"valid");
		table_check(ends_agree(&text, json_root(&text)), "generated", row, "every end");
		copy = exact_copy(maker.out, maker.size);
		for (int hurt = 0; hurt < 20; hurt++)
		{
			size_t at = table_random(&maker.state) % maker.size;
			char before = copy[at];
			bool expected;

			copy[at] = damage[table_random(&maker.state) % (sizeof(damage) - 1)];
			expected = naive_valid(copy, maker.size);
			valid += expected;
			table_check((validate(copy, maker.size, NULL) == JSON_OK) == expected, "generated",
						row, "damaged");
			copy[at] = before;
		}
		free(copy);
	}
	table_check(valid > 1000, "generated", valid, "some damaged documents are still valid");
}

/* Every beginning of a document: truncated, and at least noticed by the scanner. */
static void
truncated_test(void)
{
	static const char document[] =
		"{\"audio\\u005ffiles\" : [ "
		"{\"url\":\"https://example.org/a.mp3\",\"duration\":-12.5e+3},\r\n"
		"  null, true, [[],{}], \"\\ud83d\\ude00 and a text that is longer than a step\" ], "
		"\"n\": 0.5 }";
	size_t size = sizeof(document) - 1;
	size_t where;

	table_check(validate(document, size, &where) == JSON_OK, "truncated", size, "whole");
	for (size_t n = 0; n < size; n++)
	{
		char *copy = exact_copy(document, n);
		JsonText text = text_of(copy, n);
		JsonSlice path = slice_of("n");
		JsonFound found;

		table_check(validate(document, n, &where) == JSON_TRUNCATED, "truncated", n, "status");
		json_path_find(&text, &path, 1, &found);
		table_check(text.broken, "truncated", n, "broken");
		free(copy);
	}
}

int
main(void)
{
	valid_test();
	nesting_test();
	ends_test();
	path_test();
	walk_test();
	walk_nothing_test();
	broken_test();
	string_test();
	same_test();
	no_string_test();
	number_test();
	splice_test();
	many_keys_test();
	claim_test();
	claim_depth_test();
	pulse_test();
	fuel_test();
	splice_pulse_test();
	generated_test();
	truncated_test();
	for (JsonStatus status = JSON_OK; status <= JSON_BROKEN; status++)
		table_check(json_status_text(status) != NULL, "status text", status, "there is one");
	return table_end();
}
