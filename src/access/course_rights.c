/*
 * course_rights.c: which courses may a user use?
 *
 * The sources stand in one table below: what is read for one course, what for all of a user's,
 * and which bits a row gives. The first question of a statement is answered from the few rows
 * it is about; the second loads the user's whole set, in which all further ones are looked up.
 * A set is kept for as long as it must be the same: the same user, an equal snapshot, the same
 * tables, and no moment passed at which time alone changes it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "access/course_rights.h"
#include "core/compat.h"
#include "core/fetch.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/setting.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"

#define READ_MAX_COLUMNS 4

/* A letter, two digits, three letters. */
#define COURSE_CODE_SIZE 6

/* Whose rights, when, and what was already found out for that. */
typedef struct Question
{
	const Asking *asking;  /* NULL: it is not the one who asks */
	const pg_uuid_t *user; /* NULL: nobody, once the question is complete */
	bool admin;
	TimestampTz at;
	bool all; /* every source is wanted, not the first that gives something */
	bool premium_known;
	Premium premium;
	bool slots_known;
	bool unlimited;
	bool sandbox_known;
	bool sandbox_counts;
	const char *purchase; /* as in CourseFindings */
	bool slot;
} Question;

/* Rows to read: straight from the index, or by a statement with the same columns. The first is
 * the course. */
typedef struct RightsRead
{
	FetchSource fetch;
	KeptPlan query;
} RightsRead;

/* The bits that a row gives, of those that are asked for. */
typedef uint32 (*RowJudge)(Question *question, const Datum *values);

typedef struct RightsTable
{
	RightsRead of_user;
	RightsRead of_course; /* among them, those of one course */
	uint32 sources;       /* that it may give */
	RowJudge judge;
} RightsTable;

static uint32 grant_judge(Question *question, const Datum *values);
static uint32 purchase_judge(Question *question, const Datum *values);
static uint32 course_judge(Question *question, const Datum *values);

#define GRANT_COLUMNS .ncolumns = 1, .columns = {{"course_id", UUIDOID}}
#define GRANT_QUERY                                                                            \
	"SELECT a.course_id FROM coursebase.user_course_access a"                                  \
	" WHERE a.user_id OPERATOR(pg_catalog.=) $1"

enum
{
	PURCHASE_COURSE,
	PURCHASE_SOURCE,
	PURCHASE_ENVIRONMENT,
	PURCHASE_STATUS,
};

#define PURCHASE_COLUMNS                                                                       \
	.ncolumns = 4, .columns = {                                                                \
					   {"course_id", UUIDOID},                                                 \
					   {"source", TEXTOID},                                                    \
					   {"environment", TEXTOID},                                               \
					   {"status", TEXTOID},                                                    \
	}
#define PURCHASE_QUERY                                                                         \
	"SELECT p.course_id, p.source, p.environment, p.status"                                    \
	" FROM coursebase.course_purchases p WHERE p.user_id OPERATOR(pg_catalog.=) $1"

enum
{
	COURSE_ID,
	COURSE_IS_FREE,
	COURSE_IN_PREMIUM,
};

#define COURSE_COLUMNS                                                                         \
	.ncolumns = 3, .columns = {{"id", UUIDOID}, {"is_free", BOOLOID}, {"in_premium", BOOLOID}}
#define COURSE_QUERY "SELECT c.id, c.is_free, c.in_premium FROM coursebase.courses c"

/* What a user has. */
static RightsTable tables[] = {
	{
		.of_user = {.fetch = {.table = "user_course_access",
							  .index = "user_course_access_pkey",
							  .nkeys = 1,
							  .keys = {{"user_id", UUIDOID}},
							  GRANT_COLUMNS},
					.query = {.sql = GRANT_QUERY, .nargs = 1, .types = {UUIDOID}}},
		.of_course = {.fetch = {.table = "user_course_access",
								.index = "user_course_access_pkey",
								.nkeys = 2,
								.keys = {{"user_id", UUIDOID}, {"course_id", UUIDOID}},
								GRANT_COLUMNS},
					  .query = {.sql = GRANT_QUERY " AND a.course_id OPERATOR(pg_catalog.=) $2",
								.nargs = 2,
								.types = {UUIDOID, UUIDOID}}},
		.sources = COURSE_BY_GRANT,
		.judge = grant_judge,
	},
	{
		.of_user = {.fetch = {.table = "course_purchases",
							  .index = "course_purchases_user_id_course_id_idx",
							  .nkeys = 1,
							  .keys = {{"user_id", UUIDOID}},
							  PURCHASE_COLUMNS},
					.query = {.sql = PURCHASE_QUERY, .nargs = 1, .types = {UUIDOID}}},
		.of_course = {.fetch = {.table = "course_purchases",
								.index = "course_purchases_user_id_course_id_idx",
								.nkeys = 2,
								.keys = {{"user_id", UUIDOID}, {"course_id", UUIDOID}},
								PURCHASE_COLUMNS},
					  .query = {.sql =
									PURCHASE_QUERY " AND p.course_id OPERATOR(pg_catalog.=) $2",
								.nargs = 2,
								.types = {UUIDOID, UUIDOID}}},
		.sources = COURSE_BY_PURCHASE | COURSE_BY_SLOT,
		.judge = purchase_judge,
	},
};

/* What the catalogue gives by itself: of_course is the same for all. */
static RightsRead course_by_id = {
	.fetch = {.table = "courses",
			  .index = "courses_pkey",
			  .nkeys = 1,
			  .keys = {{"id", UUIDOID}},
			  COURSE_COLUMNS},
	.query = {.sql = COURSE_QUERY " WHERE c.id OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {UUIDOID}},
};
static RightsRead course_by_code = {
	.fetch = {.table = "courses",
			  .index = "courses_course_code_key",
			  .nkeys = 1,
			  .keys = {{"course_code", TEXTOID}},
			  COURSE_COLUMNS},
	.query = {.sql = COURSE_QUERY " WHERE c.course_code OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {TEXTOID}},
};
static RightsRead courses_every = {
	.fetch = {.table = "courses", .index = "courses_pkey", COURSE_COLUMNS},
	.query = {.sql = COURSE_QUERY},
};
static RightsRead courses_free = {
	.fetch = {.table = "courses",
			  .index = "courses_is_free_idx",
			  .nkeys = 1,
			  .keys = {{"is_free", BOOLOID}},
			  COURSE_COLUMNS},
	.query = {.sql = COURSE_QUERY " WHERE c.is_free OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {BOOLOID}},
};
static RightsRead courses_in_premium = {
	.fetch = {.table = "courses",
			  .index = "courses_in_premium_idx",
			  .nkeys = 1,
			  .keys = {{"in_premium", BOOLOID}},
			  COURSE_COLUMNS},
	.query = {.sql = COURSE_QUERY " WHERE c.in_premium OPERATOR(pg_catalog.=) $1",
			  .nargs = 1,
			  .types = {BOOLOID}},
};

/* The set of the user last asked about, and what it holds for. */
typedef struct KeptRights
{
	bool known;   /* the rest is of a user */
	bool is_user; /* false: nobody */
	pg_uuid_t user;
	uint64 generation;
	uint64 look_up; /* of the user who asks; 0: of another */
	SnapshotKey snapshot;
	bool answered; /* something was, and not from the set: the next one loads it */
	bool loaded;
	CourseRights set;
	uint32 mask;    /* size of places - 1 */
	uint32 *places; /* where in the set a course is, from 1; by hash, then the next free */
	MemoryContext context;
} KeptRights;

static KeptRights kept;

static const char *const purchase_in_sandbox = "sandbox";

/* Rows gathered into a set. */
typedef struct Gathering
{
	CourseRight *rights;
	int count;
	Size room;
	MemoryContext context;
} Gathering;

static uint32 own_hold(const Asking *asking, const pg_uuid_t *course, TimestampTz at,
					   uint32 sources);
static const Asking *asking_if(const pg_uuid_t *user);
static void question_begin(Question *question, const pg_uuid_t *user, const Asking *asking,
						   TimestampTz at);
static void question_complete(Question *question);
static bool kept_is_of(const pg_uuid_t *user, const Asking *asking);
static void kept_begin(const pg_uuid_t *user, const Asking *asking);
static inline bool kept_is_at(TimestampTz at);
static uint32 kept_hold(Question *question, const pg_uuid_t *course, uint32 sources);
static void kept_load(Question *question);
static pg_attribute_always_inline uint32 kept_look_up(const pg_uuid_t *course);
static void places_make(void);
static inline uint32 place_first(const pg_uuid_t *course);
static uint32 sources_of_course(Question *question, const pg_uuid_t *course, uint32 sources);
static void rights_gather(Gathering *gathering, Question *question);
static void rights_order(Gathering *gathering);
static int right_compare(const void *a, const void *b);
static uint32 rows_judge(RightsRead *read, const Datum *keys, Question *question,
						 RowJudge judge, Gathering *gathering);
static uint32 rows_query(RightsRead *read, const Datum *keys, Question *question,
						 RowJudge judge, Gathering *gathering);
static uint32 row_judge(Question *question, RowJudge judge, const Datum *values,
						Gathering *gathering);
static uint32 any_judge(Question *question, const Datum *values);
static bool premium_now(Question *question);
static bool premium_is_every_course(Question *question);
static bool sandbox_counts(Question *question);
static bool text_is(Datum value, const char *plain);

uint32
course_rights_hold_own(const pg_uuid_t *course, TimestampTz at, uint32 sources)
{
	const Asking *asking = identity_asking();

	/* the rows were read after the look-up, which a change of snapshot or tables makes anew */
	if (likely(asking != NULL && asking->look_up == kept.look_up && kept_is_at(at)))
		return kept_look_up(course) & sources;
	return own_hold(asking, course, at, sources);
}

/* Apart, so that what is asked for every row stays short. */
static pg_noinline uint32
own_hold(const Asking *asking, const pg_uuid_t *course, TimestampTz at, uint32 sources)
{
	Question question;

	question_begin(&question, asking == NULL ? NULL : &asking->user, asking, at);
	return kept_hold(&question, course, sources);
}

uint32
course_rights_hold(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at,
				   uint32 sources)
{
	Question question;

	question_begin(&question, user, asking_if(user), at);
	return kept_hold(&question, course, sources);
}

TimestampTz
course_rights_end(const pg_uuid_t *user, const pg_uuid_t *course, uint32 sources)
{
	Question question = {.user = user, .at = DT_NOEND};

	/* At the end of time there is only what has no end. */
	if (sources_of_course(&question, course, sources) != 0)
		return DT_NOEND;
	/* Where no row asked for premium, none depends on it. */
	if (!question.premium_known || question.premium.end == FOLD_NEVER)
		return DT_NOBEGIN;
	question.at = question.premium.end - 1;
	return sources_of_course(&question, course, sources) != 0 ? question.premium.end
															  : DT_NOBEGIN;
}

void
course_rights_set(const pg_uuid_t *user, TimestampTz at, CourseRights *rights)
{
	Question question;

	question_begin(&question, user, asking_if(user), at);
	if (!kept_is_at(at))
		kept_load(&question);
	*rights = kept.set;
}

bool
course_rights_find(const char *code, int size, pg_uuid_t *course)
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
	if (size != COURSE_CODE_SIZE)
		return false;
	for (int i = 0; i < size; i++)
		canonical[i] = pg_ascii_toupper((unsigned char) code[i]);
	key = PointerGetDatum(cstring_to_text_with_len(canonical, size));
	rows_judge(&course_by_code, &key, NULL, any_judge, &gathering);
	if (gathering.count == 0)
		return false;
	*course = gathering.rights[0].course;
	return true;
}

void
course_rights_explain(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at,
					  CourseFindings *findings)
{
	Question question;

	memset(findings, 0, sizeof(*findings));
	question_begin(&question, user, asking_if(user), at);
	question.all = true;
	question_complete(&question);
	findings->sources = sources_of_course(&question, course, COURSE_BY_ANY);
	findings->has_premium = premium_now(&question);
	findings->every_in_premium = premium_is_every_course(&question);
	findings->known = question.user != NULL;
	findings->admin = question.admin;
	findings->slot = question.slot;
	findings->purchase = question.purchase;
	findings->premium = question.premium;
}

/* What is known of the user who asks need not be read again. */
static const Asking *
asking_if(const pg_uuid_t *user)
{
	const Asking *asking = user == NULL ? NULL : identity_asking();

	return asking != NULL && memcmp(&asking->user, user, UUID_LEN) == 0 ? asking : NULL;
}

/* What is kept is of that user and of this moment's snapshot once this returns. */
static void
question_begin(Question *question, const pg_uuid_t *user, const Asking *asking, TimestampTz at)
{
	memset(question, 0, sizeof(*question));
	question->at = at;
	question->asking = asking;
	if (!kept_is_of(user, asking))
		kept_begin(user, asking);
}

/* Who the user is, before anything is read for it. */
static void
question_complete(Question *question)
{
	bool known = kept.is_user;

	if (question->asking != NULL)
		question->admin = question->asking->admin;
	else if (known)
		known = identity_user_read(&kept.user, &question->admin);
	if (known)
		question->user = &kept.user;
	else
		question->admin = false;
}

static bool
kept_is_of(const pg_uuid_t *user, const Asking *asking)
{
	if (asking != NULL)
		return kept.look_up == asking->look_up;
	return kept.known && kept.look_up == 0 && kept.generation == fetch_generation &&
		   kept.is_user == (user != NULL) &&
		   (user == NULL || memcmp(&kept.user, user, UUID_LEN) == 0) &&
		   snapshot_key_equals(&kept.snapshot, GetActiveSnapshot());
}

static void
kept_begin(const pg_uuid_t *user, const Asking *asking)
{
	kept.known = false;
	kept.loaded = false;
	kept.answered = false;
	kept.is_user = user != NULL;
	if (user != NULL)
		kept.user = *user;
	kept.look_up = asking == NULL ? 0 : asking->look_up;
	/* what changes while we read makes the answer old at once */
	kept.generation = fetch_generation;
	if (asking == NULL)
		snapshot_key_take(&kept.snapshot, GetActiveSnapshot());
	kept.known = true;
}

static inline bool
kept_is_at(TimestampTz at)
{
	return kept.loaded && at >= kept.set.valid_from && at < kept.set.valid_until;
}

static uint32
kept_hold(Question *question, const pg_uuid_t *course, uint32 sources)
{
	if (!kept_is_at(question->at))
	{
		if (!kept.answered)
		{
			kept.answered = true;
			question_complete(question);
			return sources_of_course(question, course, sources);
		}
		kept_load(question);
	}
	return kept_look_up(course) & sources;
}

static void
kept_load(Question *question)
{
	Gathering gathering = {0};

	kept.loaded = false;
	if (kept.context == NULL)
		kept.context = AllocSetContextCreate(TopMemoryContext, "coursebase course rights",
											 ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(kept.context);
	gathering.context = kept.context;
	question->all = true;
	question_complete(question);
	rights_gather(&gathering, question);
	rights_order(&gathering);
	kept.set = (CourseRights){.count = gathering.count,
							  .rights = gathering.rights,
							  .valid_from = DT_NOBEGIN,
							  .valid_until = DT_NOEND};
	places_make();
	if (question->premium_known && question->premium.end != FOLD_NEVER)
	{
		if (premium_holds(&question->premium, question->at))
			kept.set.valid_until = question->premium.end;
		else
			kept.set.valid_from = question->premium.end;
	}
	kept.answered = false;
	kept.loaded = true;
}

static pg_attribute_always_inline uint32
kept_look_up(const pg_uuid_t *course)
{
	for (uint32 place = place_first(course); kept.places[place] != 0;
		 place = (place + 1) & kept.mask)
	{
		const CourseRight *right = &kept.set.rights[kept.places[place] - 1];

		if (memcmp(&right->course, course, UUID_LEN) == 0)
			return right->sources;
	}
	return 0;
}

static void
places_make(void)
{
	uint32 size = 4;

	while (size / 2 < (uint32) kept.set.count)
		size *= 2;
	kept.mask = size - 1;
	kept.places = MemoryContextAllocExtended(kept.context, size * sizeof(uint32),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < kept.set.count; i++)
	{
		uint32 place = place_first(&kept.set.rights[i].course);

		while (kept.places[place] != 0)
			place = (place + 1) & kept.mask;
		kept.places[place] = i + 1;
	}
}

static inline uint32
place_first(const pg_uuid_t *course)
{
	uint64 half[2];

	memcpy(half, course, UUID_LEN);
	return (uint32) (((half[0] ^ half[1] * UINT64CONST(0x9E3779B97F4A7C15)) *
					  UINT64CONST(0xC2B2AE3D27D4EB4F)) >>
					 32) &
		   kept.mask;
}

/* Of the user's: to one course, and the first that is found where not all are asked for. */
static uint32
sources_of_course(Question *question, const pg_uuid_t *course, uint32 sources)
{
	Datum keys[] = {UUIDPGetDatum(question->user), UUIDPGetDatum(course)};
	uint32 given = 0;

	/* an administrator has every course there is: nothing else need be read */
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
	return given |
		   (sources & rows_judge(&course_by_id, &keys[1], question, course_judge, NULL));
}

static void
rights_gather(Gathering *gathering, Question *question)
{
	Datum user = UUIDPGetDatum(question->user);
	Datum yes = BoolGetDatum(true);

	if (question->user != NULL)
		for (int i = 0; i < lengthof(tables); i++)
			rows_judge(&tables[i].of_user, &user, question, tables[i].judge, gathering);
	if (question->admin)
	{
		rows_judge(&courses_every, NULL, question, course_judge, gathering);
		return;
	}
	rows_judge(&courses_free, &yes, question, course_judge, gathering);
	if (premium_is_every_course(question))
		rows_judge(&courses_in_premium, &yes, question, course_judge, gathering);
}

/* By course, each once. */
static void
rights_order(Gathering *gathering)
{
	int kept_rows = 0;

	if (gathering->count == 0)
		return;
	qsort(gathering->rights, gathering->count, sizeof(CourseRight), right_compare);
	for (int i = 1; i < gathering->count; i++)
	{
		CourseRight *last = &gathering->rights[kept_rows];

		if (right_compare(last, &gathering->rights[i]) == 0)
			last->sources |= gathering->rights[i].sources;
		else
			gathering->rights[++kept_rows] = gathering->rights[i];
	}
	gathering->count = kept_rows + 1;
}

static int
right_compare(const void *a, const void *b)
{
	return memcmp(&((const CourseRight *) a)->course, &((const CourseRight *) b)->course,
				  UUID_LEN);
}

static uint32
rows_judge(RightsRead *read, const Datum *keys, Question *question, RowJudge judge,
		   Gathering *gathering)
{
	uint32 given = 0;
	Datum values[READ_MAX_COLUMNS];
	bool null;
	Fetch fetch;

	if (!fetch_open(&fetch, &read->fetch, GetActiveSnapshot()))
		return OidIsValid(read->fetch.table_oid)
				   ? rows_query(read, keys, question, judge, gathering)
				   : 0;
	fetch_find(&fetch, keys);
	while (fetch_next(&fetch))
	{
		CHECK_FOR_INTERRUPTS();
		for (int column = 0; column < read->fetch.ncolumns; column++)
			values[column] = fetch_value(&fetch, column, &null);
		given |= row_judge(question, judge, values, gathering);
	}
	fetch_close(&fetch);
	return given;
}

static uint32
rows_query(RightsRead *read, const Datum *keys, Question *question, RowJudge judge,
		   Gathering *gathering)
{
	uint32 given = 0;
	Datum values[READ_MAX_COLUMNS];
	SPITupleTable *rows;
	uint64 count;

	SPI_connect();
	count = owner_execute(&read->query, unconstify(Datum *, keys), NULL, true);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < count; row++)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_tuptable = rows; /* what a row leads to may have read others */
		for (int column = 0; column < read->fetch.ncolumns; column++)
			values[column] = plan_value(row, column + 1, NULL);
		given |= row_judge(question, judge, values, gathering);
	}
	SPI_finish();
	return given;
}

static uint32
row_judge(Question *question, RowJudge judge, const Datum *values, Gathering *gathering)
{
	uint32 given = judge(question, values);

	if (given != 0 && gathering != NULL)
	{
		if (gathering->count == gathering->room)
		{
			gathering->room = Max(16, gathering->room * 2);
			gathering->rights =
				gathering->rights == NULL
					? MemoryContextAlloc(gathering->context,
										 gathering->room * sizeof(CourseRight))
					: repalloc_huge(gathering->rights, gathering->room * sizeof(CourseRight));
		}
		gathering->rights[gathering->count].course = *DatumGetUUIDP(values[0]);
		gathering->rights[gathering->count++].sources = given;
	}
	return given;
}

static uint32
grant_judge(Question *question, const Datum *values)
{
	return COURSE_BY_GRANT;
}

static uint32
purchase_judge(Question *question, const Datum *values)
{
	bool slot = text_is(values[PURCHASE_SOURCE], "premium_slot");

	if (!text_is(values[PURCHASE_STATUS], "valid"))
	{
		if (!slot && question->purchase != purchase_in_sandbox)
			question->purchase = text_is(values[PURCHASE_STATUS], "pending")    ? "pending"
								 : text_is(values[PURCHASE_STATUS], "refunded") ? "refunded"
																				: "invalid";
		return 0;
	}
	if (text_is(values[PURCHASE_ENVIRONMENT], "sandbox") && !sandbox_counts(question))
	{
		if (!slot)
			question->purchase = purchase_in_sandbox;
		return 0;
	}
	if (!slot)
		return COURSE_BY_PURCHASE;
	question->slot = true;
	return premium_now(question) ? COURSE_BY_SLOT : 0;
}

static uint32
course_judge(Question *question, const Datum *values)
{
	uint32 given = question->admin ? COURSE_BY_ADMIN : 0;

	if (DatumGetBool(values[COURSE_IS_FREE]))
		given |= COURSE_BY_FREE;
	if ((given == 0 || question->all) && DatumGetBool(values[COURSE_IN_PREMIUM]) &&
		premium_is_every_course(question))
		given |= COURSE_BY_PREMIUM;
	return given;
}

static uint32
any_judge(Question *question, const Datum *values)
{
	return COURSE_BY_ANY;
}

static bool
premium_now(Question *question)
{
	if (question->user == NULL)
		return false;
	if (!question->premium_known)
	{
		premium_read(&question->premium, question->user);
		question->premium_known = true;
	}
	return premium_holds(&question->premium, question->at);
}

static bool
premium_is_every_course(Question *question)
{
	if (!premium_now(question))
		return false;
	if (!question->slots_known)
	{
		question->unlimited = setting_integer("premium_slots") == -1;
		question->slots_known = true;
	}
	return question->unlimited;
}

static bool
sandbox_counts(Question *question)
{
	if (!question->sandbox_known)
	{
		question->sandbox_counts = setting_boolean("accept_sandbox");
		question->sandbox_known = true;
	}
	return question->sandbox_counts;
}

static bool
text_is(Datum value, const char *plain)
{
	text *word = DatumGetTextPP(value);
	Size size = strlen(plain);

	return VARSIZE_ANY_EXHDR(word) == size && memcmp(VARDATA_ANY(word), plain, size) == 0;
}
