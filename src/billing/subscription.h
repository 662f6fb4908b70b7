/*
 * subscription.h: what the files of subscriptions share: events, and the lines they make.
 *
 * Texts are in the memory of the call. The log's rows are never changed, so that everything
 * else can be made from them again.
 */
#ifndef COURSEBASE_BILLING_SUBSCRIPTION_H
#define COURSEBASE_BILLING_SUBSCRIPTION_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"
#include "core/plan.h"

/* A row of the log, and what it did. */
typedef struct SubscriptionEntry
{
	FoldEvent event;
	const char *store;
	const char *line; /* the original transaction, or the user's id where there is none */
	const char *environment;
	pg_uuid_t id;
	TimestampTz received_at;
	/* made by lines_fold() */
	SubscriptionStatus before;
	SubscriptionStatus after;
	int64 expires_at;
	FoldAnomaly anomaly;
} SubscriptionEntry;

/* One store's original transaction, after its events so far. */
typedef struct SubscriptionLine
{
	const char *store;
	const char *id; /* as SubscriptionEntry.line */
	const char *environment;
	FoldState state;
	FoldEvent last; /* its place in the order: type, time and id */
} SubscriptionLine;

/* What a store said, checked. */
typedef struct SubscriptionNotice
{
	SubscriptionEntry entry;
	const char *original_transaction_id; /* NULL: it names none */
	bool manual;
	Datum payload; /* jsonb */
} SubscriptionNotice;

/* billing/notice.c: raises KB501, naming the member, for what is missing or malformed. */
extern void notice_read(SubscriptionNotice *notice, Datum json, const pg_uuid_t *user);

/*
 * billing/lines.c: all need SPI, and read with the rights of the tables' owner.
 * entries_load gives the user's events, or those of one line (store NULL: all); lines_fold
 * orders them by line and fold, and gives the lines.
 */
extern SubscriptionEntry *entries_load(const pg_uuid_t *user, const char *store,
									   const char *line, bool read_only, int *count);
extern SubscriptionLine *lines_fold(SubscriptionEntry *entries, int nentries, int *nlines);
extern SubscriptionLine *lines_load(const pg_uuid_t *user, bool read_only, int *count);
/* The line that the user's row shows; NULL of none. */
extern const SubscriptionLine *lines_shown(const SubscriptionLine *lines, int count);
extern int line_compare(const SubscriptionLine *a, const SubscriptionLine *b);
/* Whether the user's row is what shows this line (NULL: there is no row). */
extern bool subscription_shows(const pg_uuid_t *user, const SubscriptionLine *line,
							   bool read_only);
extern bool line_equal(const SubscriptionLine *a, const SubscriptionLine *b);
extern bool line_same(const SubscriptionLine *a, const SubscriptionLine *b);
extern const char *line_plan(const SubscriptionLine *line);
/* From a row of the last plan: LINE_COLUMNS from this column on. */
extern void line_read(SubscriptionLine *line, uint64 row, int column);

#define LINE_COLUMNS                                                                           \
	"l.store, l.original_transaction_id, l.environment, l.status::pg_catalog.text, "           \
	"l.expires_at, l.grace_until, l.auto_renew, l.before_status::pg_catalog.text, "            \
	"l.before_expires_at, l.before_grace_until, l.before_auto_renew, l.first_premium_at, "     \
	"l.transaction_id, l.product_id, l.base_plan_id, l.offer_id, l.purchase_token, "           \
	"l.last_event_time, l.last_event_type, l.last_store_event_id "
#define LINE_NCOLUMNS 20

/* billing/write.c: the only writers of the machine's tables. false: somebody else's. */
extern bool line_insert(const SubscriptionLine *line, const pg_uuid_t *user);
extern void line_update(const SubscriptionLine *line);
extern void line_delete(const SubscriptionLine *line);
extern void subscription_begin(const pg_uuid_t *user);
extern void subscription_touch(const pg_uuid_t *user);
extern void subscription_show(const pg_uuid_t *user, const SubscriptionLine *line);

typedef struct SubscriptionAnswer
{
	const char *status;
	int64 expires_at;
	const char *anomaly; /* NULL: the event was applied */
} SubscriptionAnswer;

extern bool event_insert(const SubscriptionNotice *notice, const pg_uuid_t *user,
						 Datum subscription, const SubscriptionAnswer *answer, TimestampTz at);

/* A time for a plan, a tuple: null for FOLD_NEVER. */
static inline Datum
time_datum(int64 time, char *null)
{
	*null = time == FOLD_NEVER ? 'n' : ' ';
	return TimestampTzGetDatum(time);
}

/*
 * What slices to the right are told of a person's first premium. discounts pays whoever brought
 * the person; billing stands to its left and names nothing of it. Called between SPI_connect()
 * and SPI_finish(), under the lock of the person; may raise. Set once, when the library is
 * loaded.
 */
typedef enum PremiumTurn
{
	PREMIUM_BEGAN,
	PREMIUM_REFUNDED,
} PremiumTurn;
typedef void (*PremiumListener)(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at);
extern PremiumListener premium_listener;

#endif
