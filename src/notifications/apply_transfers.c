/*
 * apply_transfers.c: what RevenueCat tells of purchases that go from one account to another.
 *
 * A transfer moves what RevenueCat had told of; of what it had not, its first word moves it
 * afterwards.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "notifications/apply_transfers.h"
#include "notifications/members.h"
#include "notifications/whose.h"

/*
 * Moves what RevenueCat told of person $1 to person $2: lines by the events that came from
 * RevenueCat, one-time purchases by receipts whose payload names RevenueCat, or else by the
 * stored body of a notification, if it was not purged. What was bought after the transfer ($3)
 * stays.
 */
static KeptPlan transfer_lines = {
	.sql = "SELECT pg_catalog.json_build_object('moved', (SELECT count(*) FROM"
		   " (SELECT DISTINCT e.store, e.original_transaction_id AS line"
		   "  FROM coursebase.subscription_events e JOIN coursebase.store_notifications n"
		   "  ON n.provider = 'revenuecat' AND n.environment = e.environment"
		   "  AND n.notification_id = e.store_event_id"
		   "  WHERE e.user_id = $1 AND e.original_transaction_id IS NOT NULL"
		   "  AND e.event_time <= $3) l"
		   " WHERE coursebase.transfer_line(l.store, l.line, $2)) + (SELECT count(*) FROM"
		   " (SELECT DISTINCT r.source, r.environment, r.purchase_id"
		   "  FROM coursebase.store_receipts r WHERE r.user_id = $1"
		   "  AND r.kind <> 'subscription' AND r.purchased_at <= $3"
		   "  AND (r.receipt -> 'payload' ->> 'provider' = 'revenuecat' OR EXISTS ("
		   "   SELECT FROM coursebase.store_notifications n WHERE n.provider = 'revenuecat'"
		   "   AND n.environment = r.environment AND n.user_id = $1 AND n.outcome = 'applied'"
		   "   AND n.body::pg_catalog.json #>> '{event,transaction_id}' = r.purchase_id))) p"
		   " WHERE coursebase.transfer_receipt(p.source, p.environment, p.purchase_id, $2))"
		   ")::pg_catalog.text",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TIMESTAMPTZOID},
};
/*
 * Moves one purchase, unless RevenueCat has told of it before: transfer_lines left it then,
 * because only the store had told of it. $1 store, $2 environment, $3 line, $4 transaction, $5
 * who gets it, $6 whether it is a line.
 */
static KeptPlan transfer_late = {
	.sql = "SELECT CASE WHEN $6 THEN coursebase.transfer_line($1, $3, $5)"
		   " ELSE coursebase.transfer_receipt($1, $2, $4, $5) END WHERE NOT EXISTS (SELECT"
		   " FROM coursebase.subscription_events e JOIN coursebase.store_notifications n"
		   " ON n.provider = 'revenuecat' AND n.environment = e.environment"
		   " AND n.notification_id = e.store_event_id"
		   " WHERE e.store = $1 AND e.environment = $2 AND e.original_transaction_id = $3)"
		   " AND NOT EXISTS (SELECT FROM coursebase.store_receipts r WHERE r.source = $1"
		   " AND r.environment = $2 AND r.purchase_id = $4"
		   " AND (r.receipt -> 'payload' ->> 'provider' = 'revenuecat' OR EXISTS ("
		   "  SELECT FROM coursebase.store_notifications n WHERE n.provider = 'revenuecat'"
		   "  AND n.environment = $2 AND n.user_id IN (r.user_id, $5) AND n.outcome = 'applied'"
		   "  AND n.body::pg_catalog.json #>> '{event,transaction_id}' = $4)))",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, BOOLOID},
};

/*
 * RevenueCat names both people; who had it may have closed the account, or never have been
 * here. Where later transfers are known already, the last one's receiver gets it.
 */
void
transfer_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	pg_uuid_t people[NOTICE_ACCOUNTS];
	int count;

	if (whose_transferred(notice->accounts, notice->naccounts, notice->time, call->id,
						  &effect->user))
		effect->has_user = true;
	else if (!whose_require(call, effect))
		return;
	count = whose_named(notice->transferred_from, notice->ntransferred, true, people);
	for (int i = 0; i < count; i++)
	{
		Datum values[] = {UUIDPGetDatum(&people[i]), UUIDPGetDatum(&effect->user),
						  TimestampTzGetDatum(notice->time)};

		/* RevenueCat lists aliases: some of the givers may be the receiver */
		if (uuid_equal(&people[i], &effect->user))
			continue;
		owner_execute(&transfer_lines, values, NULL, false);
		effect_applied(effect);
	}
	if (effect->result == NULL)
		effect_note(effect, "nobody who is known here gives anything over");
}

/*
 * A purchase that a store told of, and whose person has transferred everything since: the
 * transfer left it, because RevenueCat had not told of it. Its first word of it moves it, if
 * the purchase is still whose RevenueCat says that it was.
 */
void
late_transfer_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	pg_uuid_t people[NOTICE_ACCOUNTS];
	PlanValues values = {0};
	bool was_theirs = false;
	pg_uuid_t receiver;
	int count;

	if (call->provider != PROVIDER_REVENUECAT ||
		!whose_transferred(notice->accounts, notice->naccounts, notice->time, "", &receiver) ||
		uuid_equal(&receiver, &effect->user))
		return;
	count = whose_named(notice->accounts, notice->naccounts, true, people);
	for (int i = 0; i < count; i++)
		was_theirs = was_theirs || uuid_equal(&people[i], &effect->user);
	if (!was_theirs)
		return;
	plan_bind_text(&values, whose_store(call));
	plan_bind_text(&values, call_environment(call));
	plan_bind_text(&values, notice_text(notice->original_transaction));
	plan_bind_text(&values, notice_text(notice->transaction));
	plan_bind_uuid(&values, &receiver);
	plan_bind_bool(&values, notice->subject == NOTICE_SUBSCRIPTION);
	if (owner_execute(&transfer_late, values.datums, values.nulls, false) > 0 &&
		plan_bool(0, 1))
		effect->user = receiver;
}
