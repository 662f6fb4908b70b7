/*
 * notice.c: what the readers of all providers share: an empty notice, names of accounts and of
 * environments.
 *
 * Plain C: nothing allocates or raises, and what a notice points to stays the reader's.
 */
#include "notifications/notice.h"

#include <stddef.h>
#include <string.h>

/* A name that is stored, and how long it may be. */
typedef struct BoundedName
{
	const char *fault;
	size_t offset;
	size_t most;
} BoundedName;

#define AT(member) offsetof(StoreNotice, member)

static const BoundedName bounded_names[] = {
	{"id is too long", AT(id), NOTICE_TOKEN_SIZE},
	{"type is too long", AT(type), NOTICE_NAME_SIZE},
	{"subtype is too long", AT(subtype), NOTICE_NAME_SIZE},
	{"product is too long", AT(product), NOTICE_NAME_SIZE},
	{"transaction is too long", AT(transaction), NOTICE_NAME_SIZE},
	{"original transaction is too long", AT(original_transaction), NOTICE_TOKEN_SIZE},
	{"purchase token is too long", AT(token), NOTICE_TOKEN_SIZE},
	{"order or session is too long", AT(order), NOTICE_NAME_SIZE},
	{"payment is too long", AT(payment), NOTICE_NAME_SIZE},
	{"charge is too long", AT(charge), NOTICE_NAME_SIZE},
	{"invoice is too long", AT(invoice), NOTICE_NAME_SIZE},
	{"refund is too long", AT(refund), NOTICE_NAME_SIZE},
};

const char *const notice_environment_names[NOTICE_ENVIRONMENTS] = {
	[NOTICE_PRODUCTION] = "production",
	[NOTICE_SANDBOX] = "sandbox",
};

const char *const notice_refund_names[NOTICE_REFUNDS] = {
	[NOTICE_REFUND_ONE] = "refund",
	[NOTICE_REFUND_TOTAL] = "total",
	[NOTICE_REFUND_DISPUTE] = "dispute",
};

JsonSlice (*notice_from_utf8)(JsonSlice decoded);

static JsonSlice plain(JsonSlice name);

/* Everything is unknown, which is not zero for times, amounts and flags. */
void
notice_begin(StoreNotice *notice)
{
	memset(notice, 0, sizeof(*notice));
	notice->subject = NOTICE_NOTHING;
	notice->time = notice->signed_at = NOTICE_NO_TIME;
	notice->purchased_at = notice->period_start = notice->period_end = NOTICE_NO_TIME;
	notice->grace_until = notice->revoked_at = notice->answer_until = NOTICE_NO_TIME;
	notice->amount = notice->tax = NOTICE_NO_AMOUNT;
	notice->amount_scale = 1;
	notice->quantity = 1;
	notice->auto_renew = -1;
}

/* Compares in lower case; Apple has Xcode and LocalTesting besides, which are no production. */
bool
notice_environment_parse(JsonSlice raw, NoticeEnvironment *environment)
{
	static const struct
	{
		const char *word;
		NoticeEnvironment environment;
	} words[] = {
		{"production", NOTICE_PRODUCTION}, {"prod", NOTICE_PRODUCTION},
		{"sandbox", NOTICE_SANDBOX},       {"test", NOTICE_SANDBOX},
		{"xcode", NOTICE_SANDBOX},         {"localtesting", NOTICE_SANDBOX},
	};
	/* the longest word has twelve letters; a longer one is none of them */
	JsonSlice word = plain(raw);
	char lower[16];

	if (word.size == 0 || word.size >= sizeof(lower))
		return false;
	for (size_t i = 0; i < word.size; i++)
		lower[i] = word.bytes[i] >= 'A' && word.bytes[i] <= 'Z'
					   ? (char) (word.bytes[i] + ('a' - 'A'))
					   : word.bytes[i];
	lower[word.size] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(lower, words[i].word) == 0)
		{
			*environment = words[i].environment;
			return true;
		}
	return false;
}

/* Adds a name once, in the order in which the provider gives them. */
void
notice_account_add(StoreNotice *notice, JsonSlice account)
{
	if (account.size == 0 || notice->naccounts == NOTICE_ACCOUNTS)
		return;
	/* once: two spellings of one account would look like two people */
	for (int i = 0; i < notice->naccounts; i++)
		if (notice_name_same(notice->accounts[i], account))
			return;
	notice->accounts[notice->naccounts++] = account;
}

/* Words live as long as the program, so that a notice may keep them. */
JsonSlice
notice_word(const char *raw)
{
	return (JsonSlice){raw, strlen(raw)};
}

/* Raw, with quotes and escapes: none of a provider's has some, nor comes near. */
const char *
notice_too_long(const StoreNotice *notice)
{
	for (size_t i = 0; i < sizeof(bounded_names) / sizeof(bounded_names[0]); i++)
	{
		const BoundedName *name = &bounded_names[i];

		if (((const JsonSlice *) ((const char *) notice + name->offset))->size > name->most)
			return name->fault;
	}
	for (int i = 0; i < notice->naccounts; i++)
		if (notice->accounts[i].size > NOTICE_NAME_SIZE)
			return "account is too long";
	for (int i = 0; i < notice->ntransferred; i++)
		if (notice->transferred_from[i].size > NOTICE_NAME_SIZE)
			return "account is too long";
	return NULL;
}

/* Compares what stands between the quotes, if there are some; escapes are not undone, for ids
 * have none. */
bool
notice_name_same(JsonSlice a, JsonSlice b)
{
	JsonSlice x = plain(a);
	JsonSlice y = plain(b);

	return x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
}

/* Without its quotes, if it has some. */
static JsonSlice
plain(JsonSlice name)
{
	if (name.size >= 2 && name.bytes[0] == '"')
		return (JsonSlice){name.bytes + 1, name.size - 2};
	return name;
}
