/*
 * fields_test.c: what the readers of notifications share: members read as their kind, each
 * refused with its reason beyond its bounds; names of accounts and environments; amounts in
 * minor units.
 *
 * JSON stands here with ' for ", so that it can be read.
 */
#include <stdlib.h>

#include "core/currency.h"
#include "notifications/fields.h"
#include "notifications/notice.h"
#include "table.h"

#define FOR_EVER FIELD_FOR_EVER
#define IN_2008  INT64_C(252460800000000)  /* 2008-01-01, microseconds since 2000 */
#define IN_2100  INT64_C(3155760000000000) /* 2100-01-01 */
#define IN_2026  INT64_C(820540800000000)  /* 2026-01-01 */

/* What a reader began its place with: it stays where a member is absent. */
#define BEGUN      (-77)
#define BEGUN_TEXT "begun"

/* Kinds with numbers: a member's value, and the number or the fault. */
static const struct
{
	FieldKind kind;
	bool is_end;
	const char *value;
	int64_t number;
	const char *fault;
} numbers[] = {
	{FIELD_INTEGER, false, "0", 0, NULL},
	{FIELD_INTEGER, false, "-1", -1, NULL},
	{FIELD_INTEGER, false, "1290", 1290, NULL},
	{FIELD_INTEGER, false, "'35'", 35, NULL},
	{FIELD_INTEGER, false, "'-35'", -35, NULL},
	{FIELD_INTEGER, false, "null", BEGUN, NULL},
	{FIELD_INTEGER, false, "999999999999999999", INT64_C(999999999999999999), NULL},
	{FIELD_INTEGER, false, "-999999999999999999", INT64_C(-999999999999999999), NULL},
	{FIELD_INTEGER, false, "1000000000000000000", 0, "is no whole number"},
	{FIELD_INTEGER, false, "-1000000000000000000", 0, "is no whole number"},
	{FIELD_INTEGER, false, "'99999999999999999999999999'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "1.0", 0, "is no whole number"},
	{FIELD_INTEGER, false, "1e3", 0, "is no whole number"},
	{FIELD_INTEGER, false, "''", 0, "is no whole number"},
	{FIELD_INTEGER, false, "'-'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "'--1'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "' 1'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "'1/'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "'1:'", 0, "is no whole number"},
	{FIELD_INTEGER, false, "true", 0, "is no whole number"},
	{FIELD_INTEGER, false, "[1]", 0, "is no whole number"},
	{FIELD_FLAG, false, "true", 1, NULL},
	{FIELD_FLAG, false, "false", 0, NULL},
	{FIELD_FLAG, false, "1", 1, NULL},
	{FIELD_FLAG, false, "0", 0, NULL},
	{FIELD_FLAG, false, "'true'", 1, NULL},
	{FIELD_FLAG, false, "'FALSE'", 0, NULL},
	{FIELD_FLAG, false, "'True'", 1, NULL},
	{FIELD_FLAG, false, "'1'", 1, NULL},
	{FIELD_FLAG, false, "'0'", 0, NULL},
	{FIELD_FLAG, false, "null", BEGUN, NULL},
	{FIELD_FLAG, false, "2", 0, "is neither true nor false"},
	{FIELD_FLAG, false, "'tru'", 0, "is neither true nor false"},
	{FIELD_FLAG, false, "'truer'", 0, "is neither true nor false"},
	{FIELD_FLAG, false, "'yes'", 0, "is neither true nor false"},
	{FIELD_FLAG, false, "''", 0, "is neither true nor false"},
	{FIELD_FLAG, false, "{}", 0, "is neither true nor false"},
	{FIELD_MILLISECONDS, false, "1767225600000", IN_2026, NULL},
	{FIELD_MILLISECONDS, false, "'1767225600001'", IN_2026 + 1000, NULL},
	{FIELD_MILLISECONDS, false, "1199145600000", IN_2008, NULL},
	{FIELD_MILLISECONDS, false, "4102444800000", IN_2100, NULL},
	{FIELD_MILLISECONDS, false, "1199145599999", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, false, "4102444800001", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, false, "1767225600", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, false, "999999999999999999", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, false, "-999999999999999999", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, false, "'2026-01-01T00:00:00Z'", 0,
	 "is no number of milliseconds since 1970"},
	{FIELD_MILLISECONDS, true, "1767225600000", IN_2026, NULL},
	{FIELD_MILLISECONDS, true, "4102444800000", IN_2100, NULL},
	{FIELD_MILLISECONDS, true, "4102444800001", FOR_EVER, NULL},
	{FIELD_MILLISECONDS, true, "999999999999999999", FOR_EVER, NULL},
	{FIELD_MILLISECONDS, true, "1199145600000", IN_2008, NULL},
	{FIELD_MILLISECONDS, true, "1199145599999", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_MILLISECONDS, true, "-999999999999999999", 0,
	 "is not between 2008 and 2100 in milliseconds since 1970"},
	{FIELD_SECONDS, false, "1767225600", IN_2026, NULL},
	{FIELD_SECONDS, false, "1199145600", IN_2008, NULL},
	{FIELD_SECONDS, false, "4102444800", IN_2100, NULL},
	{FIELD_SECONDS, false, "1199145599", 0,
	 "is not between 2008 and 2100 in seconds since 1970"},
	{FIELD_SECONDS, false, "4102444801", 0,
	 "is not between 2008 and 2100 in seconds since 1970"},
	{FIELD_SECONDS, false, "1767225600000", 0,
	 "is not between 2008 and 2100 in seconds since 1970"},
	{FIELD_SECONDS, false, "999999999999999999", 0,
	 "is not between 2008 and 2100 in seconds since 1970"},
	{FIELD_SECONDS, false, "1767225600.5", 0, "is no number of seconds since 1970"},
	{FIELD_SECONDS, true, "4102444801", FOR_EVER, NULL},
	{FIELD_INSTANT, false, "'2026-01-01T00:00:00Z'", IN_2026, NULL},
	{FIELD_INSTANT, false, "'2026-01-01T01:00:00.000001+01:00'", IN_2026 + 1, NULL},
	{FIELD_INSTANT, false, "'2008-01-01T00:00:00Z'", IN_2008, NULL},
	{FIELD_INSTANT, false, "'2100-01-01T00:00:00Z'", IN_2100, NULL},
	{FIELD_INSTANT, false, "'2007-12-31T23:59:59.999999Z'", 0, "is not between 2008 and 2100"},
	{FIELD_INSTANT, false, "'2100-01-01T00:00:00.000001Z'", 0, "is not between 2008 and 2100"},
	{FIELD_INSTANT, true, "'2100-01-01T00:00:00.000001Z'", FOR_EVER, NULL},
	{FIELD_INSTANT, true, "'2007-12-31T23:59:59Z'", 0, "is not between 2008 and 2100"},
	{FIELD_INSTANT, false, "'2026-01-01T00:00:00'", 0, "is no time of ISO 8601 with a zone"},
	{FIELD_INSTANT, false, "1767225600000", 0, "is no time of ISO 8601 with a zone"},
	{FIELD_INSTANT, false, "''", 0, "is no time of ISO 8601 with a zone"},
};

/* Kinds with texts: the bytes that the place gets, with ' for ". */
static const struct
{
	FieldKind kind;
	const char *value;
	const char *text;
	const char *fault;
} texts[] = {
	{FIELD_TEXT, "'a'", "'a'", NULL},
	{FIELD_TEXT, "'with \\u0022'", "'with \\u0022'", NULL},
	{FIELD_TEXT, "''", BEGUN_TEXT, NULL},
	{FIELD_TEXT, "null", BEGUN_TEXT, NULL},
	{FIELD_TEXT, "5", NULL, "is no string"},
	{FIELD_TEXT, "['a']", NULL, "is no string"},
	{FIELD_NAME, "'a'", "'a'", NULL},
	{FIELD_NAME, "''", BEGUN_TEXT, NULL},
	{FIELD_NAME, "20001", "20001", NULL},
	{FIELD_NAME, "1.5", NULL, "is neither a string nor a whole number"},
	{FIELD_NAME, "1000000000000000000", NULL, "is neither a string nor a whole number"},
	{FIELD_NAME, "true", NULL, "is neither a string nor a whole number"},
	{FIELD_EXPANDABLE, "'in_1'", "'in_1'", NULL},
	{FIELD_EXPANDABLE, "{'object':'invoice','id':'in_1'}", "'in_1'", NULL},
	{FIELD_EXPANDABLE, "{'id':''}", BEGUN_TEXT, NULL},
	{FIELD_EXPANDABLE, "{'id':1}", NULL, "is no string"},
	{FIELD_EXPANDABLE, "{'name':'in_1'}", NULL, "has no id"},
	{FIELD_EXPANDABLE, "7", NULL, "is no string"},
	{FIELD_OBJECT, "{'a':1}", "{'a':1}", NULL},
	{FIELD_OBJECT, "[]", NULL, "is no object"},
	{FIELD_OBJECT, "'{}'", NULL, "is no object"},
	{FIELD_ARRAY, "[1]", "[1]", NULL},
	{FIELD_ARRAY, "{}", NULL, "is no array"},
	{FIELD_ARRAY, "1", NULL, "is no array"},
};

static const struct
{
	const char *word;
	int environment; /* -1: none */
} environments[] = {
	{"'Production'", NOTICE_PRODUCTION},
	{"'PRODUCTION'", NOTICE_PRODUCTION},
	{"'prod'", NOTICE_PRODUCTION},
	{"'Sandbox'", NOTICE_SANDBOX},
	{"'SANDBOX'", NOTICE_SANDBOX},
	{"'test'", NOTICE_SANDBOX},
	{"'Xcode'", NOTICE_SANDBOX},
	{"'LocalTesting'", NOTICE_SANDBOX},
	{"sandbox", NOTICE_SANDBOX},
	{"'productio'", -1},
	{"'productions'", -1},
	{"'[andbox'", -1},
	{"'productionproduction'", -1},
	{"'sandboxsandboxs'", -1},
	{"'sandboxsandboxsa'", -1},
	{"''", -1},
	{"", -1},
	{"5", -1},
};

static const struct
{
	const char *a;
	const char *b;
	bool same;
} names[] = {
	{"'1'", "'1'", true}, {"'1'", "1", true},    {"1", "'1'", true},     {"12", "12", true},
	{"12", "13", false},  {"'1'", "'2'", false}, {"'1'", "'11'", false}, {"11", "'1'", false},
	{"", "", true},       {"''", "", true},      {"'a'", "", false},
};

/* Amounts: code, scale, what is told and what it is in minor units. */
static const struct
{
	const char *code;
	int64_t scale;
	int64_t amount;
	bool sound;
	int64_t minor;
} amounts[] = {
	{"USD", 1000, 4990, true, 499},
	{"USD", 1000000, 4990000, true, 499},
	{"EUR", 1, 5, true, 500},
	{"JPY", 1000, 500000, true, 500},
	{"KRW", 1000000, 9900000000, true, 9900},
	{"VND", 1000, 25000000, true, 25000},
	{"KWD", 1000, 1234, true, 1234},
	{"TND", 1000000, 1234000, true, 1234},
	{"CLF", 1000, 1, true, 10},
	{"XXX", 1000, 10, true, 1},
	/* half away from zero */
	{"USD", 1000, 4, true, 0},
	{"USD", 1000, 5, true, 1},
	{"USD", 1000, -4, true, 0},
	{"USD", 1000, -5, true, -1},
	{"USD", 1000, -14, true, -1},
	{"USD", 1000, -15, true, -2},
	{"JPY", 1000, 499, true, 0},
	{"JPY", 1000, 500, true, 1},
	/* what does not fit */
	{"JPY", 1, INT64_MAX, true, INT64_MAX},
	{"JPY", 1, -INT64_MAX, true, -INT64_MAX},
	{"JPY", 1, INT64_MIN, false, 0},
	{"JPY", 1000, INT64_MAX - 500, true, INT64_MAX / 1000},
	{"JPY", 1000, INT64_MAX - 499, false, 0},
	{"JPY", 1000, -(INT64_MAX - 500), true, -(INT64_MAX / 1000)},
	{"JPY", 1000, -(INT64_MAX - 499), false, 0},
	{"USD", 1, INT64_MAX / 100, true, INT64_MAX / 100 * 100},
	{"USD", 1, INT64_MAX / 100 + 1, false, 0},
	{"USD", 1, -(INT64_MAX / 100) - 1, false, 0},
};

/* A member's object with " for ', in memory that ends where it ends. */
static char *
quoted(const char *text, size_t *size)
{
	char *copy;

	*size = strlen(text);
	copy = malloc(*size > 0 ? *size : 1);
	for (size_t i = 0; i < *size; i++)
		copy[i] = (char) (text[i] == '\'' ? '"' : text[i]);
	return copy;
}

static JsonSlice
slice_of(char **copy, const char *text)
{
	JsonSlice slice;

	*copy = quoted(text, &slice.size);
	slice.bytes = *copy;
	return slice;
}

static bool
slice_is(JsonSlice slice, const char *text)
{
	size_t size;
	char *copy = quoted(text, &size);
	bool is = slice.size == size && memcmp(slice.bytes, copy, size) == 0;

	free(copy);
	return is;
}

/* Reads {"m": value} by a table of one field. */
static bool
member_read(JsonText *text, char **copy, const char *value, Field field, void *into,
			FieldFault *fault)
{
	char object[256];
	JsonSlice slice;

	snprintf(object, sizeof(object), "{'other':1,'m':%s}", value);
	slice = slice_of(copy, object);
	json_text_init(text, slice.bytes, slice.size, NULL, NULL);
	return fields_read(text, json_root(text), &field, 1, into, fault);
}

static void
fault_check(bool read, const FieldFault *fault, const char *expected, const char *table,
			size_t row)
{
	if (expected == NULL)
		table_check(read && fault->member == NULL, table, row, "is read");
	else
		table_check(!read && strcmp(fault->member, "m") == 0 &&
						strcmp(fault->fault, expected) == 0,
					table, row, expected);
}

static void
check_numbers(void)
{
	for (size_t i = 0; i < LENGTH(numbers); i++)
	{
		Field field = {"m", numbers[i].kind, 0, numbers[i].is_end};
		FieldFault fault = {NULL, NULL};
		int64_t number = BEGUN;
		int flag = BEGUN;
		bool is_flag = numbers[i].kind == FIELD_FLAG;
		JsonText text;
		char *copy;
		bool read = member_read(&text, &copy, numbers[i].value, field,
								is_flag ? (void *) &flag : (void *) &number, &fault);

		fault_check(read, &fault, numbers[i].fault, "numbers", i);
		table_check(!read || (is_flag ? flag : number) == numbers[i].number, "numbers", i,
					numbers[i].value);
		free(copy);
	}
}

static void
check_texts(void)
{
	for (size_t i = 0; i < LENGTH(texts); i++)
	{
		Field field = {"m", texts[i].kind, 0, false};
		FieldFault fault = {NULL, NULL};
		JsonSlice slice = {BEGUN_TEXT, strlen(BEGUN_TEXT)};
		JsonSpan span = {0, 0};
		bool is_span = texts[i].kind == FIELD_OBJECT || texts[i].kind == FIELD_ARRAY;
		JsonText text;
		char *copy;
		bool read = member_read(&text, &copy, texts[i].value, field,
								is_span ? (void *) &span : (void *) &slice, &fault);

		fault_check(read, &fault, texts[i].fault, "texts", i);
		if (is_span)
			slice = json_text_slice(&text, span);
		table_check(!read || slice_is(slice, texts[i].text), "texts", i, texts[i].value);
		free(copy);
	}
}

/* Two members that fill one place: the later field of the table wins, whatever the object's
 * order; the first field that is wrong is the one that is told. */
static void
check_order(void)
{
	static const Field fields[] = {
		{"old", FIELD_INTEGER, 0, false},
		{"new", FIELD_INTEGER, 0, false},
	};
	static const struct
	{
		const char *object;
		int64_t number;
		const char *member;
	} orders[] = {
		{"{'old':1,'new':2}", 2, NULL},
		{"{'new':2,'old':1}", 2, NULL},
		{"{'old':1}", 1, NULL},
		{"{'old':1,'new':null}", 1, NULL},
		{"{}", BEGUN, NULL},
		{"{'new':'x','old':1}", 0, "new"},
		{"{'new':'x','old':'y'}", 0, "old"},
	};

	for (size_t i = 0; i < LENGTH(orders); i++)
	{
		FieldFault fault = {NULL, NULL};
		int64_t number = BEGUN;
		JsonText text;
		char *copy;
		JsonSlice slice = slice_of(&copy, orders[i].object);
		bool read;

		json_text_init(&text, slice.bytes, slice.size, NULL, NULL);
		read = fields_read(&text, json_root(&text), FIELDS(fields), &number, &fault);
		table_check(read == (orders[i].member == NULL), "order", i, orders[i].object);
		table_check(!read || number == orders[i].number, "order", i, "its number");
		table_check(read || strcmp(fault.member, orders[i].member) == 0, "order", i,
					"the member");
		free(copy);
	}
}

static void
check_names(void)
{
	char *a, *b;

	for (size_t i = 0; i < LENGTH(environments); i++)
	{
		NoticeEnvironment environment = NOTICE_PRODUCTION;
		JsonSlice word = slice_of(&a, environments[i].word);
		bool parsed = notice_environment_parse(word, &environment);

		table_check(parsed == (environments[i].environment >= 0), "environments", i,
					environments[i].word);
		table_check(!parsed || (int) environment == environments[i].environment, "environments",
					i, "which");
		free(a);
	}
	for (size_t i = 0; i < LENGTH(names); i++)
	{
		JsonSlice x = slice_of(&a, names[i].a);
		JsonSlice y = slice_of(&b, names[i].b);

		table_check(notice_name_same(x, y) == names[i].same, "names", i, names[i].a);
		free(a);
		free(b);
	}
}

/* A word longer than all that are known is none, and its bytes go nowhere. */
static void
check_long_word(void)
{
	NoticeEnvironment environment;
	char word[20000];

	memset(word, 'x', sizeof(word));
	table_check(!notice_environment_parse((JsonSlice){word, sizeof(word)}, &environment),
				"long word", 0, "none");
}

/* Sixteen names, each once; a seventeenth is left out, and so is an empty one. */
static void
check_accounts(void)
{
	StoreNotice notice;
	char room[NOTICE_ACCOUNTS + 1][16];

	notice_begin(&notice);
	notice_account_add(&notice, (JsonSlice){NULL, 0});
	table_check(notice.naccounts == 0, "accounts", 0, "no empty name");
	for (int i = 0; i <= NOTICE_ACCOUNTS; i++)
	{
		snprintf(room[i], sizeof(room[i]), "\"a%d\"", i);
		for (int again = 0; again < 2; again++)
			notice_account_add(&notice, notice_word(room[i]));
		table_check(notice.naccounts == (i < NOTICE_ACCOUNTS ? i + 1 : NOTICE_ACCOUNTS),
					"accounts", (size_t) i, "once each");
	}
	table_check(notice_name_same(notice.accounts[0], notice_word("a0")) &&
					notice_name_same(notice.accounts[NOTICE_ACCOUNTS - 1], notice_word("a15")),
				"accounts", 0, "in their order");
}

static void
check_amounts(void)
{
	for (size_t i = 0; i < LENGTH(amounts); i++)
	{
		int64_t minor = 0;
		bool sound =
			currency_minor_units(amounts[i].amount, amounts[i].scale, amounts[i].code, &minor);

		table_check(sound == amounts[i].sound, "amounts", i, "fits");
		table_check(!sound || minor == amounts[i].minor, "amounts", i, amounts[i].code);
	}
}

int
main(void)
{
	check_numbers();
	check_texts();
	check_order();
	check_names();
	check_long_word();
	check_accounts();
	check_amounts();
	return table_end();
}
