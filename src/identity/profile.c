/*
 * profile.c: what the database itself writes into a profile: the email address in lower case
 * and the person's referral code.
 *
 * Invariants: every profile has a referral code, U and six of A-Z and 2-9, and no two profiles
 * share one. In a cell beside home the number of the cell stands after the U, in one of these
 * letters, or in two from the 35th cell on: no other cell draws such a code, and a router reads
 * from it where its owner was made. Codes are random, so that nobody can guess the code of
 * another person from the own. A candidate that a committed or an open transaction has written
 * is replaced by the next one; if two transactions draw the same code at the same moment, the
 * unique key refuses the second.
 *
 * No lock is taken. Rights: the trigger runs as the user who writes, and looks for taken codes
 * past row security, which would hide those of other people.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "cells/cell.h"
#include "core/row_trigger.h"
#include "core/rows.h"

/* 34 to the power of 6 codes in each cell: 1.5 thousand million. */
#define CODE_RANDOM 6

/* U and the cell's number as well, for which two letters are enough. */
#define CODE_LENGTH_MOST (1 + 2 + CODE_RANDOM)

static const char code_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789";

/* Only whether there is a row: no column is read. */
static RowsSource profile_by_code = {
	.table = "user_profile",
	.index = "user_profile_referral_code_key",
	.nkeys = 1,
	.keys = {{"referral_code", TEXTOID}},
};

static Datum lower_case(Datum address);
static Datum code_free(void);
static text *code_draw(void);
static int code_begin(char *code);
static bool code_taken(Datum code);

PG_FUNCTION_INFO_V1(coursebase_tg_user_profile__normalise);
PG_FUNCTION_INFO_V1(coursebase_draw_referral_code);

/*
 * SQL function: tg_user_profile__normalise() returns trigger
 *
 * Writes the address in lower case, and a new code if the row has none.
 */
PGDLLEXPORT Datum
coursebase_tg_user_profile__normalise(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_user_profile__normalise", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	bool no_email;
	bool no_code;
	Datum email = trigger_value_or_null(data, row, "email", TEXTOID, &no_email);

	(void) trigger_value_or_null(data, row, "referral_code", TEXTOID, &no_code);
	if (!no_email)
		row = trigger_set_as(data, row, "email", TEXTOID, lower_case(email), false);
	if (no_code)
		row = trigger_set_as(data, row, "referral_code", TEXTOID, code_free(), false);
	return PointerGetDatum(row);
}

/* In a Turkish database too, where the small form of I has no dot and the address would be
 * another one. */
static Datum
lower_case(Datum address)
{
	Datum without_capital = DirectFunctionCall3(translate, address, CStringGetTextDatum("I"),
												CStringGetTextDatum("i"));

	return DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID, without_capital);
}

/* A new code that nobody has, as text. Random codes rarely meet, so the loop ends soon. */
static Datum
code_free(void)
{
	Datum code;

	do
	{
		CHECK_FOR_INTERRUPTS();
		code = PointerGetDatum(code_draw());
	} while (code_taken(code));
	return code;
}

/* Bytes past the last multiple of 34 are drawn again, because a plain remainder would make the
 * first letters more likely. */
static text *
code_draw(void)
{
	const int letters = sizeof(code_letters) - 1;
	char code[CODE_LENGTH_MOST];
	unsigned char bytes[2 * CODE_RANDOM];
	int next = sizeof(bytes);
	int length = code_begin(code);
	int whole = length + CODE_RANDOM;

	while (length < whole)
	{
		/* many at a time: each drawing asks the kernel or the library */
		if (next == sizeof(bytes))
		{
			if (!pg_strong_random(bytes, sizeof(bytes)))
				ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
								errmsg("could not generate a random referral code")));
			next = 0;
		}
		if (bytes[next] < 256 / letters * letters)
			code[length++] = code_letters[bytes[next] % letters];
		next++;
	}
	return cstring_to_text_with_len(code, length);
}

/* U and the number of a cell beside home; answers the length. Home writes none, for it was the
 * only server before. */
static int
code_begin(char *code)
{
	const int letters = sizeof(code_letters) - 1;
	int length = 0;
	Cell here;

	code[length++] = 'U';
	if (!cell_here(&here) || here.number == here.home)
		return length;
	if (here.number >= letters)
		code[length++] = code_letters[here.number / letters];
	code[length++] = code_letters[here.number % letters];
	return length;
}

/*
 * SQL function: draw_referral_code() returns text
 *
 * Nobody is asked whether somebody has the code: adopt() draws for everybody at once and keeps
 * those that are free.
 */
PGDLLEXPORT Datum
coursebase_draw_referral_code(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(code_draw());
}

/*
 * Whether a profile has the code. Uses a dirty snapshot, so that a code which another open
 * transaction just inserted counts as taken: an INSERT of the same code would wait for that
 * transaction and then fail.
 */
static bool
code_taken(Datum code)
{
	SnapshotData dirty;
	Rows rows;
	bool taken;

	InitDirtySnapshot(dirty);
	rows_open(&rows, &profile_by_code, &dirty);
	rows_find(&rows, &code);
	taken = rows_next(&rows);
	rows_close(&rows);
	return taken;
}
