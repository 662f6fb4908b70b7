/*
 * course_sources.c: what gives a user a course: the rows, and what each of them is worth.
 *
 * The sources stand in one table below: what is read for one course, what for all courses of a
 * user, and which bits a row gives. Whatever else an answer depends on (premium, settings) is
 * read when a row first needs it, and remembered in the question.
 *
 * What was sold or given holds as it is recorded, whatever the time, unless it has an end. So
 * the answer changes with time only at the end of premium and at the ends of grants, and both
 * are told (CourseQuestion).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "access/course_sources.h"
#include "billing/environment.h"
#include "core/rows.h"

/* Length of the longest course code. */
#define COURSE_CODE_SIZE 64

/* The bits that the current row gives; a judge leaves bits out that nobody asked for only
 * where looking for them would cost a read. */
typedef uint32 (*RowJudge)(CourseQuestion *question, Rows *rows);

typedef struct SourceTable
{
	RowsSource of_user;
	RowsSource of_course; /* those of the user's rows that are about one course */
	uint32 sources;       /* that a row may give */
	RowJudge judge;
} SourceTable;

/* Rows gathered into a set. */
typedef struct Gathering
{
	CourseRight *rights;
	int count;
	Size room;
	MemoryContext context;
} Gathering;

static uint32 grant_judge(CourseQuestion *question, Rows *rows);
static uint32 ending_judge(CourseQuestion *question, Rows *rows);
static uint32 purchase_judge(CourseQuestion *question, Rows *rows);
static uint32 course_judge(CourseQuestion *question, Rows *rows);
static uint32 any_judge(CourseQuestion *question, Rows *rows);

/* The first column of every source. The tables are optional: without them nothing is given. */
#define COURSE_ID 0

#define GRANTS                                                                                 \
	.table = "user_course_access", .index = "user_course_access_pkey", .ncolumns = 1,          \
	.columns = {{"course_id", UUIDOID}}, .optional = true

/* The columns of ENDING behind the course. */
enum
{
	ENDING_PURCHASE = COURSE_ID + 1,
	ENDING_EXPIRES_AT,
	ENDING_COLUMNS,
};

/* Grants with an end, which user_course_access does not hold. */
#define ENDING                                                                                 \
	.table = "course_grants", .ncolumns = ENDING_COLUMNS,                                      \
	.columns = {{"course_id", UUIDOID},                                                        \
				{"purchase_id", UUIDOID, true},                                                \
				{"expires_at", TIMESTAMPTZOID, true}},                                         \
	.optional = true

/* The columns of PURCHASES behind the course. */
enum
{
	PURCHASE_SOURCE = COURSE_ID + 1,
	PURCHASE_ENVIRONMENT,
	PURCHASE_STATUS,
	PURCHASE_COLUMNS,
};

/* Purchases of app stores, gifts of administrators, and premium slots: one table. */
#define PURCHASES                                                                              \
	.table = "course_purchases", .index = "course_purchases_user_id_course_id_idx",            \
	.ncolumns = PURCHASE_COLUMNS,                                                              \
	.columns = {{"course_id", UUIDOID},                                                        \
				{"source", TEXTOID},                                                           \
				{"environment", TEXTOID},                                                      \
				{"status", TEXTOID}},                                                          \
	.optional = true

/* The columns of COURSES behind the course. */
enum
{
	COURSE_IS_FREE = COURSE_ID + 1,
	COURSE_IN_PREMIUM,
	COURSE_MAY_END,
	COURSE_COLUMNS,
};

#define COURSES                                                                                \
	.table = "courses", .ncolumns = COURSE_COLUMNS,                                            \
	.columns = {{"id", UUIDOID},                                                               \
				{"is_free", BOOLOID},                                                          \
				{"in_premium", BOOLOID},                                                       \
				{"grants_may_end", BOOLOID}},                                                  \
	.optional = true

#define BY_USER   .nkeys = 1, .keys = {{"user_id", UUIDOID}}
#define BY_COURSE .nkeys = 2, .keys = {{"user_id", UUIDOID}, {"course_id", UUIDOID}}

/* What a user has of one's own. */
static SourceTable tables[] = {
	{
		.of_user = {GRANTS, BY_USER},
		.of_course = {GRANTS, BY_COURSE},
		.sources = COURSE_BY_GRANT,
		.judge = grant_judge,
	},
	{
		.of_user = {PURCHASES, BY_USER},
		.of_course = {PURCHASES, BY_COURSE},
		.sources = COURSE_BY_PURCHASE | COURSE_BY_SLOT,
		.judge = purchase_judge,
	},
};

/*
 * The same of grants with an end, which most courses and people do not have: the course's own
 * row says whether to look, so that other questions pay nothing.
 */
static SourceTable ending = {
	.of_user =
		{
			ENDING,
			.index = "course_grants_user_id_expires_at_idx",
			.nkeys = 2,
			.keys = {{"user_id", UUIDOID}, {"expires_at", TIMESTAMPTZOID}},
			.last_not_null = true,
		},
	.of_course =
		{
			ENDING,
			.index = "course_grants_user_id_course_id_purchase_id_key",
			BY_COURSE,
		},
	.sources = COURSE_BY_GRANT,
	.judge = ending_judge,
};
static RowsSource purchase_by_id = {
	.table = "purchases",
	.index = "purchases_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"refunded_at", TIMESTAMPTZOID, true}},
	.optional = true,
};

/* What the catalogue gives: course_by_id by the course, the others as sets. */
static RowsSource course_by_id = {
	COURSES,
	.index = "courses_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
};
static RowsSource course_by_code = {
	COURSES,
	.index = "courses_lower_idx",
	.nkeys = 1,
	.keys = {{"course_code", TEXTOID, .lower = true}},
};
static RowsSource courses_every = {COURSES, .index = "courses_pkey"};
static RowsSource courses_free = {
	COURSES,
	.index = "courses_is_free_idx",
	.nkeys = 1,
	.keys = {{"is_free", BOOLOID}},
};
static RowsSource courses_in_premium = {
	COURSES,
	.index = "courses_in_premium_idx",
	.nkeys = 1,
	.keys = {{"in_premium", BOOLOID}},
};

/* Why a valid purchase gives nothing; nearer to giving than every other reason. */
static const char *const purchase_in_sandbox = "sandbox";

static void rights_order(Gathering *gathering);
static int right_compare(const void *a, const void *b);
static uint32 rows_judge(RowsSource *source, const Datum *keys, CourseQuestion *question,
						 RowJudge judge, Gathering *gathering);
static void right_add(Gathering *gathering, const pg_uuid_t *course, uint32 sources);
static bool purchase_counts(Datum purchase);
static const char *purchase_reason(Rows *rows);
static bool sandbox_counts(CourseQuestion *question);
static bool text_is(Datum value, const char *plain);

/*
 * The user's own rows are read first: most questions are about courses that the user has, and
 * are answered by them. The course's row comes last; it also tells whether the course exists.
 */
uint32
course_sources_find(CourseQuestion *question, const pg_uuid_t *course, uint32 sources)
{
	Datum keys[] = {UUIDPGetDatum(question->user), UUIDPGetDatum(course)};
	uint32 given = 0;

	/* every course that exists is an administrator's, so the course's own row is enough */
	if (question->user != NULL &&
		(question->all || !question->admin || (sources & COURSE_BY_ADMIN) == 0))
		for (int i = 0; i < lengthof(tables); i++)
		{
			if ((sources & tables[i].sources) != 0)
				given |= sources & rows_judge(&tables[i].of_course, keys, question,
											  tables[i].judge, NULL);
			if (given != 0 && !question->all)
				return given;
		}
	given |= sources & rows_judge(&course_by_id, &keys[1], question, course_judge, NULL);
	if (question->may_end && (sources & ending.sources) != 0 && question->user != NULL &&
		(question->all || given == 0))
		given |= rows_judge(&ending.of_course, keys, question, ending.judge, NULL);
	return given;
}

/*
 * DT_NOBEGIN without a grant that ends. The course's own row says whether there ever was one,
 * and most questions end there.
 */
TimestampTz
course_sources_granted_until(const pg_uuid_t *user, const pg_uuid_t *course)
{
	Datum keys[] = {UUIDPGetDatum(user), UUIDPGetDatum(course)};
	CourseQuestion question = {.user = user,
							   .at = DT_NOEND,
							   .valid_from = DT_NOBEGIN,
							   .valid_until = DT_NOEND,
							   .granted_until = DT_NOBEGIN};

	rows_judge(&course_by_id, &keys[1], &question, course_judge, NULL);
	if (question.may_end)
		rows_judge(&ending.of_course, keys, &question, ending.judge, NULL);
	return question.granted_until;
}

/*
 * The same sources as sets. An administrator's set is the whole catalogue; for everybody else
 * the courses in premium are read only if premium gives them all.
 */
int
course_sources_gather(CourseQuestion *question, MemoryContext context, CourseRight **rights)
{
	Gathering gathering = {.context = context};
	Datum user = UUIDPGetDatum(question->user);
	Datum yes = BoolGetDatum(true);

	if (question->user != NULL)
		for (int i = 0; i < lengthof(tables); i++)
			rows_judge(&tables[i].of_user, &user, question, tables[i].judge, &gathering);
	if (question->user != NULL)
		rows_judge(&ending.of_user, &user, question, ending.judge, &gathering);
	if (question->admin)
		rows_judge(&courses_every, NULL, question, course_judge, &gathering);
	else
	{
		rows_judge(&courses_free, &yes, question, course_judge, &gathering);
		if (course_premium_is_every(question))
			rows_judge(&courses_in_premium, &yes, question, course_judge, &gathering);
	}
	rights_order(&gathering);
	*rights = gathering.rights;
	return gathering.count;
}

/*
 * An index has the codes in lower case, so what the caller wrote is brought into that form
 * and found by it. A longer text is no code.
 */
bool
course_by_code_find(const char *code, int size, pg_uuid_t *course)
{
	Gathering gathering = {.context = CurrentMemoryContext};
	char canonical[COURSE_CODE_SIZE];
	Datum key;

	while (size > 0 && code[0] == ' ')
	{
		code++;
		size--;
	}
	while (size > 0 && code[size - 1] == ' ')
		size--;
	if (size > COURSE_CODE_SIZE)
		return false;
	for (int i = 0; i < size; i++)
		canonical[i] = pg_ascii_tolower((unsigned char) code[i]);
	key = PointerGetDatum(cstring_to_text_with_len(canonical, size));
	rows_judge(&course_by_code, &key, NULL, any_judge, &gathering);
	if (gathering.count == 0)
		return false;
	*course = gathering.rights[0].course;
	return true;
}

/* The lines of subscriptions are read once a question. */
bool
course_premium_holds(CourseQuestion *question)
{
	if (question->user == NULL)
		return false;
	if (!question->premium_known)
	{
		premium_read(&question->premium, &entitlement_ask_slots, question->user, question->at);
		question->premium_known = true;
	}
	return question->premium.holds;
}

/* Where only premium is given, that is answered by what was read already. */
bool
course_premium_is_every(CourseQuestion *question)
{
	if (!course_premium_holds(question))
		return false;
	if (!question->every_known)
	{
		const Entitlements *known = entitlements_known(GetActiveSnapshot());

		question->every = question->premium;
		if (known->only_premium)
			question->every.holds =
				known->premium != NULL && known->premium->covers_every_course;
		else
			premium_read(&question->every, &entitlement_ask_every_course, question->user,
						 question->at);
		question->every_known = true;
	}
	return question->every.holds;
}

/*
 * Narrows the time for which an answer holds to that for which premium says the same. What
 * nobody asked about premium narrows nothing.
 */
void
course_premium_bound(const CourseQuestion *question, TimestampTz *from, TimestampTz *until)
{
	if (question->premium_known)
	{
		*from = Max(*from, question->premium.valid_from);
		*until = Min(*until, question->premium.valid_until);
	}
	if (question->every_known)
	{
		*from = Max(*from, question->every.valid_from);
		*until = Min(*until, question->every.valid_until);
	}
}

/* Orders the rights by course; of one course, the sources are joined into one right. */
static void
rights_order(Gathering *gathering)
{
	int last_kept = 0;

	if (gathering->count == 0)
		return;
	qsort(gathering->rights, gathering->count, sizeof(CourseRight), right_compare);
	for (int i = 1; i < gathering->count; i++)
	{
		CourseRight *last = &gathering->rights[last_kept];

		if (right_compare(last, &gathering->rights[i]) == 0)
			last->sources |= gathering->rights[i].sources;
		else
			gathering->rights[++last_kept] = gathering->rights[i];
	}
	gathering->count = last_kept + 1;
}

/*
 * By the bytes of the id, in any fixed order: rights_order() only has to bring equal ids
 * together.
 */
static int
right_compare(const void *a, const void *b)
{
	return memcmp(&((const CourseRight *) a)->course, &((const CourseRight *) b)->course,
				  UUID_LEN);
}

/* What all rows with these keys give together; gathering (NULL: none) takes each that gives
 * something. */
static uint32
rows_judge(RowsSource *source, const Datum *keys, CourseQuestion *question, RowJudge judge,
		   Gathering *gathering)
{
	uint32 all = 0;
	Rows rows;

	rows_open(&rows, source, GetActiveSnapshot());
	rows_find(&rows, keys);
	while (rows_next(&rows))
	{
		uint32 given = judge(question, &rows);

		if (given != 0 && gathering != NULL)
			right_add(gathering, DatumGetUUIDP(rows_value(&rows, COURSE_ID)), given);
		all |= given;
	}
	rows_close(&rows);
	return all;
}

/* The array grows in the context of the gathering, which may be the session's. */
static void
right_add(Gathering *gathering, const pg_uuid_t *course, uint32 sources)
{
	if (gathering->count == gathering->room)
	{
		gathering->room = Max(16, gathering->room * 2);
		gathering->rights =
			gathering->rights == NULL
				? MemoryContextAlloc(gathering->context, gathering->room * sizeof(CourseRight))
				: repalloc_huge(gathering->rights, gathering->room * sizeof(CourseRight));
	}
	gathering->rights[gathering->count++] = (CourseRight){*course, sources};
}

/* A row of user_course_access gives its course as it stands. */
static uint32
grant_judge(CourseQuestion *question, Rows *rows)
{
	question->granted_until = DT_NOEND;
	return COURSE_BY_GRANT;
}

/*
 * A grant gives its course before its end, and only while its purchase is not refunded. The end
 * bounds the answer on whichever side of it the time is.
 */
static uint32
ending_judge(CourseQuestion *question, Rows *rows)
{
	bool for_ever;
	bool direct;
	TimestampTz end =
		DatumGetTimestampTz(rows_value_or_null(rows, ENDING_EXPIRES_AT, &for_ever));
	Datum purchase = rows_value_or_null(rows, ENDING_PURCHASE, &direct);

	if (for_ever || (!direct && !purchase_counts(purchase)))
		return 0;
	question->granted_until = Max(question->granted_until, end);
	if (question->at < end)
		question->valid_until = Min(question->valid_until, end);
	else
		question->valid_from = Max(question->valid_from, end);
	return question->at < end ? COURSE_BY_GRANT : 0;
}

/* Whether the purchase was not refunded in full. */
static bool
purchase_counts(Datum purchase)
{
	bool open = false;
	Rows rows;

	rows_open(&rows, &purchase_by_id, GetActiveSnapshot());
	rows_find(&rows, &purchase);
	if (rows_next(&rows))
		rows_value_or_null(&rows, 0, &open);
	rows_close(&rows);
	return open;
}

/*
 * A purchase gives its course while it is valid, and not a sandbox's that does not count; a
 * slot does so only under premium. What else was found is noted in the question, for
 * explain_course_access().
 */
static uint32
purchase_judge(CourseQuestion *question, Rows *rows)
{
	bool slot = text_is(rows_value(rows, PURCHASE_SOURCE), "premium_slot");
	const char *reason = NULL;

	if (!text_is(rows_value(rows, PURCHASE_STATUS), "valid"))
		reason = purchase_reason(rows);
	else if (text_is(rows_value(rows, PURCHASE_ENVIRONMENT), "sandbox") &&
			 !sandbox_counts(question))
		reason = purchase_in_sandbox;
	if (reason != NULL)
	{
		if (!slot && question->purchase != purchase_in_sandbox)
			question->purchase = reason;
		return 0;
	}
	if (!slot)
		return COURSE_BY_PURCHASE;
	question->slot = true;
	return course_premium_holds(question) ? COURSE_BY_SLOT : 0;
}

/* Why a purchase that is not valid gives nothing. */
static const char *
purchase_reason(Rows *rows)
{
	Datum status = rows_value(rows, PURCHASE_STATUS);

	if (text_is(status, "pending"))
		return "pending";
	return text_is(status, "refunded") ? "refunded" : "invalid";
}

/* Whether the course is in premium is looked at only if nothing else gives the course, or all
 * sources are wanted: it may cost the reads of premium and of a setting. */
static uint32
course_judge(CourseQuestion *question, Rows *rows)
{
	uint32 given = question->admin ? COURSE_BY_ADMIN : 0;

	question->may_end = DatumGetBool(rows_value(rows, COURSE_MAY_END));
	if (DatumGetBool(rows_value(rows, COURSE_IS_FREE)))
		given |= COURSE_BY_FREE;
	if ((given == 0 || question->all) && DatumGetBool(rows_value(rows, COURSE_IN_PREMIUM)) &&
		course_premium_is_every(question))
		given |= COURSE_BY_PREMIUM;
	return given;
}

/* For reading courses without asking what they are worth. */
static uint32
any_judge(CourseQuestion *question, Rows *rows)
{
	return COURSE_BY_ANY;
}

/* Read once a question: the setting may have to be asked of a statement. */
static bool
sandbox_counts(CourseQuestion *question)
{
	if (!question->sandbox_known)
	{
		question->sandbox_counts = environment_sandbox_counts(question->user);
		question->sandbox_known = true;
	}
	return question->sandbox_counts;
}

/* Compares without making a C string of the value. */
static bool
text_is(Datum value, const char *plain)
{
	text *word = DatumGetTextPP(value);
	Size size = strlen(plain);

	return VARSIZE_ANY_EXHDR(word) == size && memcmp(VARDATA_ANY(word), plain, size) == 0;
}
