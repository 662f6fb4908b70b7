/*
 * state.c: what a user gets, computed from the tables.
 *
 * Everything is read with the active snapshot, the versions too: so the versions are those of
 * exactly this state.
 *
 * To add a member of the answer, add its writer to members.h and to the array below. To add
 * documents, add them to own_entries() (or to catalogue.c, if everybody gets them). Whatever
 * changes with time tells the validity; whatever table is read gets triggers that move a
 * version (sql/sync/tables.sql).
 */
#include "postgres.h"

#include "billing/entitlement.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "json/json_write.h"
#include "sync/catalogue.h"
#include "sync/documents.h"
#include "sync/members.h"
#include "sync/slice.h"
#include "sync/state.h"

/* The members of the answer beside manifest, purchases and digest, in their order. */
static const struct
{
	const char *name;
	HandshakeMemberWriter write;
} members[] = {
	{"ai_usage", handshake_credits_write},    {"subscription", handshake_subscription_write},
	{"discounts", handshake_discounts_write}, {"courses", handshake_courses_write},
	{"premium_slots", handshake_slots_write},
};

static void versions_find(HandshakeVersions *versions, const pg_uuid_t *user);
static void own_entries(HandshakeEntries *entries, Validity *validity, const pg_uuid_t *user);
static void entries_merge(HandshakeState *state, const HandshakeCatalogue *catalogue,
						  const HandshakeEntries *own);
static void digest_compute(HandshakeState *state);
static JsonSlice members_write(Validity *validity, const pg_uuid_t *user);

/* The versions are read before the tables they stand for: a later change makes the state
 * stale. */
void
handshake_state_compute(HandshakeState *state, HandshakeVersions *versions,
						const pg_uuid_t *user, TimestampTz at, bool has_written)
{
	HandshakeEntries own = {0};
	const HandshakeCatalogue *catalogue;
	bool admin;

	memset(state, 0, sizeof(*state));
	state->validity = validity_at(at);
	if (!identity_user_read(user, &admin))
		anchor_raise_missing(user);
	versions_find(versions, user);
	catalogue = handshake_catalogue_get(versions, admin, has_written);
	own_entries(&own, &state->validity, user);
	entries_merge(state, catalogue, &own);
	state->protected = catalogue->protected;
	state->nprotected = catalogue->nprotected;
	digest_compute(state);
	state->members = members_write(&state->validity, user);
}

/*
 * The cohort decides whose version is read. A change of the entitlements moves the version of
 * the catalogue, and the session hears of the change a moment after it sees the version
 * (billing/entitlement.c): what it has kept of them since another version is read anew, or the
 * cached state would be that of before the change for ever.
 */
static void
versions_find(HandshakeVersions *versions, const pg_uuid_t *user)
{
	static int64 entitlements_since = -1; /* no version */

	memset(versions, 0, sizeof(*versions));
	versions->in_cohort = identity_cohort(user, &versions->cohort_id);
	handshake_versions_read(versions, user);
	if (versions->catalogue != entitlements_since || versions->own_change)
		entitlements_forget();
	/* a version of this transaction's own may be rolled back and come again */
	entitlements_since = versions->own_change ? -1 : versions->catalogue;
}

/* The documents that only this user gets. */
static void
own_entries(HandshakeEntries *entries, Validity *validity, const pg_uuid_t *user)
{
	handshake_courses_add(entries, validity, user);
	handshake_custom_courses_add(entries, user);
	entries_order(entries);
}

/* Both lists are in order. Of one name the user's own entry counts, which has the higher rank.
 */
static void
entries_merge(HandshakeState *state, const HandshakeCatalogue *catalogue,
			  const HandshakeEntries *own)
{
	HandshakeEntry *merged = palloc_extended(
		(catalogue->nentries + own->count + 1) * sizeof(HandshakeEntry), MCXT_ALLOC_HUGE);
	int n = 0;
	int c = 0;

	for (int o = 0; o < own->count; o++)
	{
		int order = 1;

		while (c < catalogue->nentries &&
			   (order = slice_compare(catalogue->entries[c].name, own->entries[o].name)) < 0)
			merged[n++] = catalogue->entries[c++];
		if (c < catalogue->nentries && order == 0)
			c++;
		merged[n++] = own->entries[o];
	}
	while (c < catalogue->nentries)
		merged[n++] = catalogue->entries[c++];
	state->entries = merged;
	state->nentries = n;
}

/* MD5 over one line an entry: name, a space, checksum, a line feed. */
static void
digest_compute(HandshakeState *state)
{
	Digest *digest = digest_begin(DIGEST_MD5);
	StringInfoData lines;

	initStringInfo(&lines);
	for (int i = 0; i < state->nentries; i++)
	{
		HandshakeEntry *entry = &state->entries[i];

		resetStringInfo(&lines);
		appendBinaryStringInfo(&lines, entry->name.bytes, (int) entry->name.size);
		appendStringInfoChar(&lines, ' ');
		appendBinaryStringInfo(&lines, entry->checksum.bytes, (int) entry->checksum.size);
		appendStringInfoChar(&lines, '\n');
		digest_update(digest, lines.data, lines.len);
	}
	digest_finish(digest, state->digest);
}

/* Each writer appends its value behind its name; a writer may narrow the validity. */
static JsonSlice
members_write(Validity *validity, const pg_uuid_t *user)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < lengthof(members); i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		json_write_string(&out, members[i].name, strlen(members[i].name));
		appendStringInfoChar(&out, ':');
		members[i].write(&out, validity, user);
	}
	return (JsonSlice){out.data, out.len};
}
