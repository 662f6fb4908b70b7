/*
 * whose.c: the person is found, first by what is bound already, then by the names in the
 * content, last by the caller.
 *
 * A payment that is bound to somebody stays theirs whatever a later notification names, for
 * account tokens are set by apps, and apps are signed in and out of. A closed account's names
 * are nobody's. What RevenueCat tells late of somebody who has transferred everything since is
 * the receiver's.
 *
 * Where there are several cells what names nobody comes to home, which has recorded the cell
 * that sold it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "cells/world_keys.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/setting.h"
#include "notifications/members.h"
#include "notifications/takeup.h"
#include "notifications/whose.h"
#include "store/transfer.h"

/*
 * Who has the line before who has a receipt, and whether everybody who has something of it is
 * closed: nobody takes an open account's line over by an old receipt of a closed one. The index
 * of tokens has their ends, because a token may be longer than an index takes. $1 store, $2
 * environment, $3 line, $4 transaction, $5 token
 */
static KeptPlan find_bound = {
	.sql = "SELECT u.id, bool_and(u.deleted_at IS NOT NULL) OVER () FROM ("
		   " SELECT a.user_id, min(a.place) AS place FROM (SELECT l.user_id, 1 AS place"
		   " FROM coursebase.subscription_lines l"
		   " WHERE l.store = $1 AND l.environment = $2 AND l.original_transaction_id = $3"
		   " UNION ALL"
		   " SELECT r.user_id, 2 FROM coursebase.store_receipts r"
		   " WHERE r.source = $1 AND r.environment = $2 AND r.user_id IS NOT NULL"
		   "  AND (r.purchase_id IN ($3, $4) OR r.purchase_token = $5"
		   "   AND right(r.purchase_token, 64) = right($5, 64))) a GROUP BY 1) b"
		   " JOIN coursebase.users u ON u.id = b.user_id"
		   " ORDER BY b.place, u.deleted_at IS NOT NULL, u.id LIMIT 1",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
/*
 * The person of a name n: it is the external id, or the id of users. The name becomes a uuid,
 * and not the id a text, so that both are found by their index.
 */
#define JOIN_NAMED                                                                             \
	" JOIN coursebase.users u ON u.clerk_user_id = n.name"                                     \
	"  OR u.id = CASE WHEN lower(n.name COLLATE \"C\")"                                        \
	"    ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"                                      \
	"   THEN lower(n.name COLLATE \"C\")::uuid END"
/* Of live accounts, unless $2. */
static KeptPlan find_named = {
	.sql = "SELECT DISTINCT u.id FROM unnest($1) n (name)" JOIN_NAMED
		   " WHERE (u.deleted_at IS NULL OR $2) AND NOT u.is_guest",
	.nargs = 2,
	.types = {TEXTARRAYOID, BOOLOID},
};

/*
 * One step after the other, each to the next transfer away from whose names it has then; the
 * last that names somebody who is here, or was. A person is named by either name. $1 names, $2
 * time, $3 notification
 */
static KeptPlan follow_transfers = {
	.sql =
		"WITH RECURSIVE way (names, at, id, step) AS (SELECT $1, $2, $3, 0 UNION ALL"
		" SELECT t.names, t.happened_at, t.notification_id, w.step + 1 FROM way w"
		" CROSS JOIN LATERAL (SELECT n.happened_at, n.notification_id,"
		"  ARRAY(SELECT pg_catalog.json_array_elements_text("
		"   n.body::pg_catalog.json #> '{event,transferred_to}')) AS names"
		"  FROM coursebase.store_notifications n WHERE n.kind = 'TRANSFER'"
		"  AND n.provider = 'revenuecat' AND n.outcome <> 'refused' AND n.body IS NOT NULL"
		"  AND n.happened_at >= w.at AND (n.happened_at, n.notification_id) > (w.at, w.id)"
		"  AND EXISTS (SELECT FROM pg_catalog.json_array_elements_text("
		"    n.body::pg_catalog.json #> '{event,transferred_from}') f (name)"
		"   WHERE f.name = ANY (w.names) OR EXISTS (SELECT FROM coursebase.users u"
		"    WHERE u.clerk_user_id = f.name AND u.id::text IN (SELECT"
		"     lower(x COLLATE \"C\") FROM unnest(w.names) x) OR u.clerk_user_id = ANY (w.names)"
		"     AND u.id::text = lower(f.name COLLATE \"C\")))"
		"  ORDER BY n.happened_at, n.notification_id LIMIT 1) t)"
		" SELECT p.id FROM (SELECT coalesce(u.merged_into, u.id) AS id,"
		"  w.step = max(w.step) OVER () AS is_last FROM way w, unnest(w.names) n "
		"(name)" JOIN_NAMED
		"  WHERE w.step > 0 AND NOT u.is_guest) p WHERE p.is_last GROUP BY p.id",
	.nargs = 3,
	.types = {TEXTARRAYOID, TIMESTAMPTZOID, TEXTOID},
};

/* The most keys of the world that a notification names. */
#define SOLD_KEYS 5

static Datum names_array(const JsonSlice *names, int nnames);
static void sold_key(Datum *kinds, Datum *keys, int *count, const char *kind, const char *key);
static void names_require_here(const JsonSlice *names, int nnames);
static bool bound_find(const NoticeCall *call, pg_uuid_t *user, bool *closed);

/* In the order of trust: what is bound, what the content names, what the caller says. The
 * caller never overrides one of the others, but for a restore. */
Whose
whose_find(const NoticeCall *call, pg_uuid_t *user)
{
	const StoreNotice *notice = call->notice;
	pg_uuid_t people[NOTICE_ACCOUNTS];
	bool closed;
	int named;

	if (bound_find(call, user, &closed))
	{
		if (call->user == NULL || uuid_equal(user, call->user))
			return WHOSE_FOUND;
		/* who brings the purchase of an account that is closed restores it */
		if (!transfer_is_allowed(closed))
			return WHOSE_OTHER;
		*user = *call->user;
		return WHOSE_FOUND;
	}
	whose_sold_require_here(call);
	/* a transfer names the receiver, and follows the later ones itself */
	if (call->provider == PROVIDER_REVENUECAT && notice->subject != NOTICE_TRANSFER &&
		whose_transferred(notice->accounts, notice->naccounts, notice->time, "", user))
		return call->user == NULL || uuid_equal(user, call->user) ? WHOSE_FOUND : WHOSE_OTHER;
	named = whose_named(notice->accounts, notice->naccounts, false, people);
	if (named > 1)
		return WHOSE_AMBIGUOUS;
	if (named == 1)
	{
		*user = people[0];
		return call->user == NULL || uuid_equal(user, call->user) ? WHOSE_FOUND : WHOSE_OTHER;
	}
	names_require_here(notice->accounts, notice->naccounts);
	/*
	 * The setting require_account_token: of a signed document only its own account token says
	 * whose it is, and not the caller.
	 */
	if (call->user == NULL || (call->proven && setting_boolean("require_account_token")))
		return WHOSE_NOBODY;
	*user = *call->user;
	return WHOSE_FOUND;
}

/*
 * Nobody and several people wait, because a later call may change that: the person signs up, or
 * is named. Another person's purchase is refused.
 */
bool
whose_require(const NoticeCall *call, NoticeEffect *effect)
{
	switch (whose_find(call, &effect->user))
	{
		case WHOSE_FOUND:
			effect->has_user = true;
			return true;
		case WHOSE_NOBODY:
			effect_wait(effect,
						"no such person yet: no name in it is that of an account, and user_id "
						"names nobody");
			return false;
		case WHOSE_AMBIGUOUS:
			effect_wait(effect, "ambiguous_person: its names are those of several accounts");
			return false;
		default:
			effect_refuse(effect, "KB205: it is another person's than the one in user_id");
			return false;
	}
}

/* A line or a receipt that is known by one of the notice's ids. */
static bool
bound_find(const NoticeCall *call, pg_uuid_t *user, bool *closed)
{
	const StoreNotice *notice = call->notice;
	const char *store = whose_store(call);
	PlanValues values = {0};

	/*
	 * NULL for a store of RevenueCat's in which nothing is sold here: nothing can be bound to
	 * it
	 */
	if (store == NULL)
		return false;
	plan_bind_text(&values, store);
	plan_bind_text(&values, notice_environment_names[notice->environment]);
	plan_bind_text(&values, notice_text(notice->original_transaction));
	plan_bind_text(&values, notice_text(notice->transaction));
	plan_bind_text(&values, notice_text(notice->token));
	if (owner_execute(&find_bound, values.datums, values.nulls, false) == 0)
		return false;
	*user = plan_uuid(0, 1);
	*closed = plan_bool(0, 2);
	return true;
}

/* Cut to NOTICE_ACCOUNTS, which is the room that every caller gives. */
int
whose_named(const JsonSlice *names, int nnames, bool closed_too, pg_uuid_t *people)
{
	PlanValues values = {0};
	int count;

	plan_bind(&values, names_array(names, nnames));
	plan_bind_bool(&values, closed_too);
	count = (int) owner_execute(&find_named, values.datums, values.nulls, false);
	for (int i = 0; i < count && i < NOTICE_ACCOUNTS; i++)
		people[i] = plan_uuid(i, 1);
	return Min(count, NOTICE_ACCOUNTS);
}

/*
 * Exactly one person must stand at the end of the way: two accounts that the last transfer
 * names make no answer.
 */
bool
whose_transferred(const JsonSlice *names, int nnames, TimestampTz at, const char *id,
				  pg_uuid_t *person)
{
	PlanValues values = {0};

	if (nnames == 0)
		return false;
	plan_bind(&values, names_array(names, nnames));
	plan_bind_time(&values, at);
	plan_bind_text(&values, id);
	if (owner_execute(&follow_transfers, values.datums, values.nulls, false) != 1)
		return false;
	*person = plan_uuid(0, 1);
	return true;
}

/* What is asked about is a row of nobody here. */
void
whose_sold_require_here(const NoticeCall *call)
{
	const StoreNotice *notice = call->notice;
	const char *store = whose_store(call);
	char *line = notice_text(notice->original_transaction);
	char *transaction = notice_text(notice->transaction);
	Datum kinds[SOLD_KEYS];
	Datum keys[SOLD_KEYS];
	int count = 0;
	Cell here;

	if (call->user != NULL || !cell_here(&here))
		return;
	directory_require_not_leaving(takeup_names(notice));
	/* as the triggers that claim the keys make them */
	if (store != NULL && line != NULL)
	{
		sold_key(kinds, keys, &count, "store_line", psprintf("%s/%s", store, line));
		sold_key(kinds, keys, &count, "purchase",
				 psprintf("%s/%s/%s", store, call_environment(call), line));
	}
	if (store != NULL && transaction != NULL)
		sold_key(kinds, keys, &count, "purchase",
				 psprintf("%s/%s/%s", store, call_environment(call), transaction));
	if (call->provider == PROVIDER_STRIPE && notice->payment.size > 0)
		sold_key(kinds, keys, &count, "stripe_payment", notice_text(notice->payment));
	if (call->provider == PROVIDER_STRIPE && notice->charge.size > 0)
		sold_key(kinds, keys, &count, "stripe_charge", notice_text(notice->charge));
	world_keys_require_here(array_of(TEXTOID, kinds, NULL, count),
							array_of(TEXTOID, keys, NULL, count));
}

static void
sold_key(Datum *kinds, Datum *keys, int *count, const char *kind, const char *key)
{
	kinds[*count] = CStringGetTextDatum(kind);
	keys[(*count)++] = CStringGetTextDatum(key);
}

/* Raises KBC01 if one of the names, none of which is known here, is that of a person who lives
 * in another cell: the caller is not to say that it is somebody else's. */
static void
names_require_here(const JsonSlice *names, int nnames)
{
	Residence residence;
	Cell here;

	for (int i = 0; i < nnames; i++)
	{
		const char *name = notice_text(names[i]);

		if (name != NULL && directory_has_elsewhere(name, strlen(name), &here, &residence))
			directory_raise_elsewhere(&here, &residence);
	}
}

/* Names as text[], in the current context. */
static Datum
names_array(const JsonSlice *names, int nnames)
{
	Datum texts[NOTICE_ACCOUNTS];

	for (int i = 0; i < nnames; i++)
		texts[i] = CStringGetTextDatum(notice_text(names[i]));
	return array_of(TEXTOID, texts, NULL, nnames);
}

/* The app that a line was bought in keeps its name whoever reports it, so that RevenueCat and
 * the store itself speak of one line. */
const char *
whose_store(const NoticeCall *call)
{
	static const struct
	{
		const char *name;
		const char *store;
	} stores[] = {
		{"APP_STORE", "app_store"},     {"MAC_APP_STORE", "app_store"},
		{"PLAY_STORE", "google_play"},  {"STRIPE", "stripe"},
		{"RC_BILLING", "stripe"},       {"AMAZON", "amazon"},
		{"PROMOTIONAL", "promotional"},
	};

	if (call->provider != PROVIDER_REVENUECAT)
		return notice_provider_names[call->provider];
	for (int i = 0; i < lengthof(stores); i++)
		if (call->notice->store.size > 0 && json_string_is(call->notice->store, stores[i].name))
			return stores[i].store;
	return NULL;
}
