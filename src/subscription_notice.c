/*
 * subscription_notice.c: what a store said, read from its JSON and checked.
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

#include "errors.h"
#include "instant.h"
#include "json_load.h"
#include "owner.h"
#include "subscription.h"

/* Ids are keys of indexes; no store's are longer. */
#define ID_SIZE    512
#define TOKEN_SIZE 4096

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

static const char *const stores[] = {
	"google_play", "app_store", "stripe", "amazon", "promotional", "manual",
};
static const char *const environments[] = {"production", "sandbox"};

typedef struct NoticeReader
{
	JsonText text;
	JsonSpan members[MEMBERS]; /* empty: absent, or null */
} NoticeReader;

/* The row of the subtype, else the one for any. */
static KeptPlan read_mapping = {
	.sql = "SELECT m.event_type FROM coursebase.subscription_event_mappings m "
		   "WHERE m.provider = $1 AND m.name = $2 AND m.subtype IN ($3, '') "
		   "ORDER BY m.subtype = '' LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static void members_read(NoticeReader *reader, Datum json);
static SubscriptionEvent type_read(NoticeReader *reader, const char *store);
static SubscriptionEvent type_map(const char *provider, const char *name, const char *subtype);
static const char *word_read(NoticeReader *reader, NoticeMember member,
							 const char *const *words, int count);
static const char *text_require(NoticeReader *reader, NoticeMember member);
static const char *text_read(NoticeReader *reader, NoticeMember member, size_t most);
static int64 time_read(NoticeReader *reader, NoticeMember member);
static int flag_read(NoticeReader *reader, NoticeMember member);
pg_noreturn static void raise_member(NoticeMember member, const char *fault);

void
notice_read(SubscriptionNotice *notice, Datum json, const pg_uuid_t *user)
{
	SubscriptionEntry *entry = &notice->entry;
	FoldEvent *event = &entry->event;
	NoticeReader reader;

	memset(notice, 0, sizeof(*notice));
	members_read(&reader, json);
	entry->store = word_read(&reader, MEMBER_STORE, stores, lengthof(stores));
	if (entry->store == NULL)
		raise_member(MEMBER_STORE, "is missing");
	notice->manual =
		flag_read(&reader, MEMBER_MANUAL) == 1 || strcmp(entry->store, "manual") == 0;
	entry->environment =
		word_read(&reader, MEMBER_ENVIRONMENT, environments, lengthof(environments));
	if (entry->environment == NULL && strcmp(entry->store, "manual") != 0)
		raise_member(MEMBER_ENVIRONMENT, "is missing");
	if (entry->environment == NULL)
		entry->environment = "production";
	event->id = text_require(&reader, MEMBER_STORE_EVENT_ID);
	event->time = time_read(&reader, MEMBER_EVENT_TIME);
	if (event->time == FOLD_NEVER)
		raise_member(MEMBER_EVENT_TIME, "is missing");
	event->period_end = time_read(&reader, MEMBER_PERIOD_END);
	event->grace_until = time_read(&reader, MEMBER_GRACE_UNTIL);
	event->auto_renew = flag_read(&reader, MEMBER_AUTO_RENEW);
	event->trial = flag_read(&reader, MEMBER_IS_TRIAL) == 1;
	event->transaction = text_read(&reader, MEMBER_TRANSACTION_ID, ID_SIZE);
	event->product_id = text_read(&reader, MEMBER_PRODUCT_ID, ID_SIZE);
	event->base_plan_id = text_read(&reader, MEMBER_BASE_PLAN_ID, ID_SIZE);
	event->offer_id = text_read(&reader, MEMBER_OFFER_ID, ID_SIZE);
	event->purchase_token = text_read(&reader, MEMBER_PURCHASE_TOKEN, TOKEN_SIZE);
	notice->original_transaction_id =
		text_read(&reader, MEMBER_ORIGINAL_TRANSACTION_ID, ID_SIZE);
	entry->line = notice->original_transaction_id;
	if (entry->line == NULL)
		entry->line = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)));
	event->type = type_read(&reader, entry->store);
	if (reader.text.broken)
		json_raise_broken();
	notice->payload = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(reader.text.bytes, reader.text.size)));
}

/* Of a member that is there twice the last one counts. */
static void
members_read(NoticeReader *reader, Datum json)
{
	JsonSpan root, key, value;
	JsonCursor cursor;

	memset(reader, 0, sizeof(*reader));
	json_load(&reader->text, json);
	root = json_root(&reader->text);
	if (json_kind(&reader->text, root) != JSON_KIND_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_CB_EVENT_INVALID), errmsg("the event is not an object"),
						errhint("Send a JSON object with store, store_event_id, event_type and "
								"event_time.")));
	json_walk_begin(&cursor, &reader->text, root);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice raw = json_text_slice(&reader->text, key);

		for (int member = 0; member < MEMBERS; member++)
			if (json_string_is(raw, member_names[member]))
			{
				bool null = json_kind(&reader->text, value) == JSON_KIND_NULL;

				reader->members[member] = null ? (JsonSpan){0, 0} : value;
				break;
			}
	}
}

/* Canonical, or the provider's word; one that nobody has mapped is a notice. */
static SubscriptionEvent
type_read(NoticeReader *reader, const char *store)
{
	JsonSpan span = reader->members[MEMBER_EVENT_TYPE];
	const char *provider = text_read(reader, MEMBER_PROVIDER, ID_SIZE);
	const char *subtype = text_read(reader, MEMBER_SUBTYPE, ID_SIZE);
	const char *name;
	SubscriptionEvent type;

	if (json_kind(&reader->text, span) == JSON_KIND_NUMBER && span.end > span.start)
		name = pnstrdup(reader->text.bytes + span.start, span.end - span.start);
	else
		name = text_require(reader, MEMBER_EVENT_TYPE);
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

static const char *
word_read(NoticeReader *reader, NoticeMember member, const char *const *words, int count)
{
	const char *text = text_read(reader, member, ID_SIZE);
	StringInfoData fault;

	if (text == NULL)
		return NULL;
	for (int i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return words[i];
	initStringInfo(&fault);
	appendStringInfoString(&fault, "is none of");
	for (int i = 0; i < count; i++)
		appendStringInfo(&fault, "%s %s", i == 0 ? "" : ",", words[i]);
	raise_member(member, fault.data);
}

static const char *
text_require(NoticeReader *reader, NoticeMember member)
{
	const char *text = text_read(reader, member, ID_SIZE);

	if (text == NULL)
		raise_member(member, "is missing");
	return text;
}

/* NULL when it is absent. */
static const char *
text_read(NoticeReader *reader, NoticeMember member, size_t most)
{
	JsonSpan span = reader->members[member];
	const char *text;
	size_t size;

	if (span.end == span.start)
		return NULL;
	if (json_kind(&reader->text, span) != JSON_KIND_STRING)
		raise_member(member, "is no string");
	text = json_string_text(json_text_slice(&reader->text, span), &size);
	if (size == 0)
		raise_member(member, "is empty");
	if (size > most)
		raise_member(member, psprintf("has more than %zu bytes", most));
	return text;
}

/* FOLD_NEVER when it is absent. */
static int64
time_read(NoticeReader *reader, NoticeMember member)
{
	JsonSpan span = reader->members[member];
	const char *bytes = reader->text.bytes + span.start;
	size_t size = span.end - span.start;
	int64_t instant;

	if (size == 0)
		return FOLD_NEVER;
	if (json_kind(&reader->text, span) == JSON_KIND_STRING)
		bytes = json_string_text(json_text_slice(&reader->text, span), &size);
	else if (json_kind(&reader->text, span) != JSON_KIND_NUMBER)
		raise_member(member, "is neither a string nor a number");
	if (!instant_parse(bytes, size, &instant))
		raise_member(member,
					 "is neither ISO 8601 with a zone nor milliseconds since 1970, up to 9999");
	return instant;
}

/* -1 when it is absent. */
static int
flag_read(NoticeReader *reader, NoticeMember member)
{
	JsonSpan span = reader->members[member];

	if (span.end == span.start)
		return -1;
	if (json_kind(&reader->text, span) != JSON_KIND_BOOLEAN)
		raise_member(member, "is neither true nor false");
	return reader->text.bytes[span.start] == 't';
}

static void
raise_member(NoticeMember member, const char *fault)
{
	ereport(ERROR, (errcode(ERRCODE_CB_EVENT_INVALID),
					errmsg("the event's member \"%s\" %s", member_names[member], fault),
					errhint("Correct the event; nothing was written.")));
}
