/*
 * asking.c: who is asking.
 *
 * The subject of the claims is looked up in users with the active snapshot and no rights of the
 * caller's. The last answer is kept for as long as it must be the same: an equal subject, an
 * equal snapshot, the same users and indexes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "core/owner.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"
#include "identity/claims.h"

typedef struct User
{
	Asking asking;
	bool exists;
	bool deleted;
} User;

/* The last answer, and what it holds for. */
typedef struct Answer
{
	User user; /* whether or not deleted */
	uint64 serial;
	uint64 generation;
	SnapshotKey snapshot;
	int subject_size;
	char subject[SUBJECT_MAX];
} Answer;

enum
{
	COLUMN_ID,
	COLUMN_ROLE,
	COLUMN_DELETED_AT,
	COLUMNS,
};

/* Nobody is a user while there are no tables. A role that is null gives nothing. */
#define USERS_BY(by, name, type)                                                               \
	{                                                                                          \
		.table = "users", .index = (by), .nkeys = 1, .keys = {{(name), (type)}},               \
		.ncolumns = COLUMNS,                                                                   \
		.columns = {{"id", UUIDOID},                                                           \
					{"role", ROWS_ENUM, true},                                                 \
					{"deleted_at", TIMESTAMPTZOID, true}},                                     \
		.optional = true,                                                                      \
	}

static RowsSource users_by_subject =
	USERS_BY("users_clerk_user_id_key", "clerk_user_id", TEXTOID);
static RowsSource users_by_id = USERS_BY("users_pkey", "id", UUIDOID);

static Answer answer;

static const Asking *user_asking(const User *user);
static const Asking *asking_look_up(const Subject *subject);
static const User *user_look_up(const Subject *subject, Snapshot snapshot);
static User user_of_subject(const Subject *subject, Snapshot snapshot);
static User user_read(RowsSource *source, Datum key, Snapshot snapshot);
static bool subject_is_text(const Subject *subject);
static bool subject_is_uuid(const Subject *subject, pg_uuid_t *uuid);

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

const Asking *
identity_asking(void)
{
	const Subject *subject = claims_subject();

	if (likely(subject != NULL && answer.serial == subject->serial &&
			   answer.generation == rows_generation && ActiveSnapshotSet() &&
			   snapshot_key_equals(&answer.snapshot, GetActiveSnapshot())))
		return user_asking(&answer.user);
	return asking_look_up(subject);
}

static const Asking *
user_asking(const User *user)
{
	return user->exists && !user->deleted ? &user->asking : NULL;
}

/* Apart, so that what is asked for every row stays short. */
static pg_noinline const Asking *
asking_look_up(const Subject *subject)
{
	if (subject == NULL || subject->size == 0 || !ActiveSnapshotSet())
		return NULL;
	return user_asking(user_look_up(subject, GetActiveSnapshot()));
}

bool
identity_user_read(const pg_uuid_t *id, bool *admin)
{
	User user = user_read(&users_by_id, UUIDPGetDatum(id), GetActiveSnapshot());

	*admin = user.asking.admin;
	return user.exists && !user.deleted;
}

/* A request that sets the claims anew, to what they were, is still the same subject's. */
static const User *
user_look_up(const Subject *subject, Snapshot snapshot)
{
	if (answer.serial == 0 || answer.generation != rows_generation ||
		answer.subject_size != subject->size ||
		memcmp(answer.subject, subject->bytes, subject->size) != 0 ||
		!snapshot_key_equals(&answer.snapshot, snapshot))
	{
		static uint64 look_ups = 0;
		/* what changes while we read makes the answer old at once */
		uint64 generation = rows_generation;
		User user;

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

/* Only a subject that no row has may be a user's own id, and a closed account has its subject.
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
	if (!user.exists && subject_is_uuid(subject, &uuid))
		user = user_read(&users_by_id, UUIDPGetDatum(&uuid), snapshot);
	return user;
}

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
		bool open;

		user.exists = true;
		user.asking.user = *DatumGetUUIDP(rows_value(&rows, COLUMN_ID));
		user.asking.admin = role != NULL && strcmp(role, "admin") == 0;
		rows_value_or_null(&rows, COLUMN_DELETED_AT, &open);
		user.deleted = !open;
	}
	rows_close(&rows);
	return user;
}

/*
 * JSON escapes were written as UTF-8: in another encoding they would be other characters, and
 * perhaps another's subject.
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

/* Only the form 8-4-4-4-12, in which tokens carry a uuid; the type's input would raise. */
static bool
subject_is_uuid(const Subject *subject, pg_uuid_t *uuid)
{
	int digits = 0;

	if (subject->size != 36)
		return false;
	memset(uuid, 0, sizeof(*uuid));
	for (int i = 0; i < 36; i++)
	{
		char c = subject->bytes[i];
		int digit;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (c != '-')
				return false;
			continue;
		}
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return false;
		uuid->data[digits / 2] |= digits % 2 ? digit : digit << 4;
		digits++;
	}
	return true;
}

bool
identity_resolve_user(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = identity_current_user(user);

	if (named == NULL)
		return known;
	if ((!known || memcmp(named, user, sizeof(*user)) != 0) && !identity_is_admin() &&
		!has_bypassrls_privilege(GetUserId()) && GetUserId() != owner_of_tables())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only an administrator or the server asks about another user"),
						errhint("Leave user_id out: the answer is about who is signed in.")));
	*user = *named;
	return true;
}
