/*
 * notice.c: what a store said, read from its JSON and checked.
 *
 * Whatever is wrong is said with the name of the member; nothing is guessed. Members that are
 * not known are kept in the payload and not read.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "billing/subscription.h"
#include "core/errors.h"
#include "core/owner.h"
#include "json/members.h"

typedef enum NoticeMember
{
	MEMBER_STORE,
	MEMBER_ENVIRONMENT,
	MEMBER_STORE_EVENT_ID,
	MEMBER_EVENT_TYPE,
	MEMBER_SUBTYPE,
	MEMBER_PROVIDER,
	MEMBER_ORIGINAL_TRANSACTION_ID,
	MEMBER_TRANSACTION_ID,
	MEMBER_PRODUCT_ID,
	MEMBER_BASE_PLAN_ID,
	MEMBER_OFFER_ID,
	MEMBER_PURCHASE_TOKEN,
	MEMBER_EVENT_TIME,
	MEMBER_PERIOD_END,
	MEMBER_GRACE_UNTIL,
	MEMBER_AUTO_RENEW,
	MEMBER_IS_TRIAL,
	MEMBER_MANUAL,
	MEMBERS,
} NoticeMember;

static const char *const member_names[MEMBERS] = {
	"store",
	"environment",
	"store_event_id",
	"event_type",
	"subtype",
	"provider",
	"original_transaction_id",
	"transaction_id",
	"product_id",
	"base_plan_id",
	"offer_id",
	"purchase_token",
	"event_time",
	"period_end",
	"grace_until",
	"auto_renew",
	"is_trial",
	"manual",
};

static const MembersForm notice_form = {
	.object = "the event",
	.code = ERRCODE_CB_EVENT_INVALID,
	.hint = "Correct the event; nothing was written.",
	.object_hint = "Send a JSON object with store, store_event_id, event_type and event_time.",
	.names = member_names,
	.count = MEMBERS,
};

static const char *const stores[] = {
	"google_play", "app_store", "stripe", "amazon", "promotional", "manual",
};
static const char *const environments[] = {"production", "sandbox"};

/* The row of the subtype, else the one for any. */
static KeptPlan read_mapping = {
	.sql = "SELECT m.event_type FROM coursebase.subscription_event_mappings m "
		   "WHERE m.provider = $1 AND m.name = $2 AND m.subtype IN ($3, '') "
		   "ORDER BY m.subtype = '' LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static SubscriptionEvent type_read(Members *members, const char *store);
static SubscriptionEvent type_map(const char *provider, const char *name, const char *subtype);

void
notice_read(SubscriptionNotice *notice, Datum json, const pg_uuid_t *user)
{
	SubscriptionEntry *entry = &notice->entry;
	FoldEvent *event = &entry->event;
	Members members;

	memset(notice, 0, sizeof(*notice));
	members_load(&members, &notice_form, json, MEMBERS);
	entry->store = members_word(&members, MEMBER_STORE, stores, lengthof(stores));
	if (entry->store == NULL)
		members_raise(&notice_form, MEMBER_STORE, "is missing");
	notice->manual =
		members_flag(&members, MEMBER_MANUAL) == 1 || strcmp(entry->store, "manual") == 0;
	entry->environment =
		members_word(&members, MEMBER_ENVIRONMENT, environments, lengthof(environments));
	if (entry->environment == NULL && strcmp(entry->store, "manual") != 0)
		members_raise(&notice_form, MEMBER_ENVIRONMENT, "is missing");
	if (entry->environment == NULL)
		entry->environment = "production";
	event->id = members_text_require(&members, MEMBER_STORE_EVENT_ID, MEMBERS_ID_SIZE);
	event->time = members_time(&members, MEMBER_EVENT_TIME);
	if (event->time == FOLD_NEVER)
		members_raise(&notice_form, MEMBER_EVENT_TIME, "is missing");
	event->period_end = members_time(&members, MEMBER_PERIOD_END);
	event->grace_until = members_time(&members, MEMBER_GRACE_UNTIL);
	event->auto_renew = members_flag(&members, MEMBER_AUTO_RENEW);
	event->trial = members_flag(&members, MEMBER_IS_TRIAL) == 1;
	event->transaction = members_text(&members, MEMBER_TRANSACTION_ID, MEMBERS_ID_SIZE);
	event->product_id = members_text(&members, MEMBER_PRODUCT_ID, MEMBERS_ID_SIZE);
	event->base_plan_id = members_text(&members, MEMBER_BASE_PLAN_ID, MEMBERS_ID_SIZE);
	event->offer_id = members_text(&members, MEMBER_OFFER_ID, MEMBERS_ID_SIZE);
	event->purchase_token = members_text(&members, MEMBER_PURCHASE_TOKEN, MEMBERS_TOKEN_SIZE);
	notice->original_transaction_id =
		members_text(&members, MEMBER_ORIGINAL_TRANSACTION_ID, MEMBERS_ID_SIZE);
	entry->line = notice->original_transaction_id;
	if (entry->line == NULL)
		entry->line = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)));
	event->type = type_read(&members, entry->store);
	members_end(&members);
	notice->payload = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(members.text.bytes, members.text.size)));
}

/* Canonical, or the provider's word; one that nobody has mapped is a notice. */
static SubscriptionEvent
type_read(Members *members, const char *store)
{
	JsonSpan span = members->spans[MEMBER_EVENT_TYPE];
	const char *provider = members_text(members, MEMBER_PROVIDER, MEMBERS_ID_SIZE);
	const char *subtype = members_text(members, MEMBER_SUBTYPE, MEMBERS_ID_SIZE);
	const char *name;
	SubscriptionEvent type;

	if (json_kind(&members->text, span) == JSON_KIND_NUMBER && span.end > span.start)
		name = pnstrdup(members->text.bytes + span.start, span.end - span.start);
	else
		name = members_text_require(members, MEMBER_EVENT_TYPE, MEMBERS_ID_SIZE);
	if (subscription_event_parse(name, &type))
		return type;
	return type_map(provider == NULL ? store : provider, name, subtype == NULL ? "" : subtype);
}

static SubscriptionEvent
type_map(const char *provider, const char *name, const char *subtype)
{
	Datum values[] = {CStringGetTextDatum(provider), CStringGetTextDatum(name),
					  CStringGetTextDatum(subtype)};
	SubscriptionEvent type;

	if (owner_execute(&read_mapping, values, NULL, false) == 0 ||
		!subscription_event_parse(plan_text_required(0, 1), &type))
		return EVENT_NOTED;
	return type;
}
