/*
 * outline_rights.c: what the user who asks may do with a section or lesson, kept for policies.
 *
 * Answers are kept for one transaction (whose time they are of), one user, an equal snapshot
 * and unchanged tables. The first section of a course is read by itself; with the second one
 * all sections of the course are, because whoever asks about two asks about the others too.
 * Lessons likewise: the second lesson of a course brings those of its section and of the
 * sections after it. So that a reader of single lessons never pays for whole courses, no more
 * than LESSONS_READ_EACH rows are read ahead for each lesson that was asked about, and
 * LESSONS_READ_MORE once. Once half of what it costs to read every lesson at once was spent on
 * single ones, all are read (viewable.h): whatever the order in which a statement asks, it pays
 * at most one and a half times that.
 *
 * Invariant: a kept answer is the one that reading anew would give.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "access/outline_rights.h"
#include "access/viewable.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"

/* Room for the lessons of a large course, or of some. */
#define LESSONS_KEPT       16384
#define LESSONS_BEGUN_WITH 400
#define LESSONS_READ_EACH  2
#define LESSONS_READ_MORE  64

/* A course that was asked about: the rights to its public sections. */
typedef struct KeptCourse
{
	pg_uuid_t id;
	char status; /* simplehash's */
	OutlineRights rights;
} KeptCourse;

typedef struct KeptSection
{
	pg_uuid_t id;
	char status;  /* simplehash's */
	bool exists;  /* else there is no course */
	bool lessons; /* the lessons are kept */
	OutlineRights rights;
	pg_uuid_t course;
} KeptSection;

typedef struct KeptLesson
{
	pg_uuid_t id;
	char status; /* simplehash's */
	OutlineLesson lesson;
} KeptLesson;

/*
 * The hash tables are the server's own. They are half full at most, because most rows are
 * looked up once or twice only: what a fuller table saves in memory, each insert pays for.
 */
#define KEPT_FILLFACTOR 0.5

#define SH_PREFIX       courses
#define SH_FILLFACTOR   KEPT_FILLFACTOR
#define SH_ELEMENT_TYPE KeptCourse
#include "core/uuid_table.h"

#define SH_PREFIX       sections
#define SH_FILLFACTOR   KEPT_FILLFACTOR
#define SH_ELEMENT_TYPE KeptSection
#include "core/uuid_table.h"

#define SH_PREFIX       lessons
#define SH_FILLFACTOR   KEPT_FILLFACTOR
#define SH_ELEMENT_TYPE KeptLesson
#include "core/uuid_table.h"

static struct
{
	bool known; /* the rest is of a user, or of nobody */
	LocalTransactionId transaction;
	uint64 generation;     /* of the tables */
	uint64 look_up;        /* of the user who asks; 0: nobody, with the snapshot's key */
	SnapshotKey snapshot;  /* of nobody's answers; look_up stands for that of a user's */
	MemoryContext context; /* of the hash tables */
	courses_hash *courses;
	sections_hash *sections;
	const KeptSection *last; /* asked about last: rows of one section come together */
	lessons_hash *lessons;   /* NULL: none was read ahead */
	int64 ahead;             /* rows that may still be read ahead; not above 0: none */
	bool any;                /* a lesson was read by itself, the last one of this course: */
	pg_uuid_t course;
	int64 read;                /* lessons, by their index */
	int64 read_all_from;       /* so many of them; 0: not known yet */
	ViewableLessons *viewable; /* NULL: not read */
	MemoryContext all;         /* of what is read at once; goes with the transaction */
} kept;

static inline OutlineRights section_rights(const pg_uuid_t *section);
static inline bool kept_is_of(const Asking *asking);
static void kept_begin(const Asking *asking);
static bool lesson_viewable(const pg_uuid_t *lesson);
static bool all_are_due(void);
static void all_read(void);
static OutlineRights section_read(const pg_uuid_t *section);
static bool section_keep_each(const pg_uuid_t *id, const OutlineSection *section, void *into);
static KeptSection *section_keep(const pg_uuid_t *section, OutlineRights rights);
static bool course_asked_before(const pg_uuid_t *course, OutlineRights *rights);
static void lessons_follow(const pg_uuid_t *section);
static bool section_read_ahead(const pg_uuid_t *section, void *into);
static void lessons_make_room(void);
static void lessons_forget(void);
static bool lesson_keep(const pg_uuid_t *id, const OutlineLesson *lesson, void *into);

OutlineRights
outline_rights(const pg_uuid_t *section)
{
	const Asking *asking = identity_asking();

	if (!kept_is_of(asking))
		kept_begin(asking);
	return section_rights(section);
}

/*
 * A private lesson answers without rights: only administrators see it, and they are not decided
 * here. Each question allows LESSONS_READ_EACH more rows to be read ahead.
 */
bool
outline_lesson_rights(const pg_uuid_t *lesson, OutlineLesson *found, OutlineRights *rights)
{
	const Asking *asking = identity_asking();
	const KeptLesson *known;

	*rights = (OutlineRights){false};
	if (!kept_is_of(asking))
		kept_begin(asking);
	kept.ahead += LESSONS_READ_EACH;
	known = kept.lessons == NULL ? NULL : lessons_lookup(kept.lessons, *lesson);
	if (known != NULL)
	{
		*found = known->lesson;
		if (found->status != LESSON_PRIVATE)
			*rights = section_rights(&found->section);
		return true;
	}
	kept.read++;
	if (!outline_lesson(lesson, found))
		return false;
	if (found->status == LESSON_PRIVATE)
		return true;
	lessons_follow(&found->section);
	*rights = section_rights(&found->section);
	return true;
}

/* Asked for every row of a policy: the set of all lessons answers first, once it was read. */
bool
outline_lesson_viewable(const Asking *asking, const pg_uuid_t *lesson)
{
	bool viewable;

	if (!kept_is_of(asking))
		kept_begin(asking);
	if (kept.viewable != NULL && viewable_lessons_know(kept.viewable, lesson, &viewable))
		return viewable;
	return lesson_viewable(lesson);
}

/* Of a lesson that was not read with all. Not inlined, so that what policies call for every row
 * stays short. */
static pg_noinline bool
lesson_viewable(const pg_uuid_t *lesson)
{
	OutlineLesson found;
	OutlineRights rights;
	bool viewable;

	if (kept.viewable == NULL && all_are_due())
	{
		all_read();
		if (viewable_lessons_know(kept.viewable, lesson, &viewable))
			return viewable;
	}
	return outline_lesson_rights(lesson, &found, &rights) && found.status != LESSON_PRIVATE &&
		   rights.is_public && (found.status == LESSON_PREVIEW || rights.usable);
}

/* Of what is kept, which must be of the user who asks. */
static inline OutlineRights
section_rights(const pg_uuid_t *section)
{
	const KeptSection *last = kept.last;

	if (last == NULL || !uuid_equal(&last->id, section))
	{
		last = sections_lookup(kept.sections, *section);
		if (last == NULL)
			return section_read(section);
		kept.last = last;
	}
	return last->rights;
}

/* As in course_rights.c, and of this transaction, because the answers are of its time. */
static inline bool
kept_is_of(const Asking *asking)
{
	if (!kept.known || kept.transaction != compat_local_transaction())
		return false;
	if (asking != NULL)
		return kept.look_up == asking->look_up;
	return kept.look_up == 0 && kept.generation == rows_generation &&
		   snapshot_key_equals(&kept.snapshot, GetActiveSnapshot());
}

/* Forgets everything and starts anew. `known` is false meanwhile, so that an error leaves
 * nothing that could be taken for an answer. */
static void
kept_begin(const Asking *asking)
{
	kept.known = false;
	if (kept.context == NULL)
		kept.context =
			AllocSetContextCreate(TopMemoryContext, "coursebase outline", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(kept.context);
	kept.courses = courses_create(kept.context, 4, NULL);
	kept.sections = sections_create(kept.context, 12, NULL);
	kept.lessons = NULL;
	kept.last = NULL;
	kept.ahead = LESSONS_READ_MORE;
	kept.any = false;
	kept.read = 0;
	kept.read_all_from = 0;
	kept.viewable = NULL;
	/* of an earlier transaction it is gone */
	if (kept.all != NULL && kept.transaction == compat_local_transaction())
		MemoryContextDelete(kept.all);
	kept.all = NULL;
	kept.transaction = compat_local_transaction();
	kept.look_up = asking == NULL ? 0 : asking->look_up;
	/* taken before anything is read: a change of a table meanwhile makes the answers stale */
	kept.generation = rows_generation;
	if (asking == NULL)
		snapshot_key_take(&kept.snapshot, GetActiveSnapshot());
	kept.known = true;
}

/* Not looked for as long as few lessons were read. */
static bool
all_are_due(void)
{
	if (kept.read < LESSONS_READ_MORE)
		return false;
	if (kept.read_all_from == 0)
		kept.read_all_from = Max(outline_every_lesson_cost() / 2, LESSONS_READ_MORE);
	return kept.read >= kept.read_all_from;
}

/* The set may be large, so that it does not outlive the transaction, whose time it is of. */
static void
all_read(void)
{
	/* an error that a savepoint caught may have left half of it */
	if (kept.all != NULL)
		MemoryContextReset(kept.all);
	else
		kept.all = AllocSetContextCreate(TopTransactionContext, "coursebase viewable lessons",
										 ALLOCSET_DEFAULT_SIZES);
	kept.viewable = viewable_lessons_read(kept.all);
	/* what was kept of single lessons is not asked for again */
	if (kept.lessons != NULL)
		lessons_forget();
}

/* Reads a section that is not kept; with the second section of a course, all of the course's.
 */
static OutlineRights
section_read(const pg_uuid_t *section)
{
	OutlineRights rights = {false};
	OutlineSection found;
	bool exists = outline_section(section, &found);
	KeptSection *place;

	if (exists && found.is_public && course_asked_before(&found.course, &rights))
		outline_sections(&found.course, section_keep_each, &rights);
	place = section_keep(section, rights);
	place->exists = exists;
	if (exists)
		place->course = found.course;
	return rights;
}

/* into is the OutlineRights to the public sections of the course. */
static bool
section_keep_each(const pg_uuid_t *id, const OutlineSection *section, void *into)
{
	const OutlineRights *rights = into;
	KeptSection *place =
		section_keep(id, section->is_public ? *rights : (OutlineRights){false});

	place->exists = true;
	place->course = section->course;
	return false;
}

/* The entry is good until the next one is kept, which may move it. */
static KeptSection *
section_keep(const pg_uuid_t *section, OutlineRights rights)
{
	bool found;
	KeptSection *place = sections_insert(kept.sections, *section, &found);

	kept.last = NULL;
	if (!found)
		place->lessons = false;
	place->rights = rights;
	return place;
}

/* Gives the rights to the public sections of the course; false if nobody asked before. */
static bool
course_asked_before(const pg_uuid_t *course, OutlineRights *rights)
{
	const KeptCourse *known = courses_lookup(kept.courses, *course);
	bool found;

	if (known != NULL)
	{
		*rights = known->rights;
		return true;
	}
	rights->is_public = true;
	rights->usable = course_rights_hold_own(course, GetCurrentTransactionStartTimestamp(),
											COURSE_BY_ANY) != 0;
	rights->readable = rights->usable || outline_course_offered(course);
	courses_insert(kept.courses, *course, &found)->rights = *rights;
	return false;
}

/* A lesson of the section was read by itself: the second one of a course brings those of its
 * section and of the sections after it, until there are enough. */
static void
lessons_follow(const pg_uuid_t *section)
{
	const KeptSection *place;
	pg_uuid_t course;

	section_rights(section);
	place = sections_lookup(kept.sections, *section);
	if (place == NULL || !place->exists)
		return;
	course = place->course;
	if (kept.any && uuid_equal(&kept.course, &course) && kept.ahead > 0)
	{
		lessons_make_room();
		outline_section_ids(&course, section, section_read_ahead, NULL);
	}
	kept.any = true;
	kept.course = course;
}

/* Keeps the lessons of a section that were not kept yet; true once enough lessons were read. */
static bool
section_read_ahead(const pg_uuid_t *section, void *into)
{
	KeptSection *place = sections_lookup(kept.sections, *section);

	if (place != NULL && place->lessons)
		return false;
	if (outline_lessons(section, lesson_keep, NULL))
		return true;
	if (place != NULL)
		place->lessons = true;
	return false;
}

/* Forgets every lesson once there are many: a lesson that was asked about is not asked about
 * again soon. */
static void
lessons_make_room(void)
{
	if (kept.lessons == NULL)
		kept.lessons = lessons_create(kept.context, LESSONS_BEGUN_WITH, NULL);
	else if (kept.lessons->members >= LESSONS_KEPT)
		lessons_forget();
}

/*
 * The lessons go, and with them the mark of each section that its lessons are kept: with the
 * mark section_read_ahead() would not read them again.
 */
static void
lessons_forget(void)
{
	sections_iterator each;
	KeptSection *section;

	lessons_reset(kept.lessons);
	sections_start_iterate(kept.sections, &each);
	while ((section = sections_iterate(kept.sections, &each)) != NULL)
		section->lessons = false;
}

/* True once enough lessons were read. */
static bool
lesson_keep(const pg_uuid_t *id, const OutlineLesson *lesson, void *into)
{
	bool found;
	KeptLesson *place = lessons_insert(kept.lessons, *id, &found);

	kept.read++;
	if (!found)
		place->lesson = *lesson;
	return --kept.ahead <= 0 || kept.lessons->members >= LESSONS_KEPT;
}
