/*
 * course_rights.c: which courses may a user use? Answers, and the set that a session keeps.
 *
 * The first question of a statement is answered from the few rows that it is about; the second
 * one loads the user's whole set, in which every further question is looked up. A set is kept
 * for as long as it must be the same: the same user, an equal snapshot, unchanged tables, and a
 * time on the same side of the end of premium and of each grant.
 *
 * Invariant: an answer from the set is the one that reading anew would give.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "access/course_rights.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"

/* The set of the user who was asked about last, and for what it holds. */
typedef struct KeptRights
{
	bool known;   /* the rest is of a user, or of nobody */
	bool is_user; /* false: of nobody */
	pg_uuid_t user;
	uint64 generation; /* of the tables */
	uint64 look_up;    /* of the user who asks; 0: of another user, with the snapshot's key */
	SnapshotKey snapshot; /* where look_up does not stand for it */
	bool answered;        /* a question was answered without the set: the next one loads it */
	bool loaded;
	CourseRights set;
	uint32 mask; /* size of places - 1 */
	uint32
		*places; /* by hash of the course, else at the next free place: index in set, from 1 */
	MemoryContext context;
} KeptRights;

static KeptRights kept;

static uint32 own_hold(const Asking *asking, const pg_uuid_t *course, TimestampTz at,
					   uint32 sources);
static const Asking *asking_if(const pg_uuid_t *user);
static uint32 rights_hold(const pg_uuid_t *user, const Asking *asking, const pg_uuid_t *course,
						  TimestampTz at, uint32 sources);
static void kept_require(const pg_uuid_t *user, const Asking *asking);
static bool kept_is_of(const pg_uuid_t *user, const Asking *asking);
static void kept_begin(const pg_uuid_t *user, const Asking *asking);
static inline bool kept_is_at(TimestampTz at);
static void question_begin(CourseQuestion *question, const Asking *asking, TimestampTz at);
static void kept_load(const Asking *asking, TimestampTz at);
static pg_attribute_always_inline uint32 kept_look_up(const pg_uuid_t *course);
static void places_make(void);

uint32
course_rights_hold_own(const pg_uuid_t *course, TimestampTz at, uint32 sources)
{
	const Asking *asking = identity_asking();

	/* a change of snapshot or tables makes a new look-up, and the set was read after its own */
	if (likely(asking != NULL && asking->look_up == kept.look_up && kept_is_at(at)))
		return kept_look_up(course) & sources;
	return own_hold(asking, course, at, sources);
}

/* Not inlined, so that the function that policies call for every row stays short. */
static pg_noinline uint32
own_hold(const Asking *asking, const pg_uuid_t *course, TimestampTz at, uint32 sources)
{
	return rights_hold(asking == NULL ? NULL : &asking->user, asking, course, at, sources);
}

/*
 * For the user who asks, the number of a look-up says whether the kept set is current; for
 * anybody else the snapshot is compared.
 */
uint32
course_rights_hold(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at,
				   uint32 sources)
{
	return rights_hold(user, asking_if(user), course, at, sources);
}

/* At the end of time there is only what has no end; grants that end and premium come after. */
TimestampTz
course_rights_end(const pg_uuid_t *user, const pg_uuid_t *course, uint32 sources)
{
	CourseQuestion question = {.user = user,
							   .at = DT_NOEND,
							   .valid_from = DT_NOBEGIN,
							   .valid_until = DT_NOEND,
							   .granted_until = DT_NOBEGIN};
	TimestampTz end;
	TimestampTz ends[2];

	if (course_sources_find(&question, course, sources) != 0)
		return DT_NOEND;
	/* grants that end were all looked at: none of them lasts for ever */
	end = question.granted_until;
	/* where no row asked for premium, none depends on it */
	if (!question.premium_known)
		return end;
	ends[0] = question.premium.from;
	ends[1] = premium_end(&entitlement_ask_every_course, user);
	for (int i = 0; i < lengthof(ends); i++)
	{
		if (ends[i] <= end)
			continue;
		/* the last moment of premium is another time, for which it is read anew */
		question.premium_known = question.every_known = false;
		question.at = ends[i] - 1;
		if (course_sources_find(&question, course, sources & ~COURSE_BY_GRANT) != 0)
			end = ends[i];
	}
	return end;
}

/*
 * The arrays are the session's, good until the next question: the caller copies what it keeps.
 */
void
course_rights_set(const pg_uuid_t *user, TimestampTz at, CourseRights *rights)
{
	const Asking *asking = asking_if(user);

	kept_require(user, asking);
	if (!kept_is_at(at))
		kept_load(asking, at);
	*rights = kept.set;
}

/*
 * Always read anew and in full (question.all): an explanation names every source, and the set
 * knows only that some source gives the course.
 */
void
course_rights_explain(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at,
					  CourseFindings *findings)
{
	const Asking *asking = asking_if(user);
	CourseQuestion question;

	memset(findings, 0, sizeof(*findings));
	kept_require(user, asking);
	question_begin(&question, asking, at);
	question.all = true;
	findings->sources = course_sources_find(&question, course, COURSE_BY_ANY);
	findings->has_premium = course_premium_holds(&question);
	findings->every_in_premium = course_premium_is_every(&question);
	findings->known = question.user != NULL;
	findings->admin = question.admin;
	findings->slot = question.slot;
	findings->purchase = question.purchase;
	findings->premium = question.premium;
	findings->every = question.every;
	findings->granted_until = question.granted_until;
}

/* What is known of the user if that is the one who asks, which saves reading it; else NULL. */
static const Asking *
asking_if(const pg_uuid_t *user)
{
	const Asking *asking = user == NULL ? NULL : identity_asking();

	return asking != NULL && uuid_equal(&asking->user, user) ? asking : NULL;
}

/*
 * A statement that asks once pays for one course only. A statement that asks again will ask
 * often (a policy does so for every row), and pays for the whole set once.
 */
static uint32
rights_hold(const pg_uuid_t *user, const Asking *asking, const pg_uuid_t *course,
			TimestampTz at, uint32 sources)
{
	kept_require(user, asking);
	if (!kept_is_at(at))
	{
		if (!kept.answered)
		{
			CourseQuestion question;

			kept.answered = true;
			question_begin(&question, asking, at);
			return course_sources_find(&question, course, sources);
		}
		kept_load(asking, at);
	}
	return kept_look_up(course) & sources;
}

/* Once this returns, `kept` is of the user and of this moment's snapshot. */
static void
kept_require(const pg_uuid_t *user, const Asking *asking)
{
	if (!kept_is_of(user, asking))
		kept_begin(user, asking);
}

/* A look-up number stands for user, snapshot and tables (identity/asking.h); of another user
 * all three are compared. */
static bool
kept_is_of(const pg_uuid_t *user, const Asking *asking)
{
	if (asking != NULL)
		return kept.look_up == asking->look_up;
	return kept.known && kept.look_up == 0 && kept.generation == rows_generation &&
		   kept.is_user == (user != NULL) && (user == NULL || uuid_equal(&kept.user, user)) &&
		   snapshot_key_equals(&kept.snapshot, GetActiveSnapshot());
}

/* Forgets the set and starts anew. `known` is false meanwhile, so that an error leaves nothing
 * that could be taken for an answer. */
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
	/* taken before anything is read: a change of a table meanwhile makes the set stale */
	kept.generation = rows_generation;
	if (asking == NULL)
		snapshot_key_take(&kept.snapshot, GetActiveSnapshot());
	kept.known = true;
}

/* Whether the set is loaded, and the time on its side of every end. */
static inline bool
kept_is_at(TimestampTz at)
{
	return kept.loaded && at >= kept.set.valid_from && at < kept.set.valid_until;
}

/* A question about the user of `kept`, who is nobody if the account does not exist or is
 * closed. */
static void
question_begin(CourseQuestion *question, const Asking *asking, TimestampTz at)
{
	bool known = kept.is_user;

	memset(question, 0, sizeof(*question));
	question->at = at;
	question->valid_from = DT_NOBEGIN;
	question->valid_until = DT_NOEND;
	question->granted_until = DT_NOBEGIN;
	if (asking != NULL)
		question->admin = asking->admin;
	else if (known)
		known = identity_user_read(&kept.user, &question->admin);
	if (known)
		question->user = &kept.user;
	else
		question->admin = false;
}

/* Reads the user's whole set; `loaded` is set last, so that an error leaves no half of one. */
static void
kept_load(const Asking *asking, TimestampTz at)
{
	CourseQuestion question;

	kept.loaded = false;
	if (kept.context == NULL)
		kept.context = AllocSetContextCreate(TopMemoryContext, "coursebase course rights",
											 ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(kept.context);
	question_begin(&question, asking, at);
	question.all = true;
	kept.set = (CourseRights){0};
	kept.set.count = course_sources_gather(&question, kept.context, &kept.set.rights);
	places_make();
	kept.set.valid_from = question.valid_from;
	kept.set.valid_until = question.valid_until;
	/* what was asked of entitlements on the way, the set depends on */
	course_premium_bound(&question, &kept.set.valid_from, &kept.set.valid_until);
	kept.answered = false;
	kept.loaded = true;
}

/* Open addressing: a place holds the number of a right plus one, and 0 ends the search. */
static pg_attribute_always_inline uint32
kept_look_up(const pg_uuid_t *course)
{
	for (uint32 place = uuid_key_hash(course) & kept.mask; kept.places[place] != 0;
		 place = (place + 1) & kept.mask)
	{
		const CourseRight *right = &kept.set.rights[kept.places[place] - 1];

		if (uuid_equal(&right->course, course))
			return right->sources;
	}
	return 0;
}

/* At most half of the places are taken, so that a search ends after few steps. */
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
		uint32 place = uuid_key_hash(&kept.set.rights[i].course) & kept.mask;

		while (kept.places[place] != 0)
			place = (place + 1) & kept.mask;
		kept.places[place] = i + 1;
	}
}
