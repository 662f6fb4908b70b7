/*
 * asking.c: finds the user whom the claims of the request name.
 *
 * The subject of the claims is looked up in users with the active snapshot, straight from an
 * index where that is possible (core/rows.h). The look-up needs no right of the caller:
 * everybody may know who they are.
 *
 * Policies ask once a row, so the last answer is kept. The answer holds while the subject is
 * equal, the active snapshot sees the same (snapshot_key.h) and no table or index changed
 * (rows_generation). Nothing deletes the answer when a row changes, because a deletion would
 * race with a reader that is about to store an older answer.
 *
 * A person who is not here may live in another cell (cells/directory.h). That is asked only of
 * whom nothing was found for, and is refused: nobody's empty answers would look like a refund.
 * The row of a guest (guest.h) counts as none. What is about organisations asks by the
 * functions that say anywhere: for them home knows a person by the directory.
 *
 * No lock is taken, and nothing is written: the answer is the same on a standby.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "core/datum.h"
#include "core/own_policies.h"
#include "core/owner.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"
#include "identity/claims.h"

/* A row of users, or its absence. Whoever is deleted counts as nobody outside of this file. */
typedef struct User
{
	Asking asking;
	bool exists; /* and is no guest */
	bool deleted;
	bool merged; /* into the person of that id, who has what this one had */
	pg_uuid_t merged_into;
} User;

/*
 * The last answer, and what it holds for. serial 0 means that there is none; otherwise it is
 * that of the last Subject the answer was given for, which spares comparing the text.
 */
typedef struct Answer
{
	User user; /* deleted ones included */
	uint64 serial;
	uint64 generation;
	SnapshotKey snapshot;
	int subject_size;
	char subject[SUBJECT_MAX];
} Answer;

/* The columns of USERS_BY. */
enum
{
	COLUMN_ID,
	COLUMN_ROLE,
	COLUMN_DELETED_AT,
	COLUMN_MERGED_INTO,
	COLUMN_IS_GUEST,
	COLUMNS,
};

/*
 * optional: without tables nobody is a user. A null role, which only a dropped constraint lets
 * in, gives no rights.
 */
#define USERS_BY(by, name, type)                                                               \
	{                                                                                          \
		.table = "users", .index = (by), .nkeys = 1, .keys = {{(name), (type)}},               \
		.ncolumns = COLUMNS,                                                                   \
		.columns = {{"id", UUIDOID},                                                           \
					{"role", ROWS_ENUM, true},                                                 \
					{"deleted_at", TIMESTAMPTZOID, true},                                      \
					{"merged_into", UUIDOID, true},                                            \
					{"is_guest", BOOLOID}},                                                    \
		.optional = true,                                                                      \
	}

/* The usual way: by the id that the authentication provider gave. */
static RowsSource users_by_subject =
	USERS_BY("users_clerk_user_id_key", "clerk_user_id", TEXTOID);

/* For tokens whose subject is users.id itself, and for identity_user_read(). */
static RowsSource users_by_id = USERS_BY("users_pkey", "id", UUIDOID);

static Answer answer;

/* How often somebody was looked up. */
static uint64 look_ups;

/*
 * The last user who was looked up by id, and what the row holds for: who asks about another
 * user resolves the id first and reads the rights of that user next.
 */
static struct
{
	bool known;
	pg_uuid_t id;
	User user;
	uint64 generation;
	SnapshotKey snapshot;
} named;

static const Asking *user_asking(const User *user);
static inline bool answer_holds(const Subject *subject);
static const Asking *asking_look_up(const Subject *subject);
static const Asking *asking_look_up_anywhere(const Subject *subject);
static const User *user_look_up(const Subject *subject, Snapshot snapshot);
static User user_of_subject(const Subject *subject, Snapshot snapshot);
static bool subject_is_of_another(const Subject *subject, const pg_uuid_t *id);
static bool subject_lives_elsewhere(const Subject *subject, Cell *here, Residence *residence);
static const User *user_named(const pg_uuid_t *id);
static const User *user_by_id(const pg_uuid_t *id);
static User user_read(RowsSource *source, Datum key, Snapshot snapshot);
static bool subject_is_text(const Subject *subject);
static bool resolve(const Asking *asking, const pg_uuid_t *named, pg_uuid_t *user);

void
identity_init(void)
{
	claims_init();
}

bool
identity_current_user(pg_uuid_t *user)
{
	const Asking *asking = identity_asking();

	if (asking == NULL)
		return false;
	if (user != NULL)
		*user = asking->user;
	return true;
}

bool
identity_is_admin(void)
{
	const Asking *asking = identity_asking();

	return asking != NULL && asking->admin;
}

bool
identity_writes_as_admin(Relation table)
{
	return !own_policies_bind(table) || identity_is_admin();
}

const Asking *
identity_asking(void)
{
	const Subject *subject = claims_subject();

	if (likely(answer_holds(subject)))
		return user_asking(&answer.user);
	return asking_look_up(subject);
}

/* Whoever lives elsewhere is looked up each time: the answer is not kept. */
const Asking *
identity_asking_anywhere(void)
{
	const Subject *subject = claims_subject();

	if (likely(answer_holds(subject)))
		return user_asking(&answer.user);
	return asking_look_up_anywhere(subject);
}

/*
 * Whether the last answer is that of the subject. The cheap comparisons come first.
 * ActiveSnapshotSet() must precede GetActiveSnapshot(), which asserts a snapshot: claims can be
 * asked for outside of any statement.
 */
static inline bool
answer_holds(const Subject *subject)
{
	return subject != NULL && answer.serial == subject->serial &&
		   answer.generation == rows_generation && ActiveSnapshotSet() &&
		   snapshot_key_equals(&answer.snapshot, GetActiveSnapshot());
}

/* NULL, which is nobody, for an unknown user and for a closed account. */
static const Asking *
user_asking(const User *user)
{
	return user->exists && !user->deleted ? &user->asking : NULL;
}

/* Not inlined, so that identity_asking(), which runs for every row, stays short. */
static pg_noinline const Asking *
asking_look_up(const Subject *subject)
{
	const User *user;
	Residence residence;
	Cell here;

	if (subject == NULL || subject->size == 0 || !ActiveSnapshotSet())
		return NULL;
	user = user_look_up(subject, GetActiveSnapshot());
	if (!user->exists && subject_lives_elsewhere(subject, &here, &residence))
		directory_raise_elsewhere(&here, &residence);
	return user_asking(user);
}

/*
 * A person whom the directory has elsewhere asks under the id that it has, and is no
 * administrator here. The row of a guest says no more than whether the account was closed, or
 * leads to the person who was kept.
 */
static pg_noinline const Asking *
asking_look_up_anywhere(const Subject *subject)
{
	static Asking elsewhere;
	const User *user;
	User guest;
	Residence residence;
	Cell here;

	if (subject == NULL || subject->size == 0 || !ActiveSnapshotSet())
		return NULL;
	user = user_look_up(subject, GetActiveSnapshot());
	if (user->exists || !subject_lives_elsewhere(subject, &here, &residence))
		return user_asking(user);
	if (here.number != here.home)
		directory_raise_elsewhere(&here, &residence);
	elsewhere.user = residence.user;
	guest = user_read(&users_by_id, UUIDPGetDatum(&elsewhere.user), GetActiveSnapshot());
	if (guest.merged)
	{
		elsewhere.user = guest.merged_into;
		guest = user_read(&users_by_id, UUIDPGetDatum(&elsewhere.user), GetActiveSnapshot());
	}
	elsewhere.look_up = ++look_ups;
	return guest.deleted ? NULL : &elsewhere;
}

AskingOutcome
identity_explain(pg_uuid_t *user, bool *admin)
{
	const Subject *subject = claims_subject();
	const User *found;
	Residence residence;
	Cell here;

	if (subject == NULL)
		return ASKING_NO_CLAIMS;
	if (subject->size == 0 || !subject_is_text(subject))
		return ASKING_UNREADABLE;
	found = user_look_up(subject, GetActiveSnapshot());
	if (!found->exists)
		return subject_lives_elsewhere(subject, &here, &residence) ? ASKING_ELSEWHERE
																   : ASKING_UNKNOWN;
	if (found->deleted)
		return ASKING_CLOSED;
	*user = found->asking.user;
	*admin = found->asking.admin;
	return ASKING_KNOWN;
}

bool
identity_user_read(const pg_uuid_t *id, bool *admin)
{
	const User *user = user_named(id);

	*admin = user->asking.admin;
	return user->exists && !user->deleted;
}

bool
identity_follow(pg_uuid_t *user)
{
	const User *found = user_named(user);

	if (found->merged)
		*user = found->merged_into;
	return found->merged;
}

void
identity_require_here(const pg_uuid_t *user)
{
	user_named(user);
}

/* As user_by_id(); raises KBC01 for a person who lives in another cell. */
static const User *
user_named(const pg_uuid_t *id)
{
	const User *user = user_by_id(id);

	if (unlikely(!user->exists))
		directory_require_here(id);
	return user;
}

/* The user of that id, from the last look-up if it still holds; valid until the next one. */
static const User *
user_by_id(const pg_uuid_t *id)
{
	Snapshot snapshot = GetActiveSnapshot();

	if (!named.known || named.generation != rows_generation || !uuid_equal(&named.id, id) ||
		!snapshot_key_equals(&named.snapshot, snapshot))
	{
		/* as in user_look_up() */
		uint64 generation = rows_generation;

		named.known = false;
		named.user = user_read(&users_by_id, UUIDPGetDatum(id), snapshot);
		named.id = *id;
		named.generation = generation;
		snapshot_key_take(&named.snapshot, snapshot);
		named.known = true;
	}
	return &named.user;
}

/*
 * The user of the subject, from the last answer if it still holds. The subject is compared as
 * text here: a pooled connection sets equal claims again and again, each time with a new
 * serial.
 */
static const User *
user_look_up(const Subject *subject, Snapshot snapshot)
{
	if (answer.serial == 0 || answer.generation != rows_generation ||
		answer.subject_size != subject->size ||
		memcmp(answer.subject, subject->bytes, subject->size) != 0 ||
		!snapshot_key_equals(&answer.snapshot, snapshot))
	{
		/* taken before the read: a table altered during it makes the answer outdated at once */
		uint64 generation = rows_generation;
		User user;

		/* the read can raise, and must not leave half an answer behind */
		answer.serial = 0;
		user = user_of_subject(subject, snapshot);
		answer.user = user;
		answer.user.asking.look_up = ++look_ups;
		answer.generation = generation;
		answer.subject_size = subject->size;
		memcpy(answer.subject, subject->bytes, subject->size);
		snapshot_key_take(&answer.snapshot, snapshot);
	}
	answer.serial = subject->serial;
	return &answer.user;
}

/*
 * Looks the subject up as clerk_user_id first, and as users.id only if no row has it, closed
 * accounts included: a person whose subject happens to be the id of somebody else must never
 * become that person. A merged account leads to the person who was kept, in one step, which
 * merge_users() sees to.
 */
static User
user_of_subject(const Subject *subject, Snapshot snapshot)
{
	User user = {.exists = false};
	pg_uuid_t uuid;

	if (!subject_is_text(subject))
		return user;
	user = user_read(&users_by_subject,
					 PointerGetDatum(cstring_to_text_with_len(subject->bytes, subject->size)),
					 snapshot);
	if (!user.exists && uuid_read(subject->bytes, subject->size, &uuid) &&
		!subject_is_of_another(subject, &uuid))
		user = user_read(&users_by_id, UUIDPGetDatum(&uuid), snapshot);
	if (user.merged)
		user = user_read(&users_by_id, UUIDPGetDatum(&user.merged_into), snapshot);
	return user;
}

/* Whether the directory has the subject as the external id of somebody else than the person of
 * that id, who may live in another cell. */
static bool
subject_is_of_another(const Subject *subject, const pg_uuid_t *id)
{
	Residence residence;
	Cell here;

	return cell_here(&here) &&
		   directory_find_subject(pnstrdup(subject->bytes, subject->size), &residence) &&
		   !uuid_equal(&residence.user, id);
}

/*
 * Whether the directory has whom the subject names, as user_of_subject() does, in another cell.
 * The answer "nobody" is then not kept: who asks again in the same snapshot is refused again.
 */
static bool
subject_lives_elsewhere(const Subject *subject, Cell *here, Residence *residence)
{
	if (!subject_is_text(subject) ||
		!directory_has_elsewhere(subject->bytes, subject->size, here, residence))
		return false;
	answer.serial = 0;
	return true;
}

/* The row with that key. Without a table (before install(), or during a restore) nobody exists.
 */
static User
user_read(RowsSource *source, Datum key, Snapshot snapshot)
{
	User user = {.exists = false};
	Rows rows;

	rows_open(&rows, source, snapshot);
	rows_find(&rows, &key);
	if (rows_next(&rows))
	{
		const char *role = rows_label(&rows, COLUMN_ROLE);
		bool open, unmerged;
		Datum kept;

		user.exists = !DatumGetBool(rows_value(&rows, COLUMN_IS_GUEST));
		user.asking.user = *DatumGetUUIDP(rows_value(&rows, COLUMN_ID));
		user.asking.admin = role != NULL && strcmp(role, "admin") == 0;
		rows_value_or_null(&rows, COLUMN_DELETED_AT, &open);
		user.deleted = !open;
		kept = rows_value_or_null(&rows, COLUMN_MERGED_INTO, &unmerged);
		user.merged = !unmerged;
		if (user.merged)
			user.merged_into = *DatumGetUUIDP(kept);
	}
	rows_close(&rows);
	return user;
}

/*
 * Whether the subject is valid text of this database. The JSON reader writes escapes as UTF-8;
 * in another encoding those bytes would be other characters, and could spell the subject of
 * another person. There only ASCII counts as text.
 */
static bool
subject_is_text(const Subject *subject)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		return pg_verify_mbstr(PG_UTF8, subject->bytes, subject->size, true);
	for (int i = 0; i < subject->size; i++)
		if (subject->bytes[i] == '\0' || IS_HIGHBIT_SET(subject->bytes[i]))
			return false;
	return true;
}

bool
identity_resolve_user(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = resolve(identity_asking(), named, user);

	if (named != NULL)
		identity_follow(user);
	return known;
}

bool
identity_resolve_anywhere(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = resolve(identity_asking_anywhere(), named, user);

	if (named != NULL && user_by_id(named)->merged)
		*user = user_by_id(named)->merged_into;
	return known;
}

/* Whom a function is about; asking is NULL for nobody. */
static bool
resolve(const Asking *asking, const pg_uuid_t *named, pg_uuid_t *user)
{
	if (named == NULL && asking == NULL)
		return false;
	if (named != NULL &&
		!(asking != NULL && (asking->admin || uuid_equal(named, &asking->user))) &&
		!identity_is_server())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only an administrator or the server asks about another user"),
						errhint("Leave user_id out: the answer is about who is signed in.")));
	*user = named != NULL ? *named : asking->user;
	return true;
}

bool
identity_is_server(void)
{
	return has_bypassrls_privilege(GetUserId()) || GetUserId() == owner_of_tables();
}
