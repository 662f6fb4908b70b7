/*
 * notice.c: a store's event, read from its JSON and checked, and written as JSON again.
 *
 * A member that is missing or malformed is refused by its name; nothing is guessed. Members
 * that the form does not name are kept in the payload and not read.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "billing/environment.h"
#include "billing/notice.h"
#include "billing/refunds.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/signed_only.h"
#include "json/members.h"

/* The members that this release reads. The payload keeps the others too. */
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
	MEMBER_LINKED_PURCHASE_TOKEN,
	MEMBER_EVENT_TIME,
	MEMBER_PERIOD_START,
	MEMBER_PERIOD_END,
	MEMBER_GRACE_UNTIL,
	MEMBER_AUTO_RENEW,
	MEMBER_IS_TRIAL,
	MEMBER_MANUAL,
	MEMBER_PAID,
	MEMBER_REFUND_REF,
	MEMBER_REFUND_KIND,
	MEMBER_REFUNDED,
	MEMBER_PAYMENT_INTENT_ID,
	MEMBER_CHARGE_ID,
	MEMBERS,
} NoticeMember;

/* The names that apply_subscription_event() documents; the payload is written with them too. */
static const char *const member_names[MEMBERS] = {
	[MEMBER_STORE] = "store",
	[MEMBER_ENVIRONMENT] = "environment",
	[MEMBER_STORE_EVENT_ID] = "store_event_id",
	[MEMBER_EVENT_TYPE] = "event_type",
	[MEMBER_SUBTYPE] = "subtype",
	[MEMBER_PROVIDER] = "provider",
	[MEMBER_ORIGINAL_TRANSACTION_ID] = "original_transaction_id",
	[MEMBER_TRANSACTION_ID] = "transaction_id",
	[MEMBER_PRODUCT_ID] = "product_id",
	[MEMBER_BASE_PLAN_ID] = "base_plan_id",
	[MEMBER_OFFER_ID] = "offer_id",
	[MEMBER_PURCHASE_TOKEN] = "purchase_token",
	[MEMBER_LINKED_PURCHASE_TOKEN] = "linked_purchase_token",
	[MEMBER_EVENT_TIME] = "event_time",
	[MEMBER_PERIOD_START] = "period_start",
	[MEMBER_PERIOD_END] = "period_end",
	[MEMBER_GRACE_UNTIL] = "grace_until",
	[MEMBER_AUTO_RENEW] = "auto_renew",
	[MEMBER_IS_TRIAL] = "is_trial",
	[MEMBER_MANUAL] = "manual",
	[MEMBER_PAID] = "paid_in_cents",
	[MEMBER_REFUND_REF] = "refund_ref",
	[MEMBER_REFUND_KIND] = "refund_kind",
	[MEMBER_REFUNDED] = "refunded_in_cents",
	[MEMBER_PAYMENT_INTENT_ID] = "payment_intent_id",
	[MEMBER_CHARGE_ID] = "charge_id",
};

/* A wrong event is an error of the sender, which must not be taken for one of the server. */
static const MembersForm notice_form = {
	.object = "the event",
	.code = ERRCODE_CB_EVENT_INVALID,
	.hint = "Correct the event; nothing was written.",
	.object_hint = "Send a JSON object with store, store_event_id, event_type and event_time.",
	.names = member_names,
	.count = MEMBERS,
};

/* What a person enters has no environment, and is always production. */
#define STORE_MANUAL "manual"
static const char *const stores[] = {
	"google_play", "app_store", "stripe", "amazon", "promotional", STORE_MANUAL,
};

/* RevenueCat's names of the stores, and those that people write. */
static const MembersAlias store_aliases[] = {
	{"playstore", "google_play"}, {"google", "google_play"}, {"macappstore", "app_store"},
	{"apple", "app_store"},       {"rcbilling", "stripe"},
};

/* The mapping of the subtype, or else the one that is for every subtype (''). */
static KeptPlan read_mapping = {
	.sql = "SELECT m.event_type FROM coursebase.subscription_event_mappings m "
		   "WHERE m.provider = $1 AND m.name = $2 AND m.subtype IN ($3, '') "
		   "ORDER BY m.subtype = '' LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static void refund_read(SubscriptionNotice *notice, const Members *members);
static int64 sum_read(const Members *members, int member);
static SubscriptionEvent type_read(Members *members, const char *store);
static bool type_map(const char *provider, const char *name, const char *subtype,
					 SubscriptionEvent *type);
pg_noreturn static void raise_type(const char *name);
static Datum payload_of(const SubscriptionNotice *notice, bool typed);
static void member_push(CompatJsonb *object, NoticeMember member, JsonbValue *value);
static void text_push(CompatJsonb *object, NoticeMember member, const char *text);
static void time_push(CompatJsonb *object, NoticeMember member, int64 time);
static void flag_push(CompatJsonb *object, NoticeMember member, int flag);
static void sum_push(CompatJsonb *object, NoticeMember member, int64 sum);

/* Members are read straight into the event, so that what is absent must look the same there. */
StaticAssertDecl(MEMBERS_NO_TIME == FOLD_NEVER, "a time that is absent is a time never");
StaticAssertDecl(MEMBERS_NO_FLAG == -1, "a flag that is absent is FoldEvent's -1");

/* What is absent is what members that are absent are read as: the assertions above. */
void
notice_init(SubscriptionNotice *notice, const char *store, const char *environment,
			SubscriptionEvent type, int64 time)
{
	FoldEvent *event = &notice->event;

	memset(notice, 0, sizeof(*notice));
	notice->store = store;
	notice->environment = environment;
	event->type = type;
	event->time = time;
	event->period_start = event->period_end = event->grace_until = FOLD_NEVER;
	event->trial = event->auto_renew = MEMBERS_NO_FLAG;
}

/*
 * The order of the checks is the order in which a caller learns of faults: the store first,
 * because it decides what else is asked; the type last, because only a mapping in a table may
 * know it.
 */
void
notice_read(SubscriptionNotice *notice, Datum json)
{
	FoldEvent *event = &notice->event;
	Members members;
	bool by_hand;

	/* also transaction_seen, which is the log's to say */
	memset(notice, 0, sizeof(*notice));
	members_load(&members, &notice_form, json, MEMBERS);
	notice->store = members_spelled(&members, MEMBER_STORE, stores, lengthof(stores),
									store_aliases, lengthof(store_aliases));
	if (notice->store == NULL)
		members_raise(&notice_form, MEMBER_STORE, "is missing");
	/*
	 * KB822 before anything else is said: who may not tell of this store learns nothing about
	 * the event
	 */
	signed_only_require(notice->store);
	/* a correction by hand is refused if it does not fit: there is somebody to tell */
	by_hand = strcmp(notice->store, STORE_MANUAL) == 0;
	notice->manual = members_flag(&members, MEMBER_MANUAL) == 1 || by_hand;
	notice->environment =
		members_spelled(&members, MEMBER_ENVIRONMENT, environment_names, ENVIRONMENTS,
						environment_aliases, ENVIRONMENT_ALIASES);
	if (notice->environment == NULL && !by_hand)
		members_raise(&notice_form, MEMBER_ENVIRONMENT, "is missing");
	if (notice->environment == NULL)
		notice->environment = environment_names[ENVIRONMENT_PRODUCTION];
	event->id = members_text_require(&members, MEMBER_STORE_EVENT_ID, MEMBERS_ID_SIZE);
	/* without a time the event has no place in the order of the fold */
	event->time = members_time(&members, MEMBER_EVENT_TIME);
	if (event->time == FOLD_NEVER)
		members_raise(&notice_form, MEMBER_EVENT_TIME, "is missing");
	event->period_start = members_time(&members, MEMBER_PERIOD_START);
	event->period_end = members_end_time(&members, MEMBER_PERIOD_END);
	event->grace_until = members_end_time(&members, MEMBER_GRACE_UNTIL);
	event->auto_renew = members_flag(&members, MEMBER_AUTO_RENEW);
	event->trial = members_flag(&members, MEMBER_IS_TRIAL);
	event->transaction = members_text(&members, MEMBER_TRANSACTION_ID, MEMBERS_ID_SIZE);
	event->product_id = members_text(&members, MEMBER_PRODUCT_ID, MEMBERS_ID_SIZE);
	event->base_plan_id = members_text(&members, MEMBER_BASE_PLAN_ID, MEMBERS_ID_SIZE);
	event->offer_id = members_text(&members, MEMBER_OFFER_ID, MEMBERS_ID_SIZE);
	event->purchase_token = members_text(&members, MEMBER_PURCHASE_TOKEN, MEMBERS_TOKEN_SIZE);
	event->linked_token =
		members_text(&members, MEMBER_LINKED_PURCHASE_TOKEN, MEMBERS_TOKEN_SIZE);
	notice->original_transaction_id =
		members_text(&members, MEMBER_ORIGINAL_TRANSACTION_ID, MEMBERS_ID_SIZE);
	refund_read(notice, &members);
	/* the last one, because a mapping is looked up only for an event that is well formed */
	event->type = type_read(&members, notice->store);
	members_end(&members);
	/* the whole object, so that a later release can read what this one does not; what this one
	 * reads in one spelling, so that a repetition in another is the same */
	notice->payload = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(members.text.bytes, members.text.size)));
	notice->payload = DirectFunctionCall2(
		jsonb_concat,
		DirectFunctionCall2(jsonb_delete_array, notice->payload, notice_read_members()),
		payload_of(notice, false));
}

/* What was paid, by which names the payment is found again, and what was given back of it. */
static void
refund_read(SubscriptionNotice *notice, const Members *members)
{
	FoldEvent *event = &notice->event;
	const char *kind;

	event->paid = sum_read(members, MEMBER_PAID);
	notice->payment_intent_id =
		members_text(members, MEMBER_PAYMENT_INTENT_ID, MEMBERS_ID_SIZE);
	notice->charge_id = members_text(members, MEMBER_CHARGE_ID, MEMBERS_ID_SIZE);
	event->refund = members_text(members, MEMBER_REFUND_REF, MEMBERS_ID_SIZE);
	event->refunded = sum_read(members, MEMBER_REFUNDED);
	kind = members_word(members, MEMBER_REFUND_KIND, refund_kind_names, REFUND_KINDS);
	if (event->refund == NULL)
		return;
	/* without a sum it could be a part or the whole */
	if (event->refunded == 0)
		members_raise(&notice_form, MEMBER_REFUNDED, "is missing");
	if (event->transaction == NULL)
		members_raise(&notice_form, MEMBER_TRANSACTION_ID, "is missing");
	if (kind != NULL)
		refund_kind_parse(kind, &event->refund_kind);
}

/* A sum in minor units; 0 for one that is absent. */
static int64
sum_read(const Members *members, int member)
{
	const char *word = members_scalar(members, member, MEMBERS_ID_SIZE);
	int64 sum = 0;

	if (word == NULL)
		return 0;
	for (const char *c = word; *c != '\0'; c++)
		if (*c < '0' || *c > '9' || pg_mul_s64_overflow(sum, 10, &sum) ||
			pg_add_s64_overflow(sum, *c - '0', &sum))
			members_raise(&notice_form, member, "is not a whole number of minor units");
	return sum;
}

/* All names of the form, and the one for what one wants to keep. */
Datum
notice_known_members(void)
{
	Datum names[MEMBERS + 1];

	for (int i = 0; i < MEMBERS; i++)
		names[i] = CStringGetTextDatum(member_names[i]);
	names[MEMBERS] = CStringGetTextDatum("payload");
	return array_of(TEXTOID, names, NULL, MEMBERS + 1);
}

/* As what came names a type is kept, with its subtype; what it means is a column. */
Datum
notice_read_members(void)
{
	Datum names[MEMBERS];
	int count = 0;

	for (int i = 0; i < MEMBERS; i++)
		if (i != MEMBER_PROVIDER && i != MEMBER_SUBTYPE && i != MEMBER_EVENT_TYPE)
			names[count++] = CStringGetTextDatum(member_names[i]);
	return array_of(TEXTOID, names, NULL, count);
}

/*
 * The canonical name, or the provider's own name or number for it. What nobody has mapped is
 * noted: an unknown notice must not make the webhook fail, and the provider send it for ever.
 */
static SubscriptionEvent
type_read(Members *members, const char *store)
{
	JsonSpan span = members->spans[MEMBER_EVENT_TYPE];
	const char *provider = members_text(members, MEMBER_PROVIDER, MEMBERS_ID_SIZE);
	const char *subtype = members_text(members, MEMBER_SUBTYPE, MEMBERS_ID_SIZE);
	const char *name;
	SubscriptionEvent type;

	signed_only_require(provider);
	/* Google Play numbers its notifications */
	if (json_kind(&members->text, span) == JSON_KIND_NUMBER && span.end > span.start)
		name = pnstrdup(members->text.bytes + span.start, span.end - span.start);
	else
		name = members_text_require(members, MEMBER_EVENT_TYPE, MEMBERS_ID_SIZE);
	/* canonical names stand before mappings: nobody can map "expired" to something else */
	if (subscription_event_parse(name, &type))
		return type;
	/* RevenueCat speaks for several stores, in words of its own */
	if (type_map(provider == NULL ? store : provider, name, subtype == NULL ? "" : subtype,
				 &type))
		return type;
	/* in the manner of our own names, and none of them: no provider of ours writes so */
	if (provider == NULL && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0')
		raise_type(name);
	return EVENT_NOTED;
}

/* A canonical type that does not exist, with the nearest one that does. */
static void
raise_type(const char *name)
{
	int least = INT_MAX;
	SubscriptionEvent nearest = EVENT_NOTED;

	for (SubscriptionEvent type = 0; type < SUBSCRIPTION_EVENTS; type++)
	{
		const char *known = subscription_event_names[type];
		int distance = varstr_levenshtein(name, Min(strlen(name), 64), known, strlen(known), 1,
										  1, 1, true);

		if (distance < least)
		{
			least = distance;
			nearest = type;
		}
	}
	ereport(ERROR, (errcode(ERRCODE_CB_EVENT_INVALID),
					errmsg("there is no type \"%s\" of events", name),
					errhint("The nearest one is \"%s\". A provider's own name comes with the "
							"member \"provider\".",
							subscription_event_names[nearest])));
}

/* False for a name without a mapping. */
static bool
type_map(const char *provider, const char *name, const char *subtype, SubscriptionEvent *type)
{
	PlanValues values = {0};

	plan_bind_text(&values, provider);
	plan_bind_text(&values, name);
	plan_bind_text(&values, subtype);
	return owner_execute(&read_mapping, values.datums, values.nulls, false) > 0 &&
		   subscription_event_parse(plan_text_required(0, 1), type);
}

Datum
notice_payload(const SubscriptionNotice *notice)
{
	return payload_of(notice, true);
}

/* jsonb orders the members itself, so their order here does not matter. */
static Datum
payload_of(const SubscriptionNotice *notice, bool typed)
{
	const FoldEvent *event = &notice->event;
	CompatJsonb object = {0};

	compat_jsonb_push(&object, WJB_BEGIN_OBJECT, NULL);
	text_push(&object, MEMBER_STORE, notice->store);
	text_push(&object, MEMBER_ENVIRONMENT, notice->environment);
	text_push(&object, MEMBER_STORE_EVENT_ID, event->id);
	if (typed)
		text_push(&object, MEMBER_EVENT_TYPE, subscription_event_names[event->type]);
	text_push(&object, MEMBER_ORIGINAL_TRANSACTION_ID, notice->original_transaction_id);
	text_push(&object, MEMBER_TRANSACTION_ID, event->transaction);
	text_push(&object, MEMBER_PRODUCT_ID, event->product_id);
	text_push(&object, MEMBER_BASE_PLAN_ID, event->base_plan_id);
	text_push(&object, MEMBER_OFFER_ID, event->offer_id);
	text_push(&object, MEMBER_PURCHASE_TOKEN, event->purchase_token);
	text_push(&object, MEMBER_LINKED_PURCHASE_TOKEN, event->linked_token);
	time_push(&object, MEMBER_EVENT_TIME, event->time);
	time_push(&object, MEMBER_PERIOD_START, event->period_start);
	time_push(&object, MEMBER_PERIOD_END, event->period_end);
	time_push(&object, MEMBER_GRACE_UNTIL, event->grace_until);
	flag_push(&object, MEMBER_AUTO_RENEW, event->auto_renew);
	flag_push(&object, MEMBER_IS_TRIAL, event->trial);
	/* left out if it is false, as a caller would */
	flag_push(&object, MEMBER_MANUAL, notice->manual ? 1 : MEMBERS_NO_FLAG);
	sum_push(&object, MEMBER_PAID, event->paid);
	text_push(&object, MEMBER_PAYMENT_INTENT_ID, notice->payment_intent_id);
	text_push(&object, MEMBER_CHARGE_ID, notice->charge_id);
	text_push(&object, MEMBER_REFUND_REF, event->refund);
	if (event->refund != NULL)
		text_push(&object, MEMBER_REFUND_KIND, refund_kind_names[event->refund_kind]);
	sum_push(&object, MEMBER_REFUNDED, event->refunded);
	compat_jsonb_push(&object, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(object.result));
}

/* The strings of a JsonbValue are not constant by type, but nothing writes to them. */
static void
member_push(CompatJsonb *object, NoticeMember member, JsonbValue *value)
{
	JsonbValue name = {.type = jbvString};

	name.val.string.val = unconstify(char *, member_names[member]);
	name.val.string.len = strlen(member_names[member]);
	compat_jsonb_push(object, WJB_KEY, &name);
	compat_jsonb_push(object, WJB_VALUE, value);
}

/* NULL is a member that is absent. */
static void
text_push(CompatJsonb *object, NoticeMember member, const char *text)
{
	JsonbValue value = {.type = jbvString};

	if (text == NULL)
		return;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	member_push(object, member, &value);
}

/* In UTC: the payload of a repeated event must be equal in a session of any time zone. */
static void
time_push(CompatJsonb *object, NoticeMember member, int64 time)
{
	if (time != FOLD_NEVER)
		text_push(object, member, time_utc_text(time));
}

/* A flag that the store does not say is a member that is absent, and not false. */
static void
flag_push(CompatJsonb *object, NoticeMember member, int flag)
{
	JsonbValue value = {.type = jbvBool};

	if (flag == MEMBERS_NO_FLAG)
		return;
	value.val.boolean = flag == 1;
	member_push(object, member, &value);
}

/* 0 is a sum that nobody told. */
static void
sum_push(CompatJsonb *object, NoticeMember member, int64 sum)
{
	JsonbValue value = {.type = jbvNumeric};

	if (sum == 0)
		return;
	value.val.numeric = int64_to_numeric(sum);
	member_push(object, member, &value);
}
