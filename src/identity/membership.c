/*
 * membership.c: the roles that the user who asks has in organisations.
 *
 * Policies ask once a statement and functions once a call. All memberships of that user are
 * therefore read at once, straight from the index, and kept for as long as the active snapshot
 * sees the same rows (the key is the user, snapshot_key.h and rows_generation). As in
 * asking.c, nothing deletes what is kept when a row changes.
 *
 * A user who is nobody has no memberships. Who asks may live in another cell than home, where
 * organisations live; in any other cell nobody has memberships, and to ask is refused. No lock
 * is taken. Rights: rows are read past row security, which is safe because they are always
 * those of the user who asks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/datum.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/asking.h"
#include "identity/guest.h"
#include "identity/membership.h"

typedef struct Membership
{
	pg_uuid_t organization;
	MembershipRole role;
} Membership;

/* The memberships of one user, and what they hold for. */
typedef struct Memberships
{
	bool read; /* false: nothing is kept, or a read raised halfway */
	pg_uuid_t user;
	uint64 generation;
	SnapshotKey snapshot;
	int count;
	int room;
	Membership *list; /* session memory */
} Memberships;

enum
{
	COLUMN_ORGANIZATION,
	COLUMN_ROLE,
	COLUMNS,
};

/* Nobody belongs anywhere while there are no tables; a null, which only a dropped constraint
 * lets in, gives nothing. */
static RowsSource memberships_by_user = {
	.table = "memberships",
	.index = "memberships_user_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"organization_id", UUIDOID, true}, {"role", ROWS_ENUM, true}},
	.optional = true,
};

const char *const membership_role_names[MEMBERSHIP_ROLES] = {
	[MEMBERSHIP_OWNER] = "owner",
	[MEMBERSHIP_ADMIN] = "admin",
	[MEMBERSHIP_COACH] = "coach",
	[MEMBERSHIP_MEMBER] = "member",
};

/* What is kept: one entry a session, since a session rarely changes its user. */
static Memberships own;

static bool memberships_load(void);
static void memberships_read(void);
static void membership_add(const pg_uuid_t *organization, const char *role);

bool
membership_holds(const pg_uuid_t *organization, MembershipRole least)
{
	if (!memberships_load())
		return false;
	for (int i = 0; i < own.count; i++)
		if (own.list[i].role <= least && uuid_equal(&own.list[i].organization, organization))
			return true;
	return false;
}

Datum
membership_organizations(MembershipRole least)
{
	Datum *ids;
	int count = 0;

	if (!memberships_load() || own.count == 0)
		return PointerGetDatum(construct_empty_array(UUIDOID));
	ids = palloc(own.count * sizeof(Datum));
	for (int i = 0; i < own.count; i++)
		if (own.list[i].role <= least)
			ids[count++] = UUIDPGetDatum(&own.list[i].organization);
	return array_of(UUIDOID, ids, NULL, count);
}

void
membership_require(const pg_uuid_t *organization, MembershipRole least)
{
	if (identity_is_server())
		return;
	if (organization == NULL || !membership_holds(organization, least))
	{
		organizations_require_home();
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only staff of its organisation may do this"),
						errhint("Sign in as somebody who works there.")));
	}
}

/* Makes own hold the memberships of the user who asks; false for nobody. */
static bool
memberships_load(void)
{
	const Asking *asking = identity_asking_anywhere();
	Snapshot snapshot;
	uint64 generation;

	if (asking == NULL)
	{
		organizations_require_home();
		return false;
	}
	snapshot = GetActiveSnapshot();
	if (own.read && own.generation == rows_generation && uuid_equal(&own.user, &asking->user) &&
		snapshot_key_equals(&own.snapshot, snapshot))
		return true;
	/* taken before the read: a table altered during it makes the answer outdated at once */
	generation = rows_generation;
	/* the read can raise, and must not leave half an answer behind */
	own.read = false;
	own.count = 0;
	own.user = asking->user;
	memberships_read();
	if (own.count == 0)
		organizations_require_home();
	own.generation = generation;
	snapshot_key_take(&own.snapshot, snapshot);
	own.read = true;
	return true;
}

/* Adds every membership of own.user. Without a table (during a restore) there are none. */
static void
memberships_read(void)
{
	Datum key = UUIDPGetDatum(&own.user);
	Rows rows;

	rows_open(&rows, &memberships_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	while (rows_next(&rows))
	{
		bool no_organization;
		Datum organization = rows_value_or_null(&rows, COLUMN_ORGANIZATION, &no_organization);
		const char *role = rows_label(&rows, COLUMN_ROLE);

		if (!no_organization && role != NULL)
			membership_add(DatumGetUUIDP(organization), role);
	}
	rows_close(&rows);
}

/* Adds one membership. A role that this release does not know gives no rights, and is left out.
 */
static void
membership_add(const pg_uuid_t *organization, const char *role)
{
	for (int i = 0; i < MEMBERSHIP_ROLES; i++)
	{
		if (strcmp(role, membership_role_names[i]) != 0)
			continue;
		if (own.count == own.room)
		{
			int room = Max(8, own.room * 2);

			own.list = own.list == NULL
						   ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Membership))
						   : repalloc(own.list, room * sizeof(Membership));
			own.room = room;
		}
		own.list[own.count].organization = *organization;
		own.list[own.count++].role = (MembershipRole) i;
	}
}
