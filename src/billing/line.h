/*
 * line.h: a line of subscription events: its entries in the log, and the state that they make.
 *
 * A line is everything that one store says about one original transaction of one user. What is
 * stored of a line is the fold of its entries, in the order of fold_event_compare(): whatever
 * order the entries were written in, the state is the same.
 *
 * The functions that read tables need SPI and read with the rights of the tables' owner. What
 * they answer, with its texts, is allocated in the context that was current before
 * SPI_connect() or in the current one; nobody frees it before the call ends.
 */
#ifndef COURSEBASE_BILLING_LINE_H
#define COURSEBASE_BILLING_LINE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"
#include "billing/paid.h"

/* A row of subscription_events, and what the event did to its line. */
typedef struct SubscriptionEntry
{
	FoldEvent event;
	const char *store;
	const char *line; /* the original transaction, or the user's id if the event names none */
	const char *environment;
	pg_uuid_t id;
	pg_uuid_t user;
	TimestampTz received_at;
	/* set by lines_fold() */
	SubscriptionStatus before;
	SubscriptionStatus after;
	int64 expires_at;
	FoldAnomaly anomaly;
} SubscriptionEntry;

/* A row of subscription_lines: the state after the events so far. */
typedef struct SubscriptionLine
{
	const char *store;
	const char *id; /* as SubscriptionEntry.line */
	const char *environment;
	FoldState state;
	FoldEvent last;  /* type, time and id alone: where the line ends in the order of the fold */
	PaidSpan access; /* the last span of access: what holds from its beginning on */
	int64 replaced_at; /* another line takes the place of this one; FOLD_NEVER: none does */
	/* set by lines_fold() alone: what the state was made of, and all spans of access */
	const SubscriptionEntry *entries;
	int nentries;
	const PaidSpan *spans;
	int nspans;
} SubscriptionLine;

/*
 * The entries of a user's lines, or of one line (store NULL: of all), in no order. The array
 * has room for one entry more, so that the caller can add an event that is not in the log yet.
 */
extern SubscriptionEntry *entries_load(const pg_uuid_t *user, const char *store,
									   const char *line, bool read_only, int *count);

/*
 * The entries of all lines of the people from one id to another: person by person, and within a
 * person in no order. Reads with the caller's rights.
 */
extern SubscriptionEntry *entries_load_people(const pg_uuid_t *first, const pg_uuid_t *last,
											  int *count);

/* Sorts the entries by line and order, folds each line, and answers the lines. */
extern SubscriptionLine *lines_fold(SubscriptionEntry *entries, int nentries, int *nlines);

/* The term of a line that lines_fold() made as it was at that time. */
extern FoldTerm line_term_at(const SubscriptionLine *line, int64 at);

/*
 * The product of such a line at that time, for what came before the first event that names one
 * the first one; NULL if none does.
 */
extern const char *line_product_at(const SubscriptionLine *line, int64 at);

/* The lines of a user as they are stored, in no order. */
extern SubscriptionLine *lines_load(const pg_uuid_t *user, bool read_only, int *count);

/*
 * Which of two lines stands for the user: positive if the first does. lines_shown() gives the
 * one that stands for all of them, an element of the array; NULL for an empty array.
 */
extern int line_compare(const SubscriptionLine *a, const SubscriptionLine *b);
extern const SubscriptionLine *lines_shown(const SubscriptionLine *lines, int count);

/* The element that is the same store's line of the same id; NULL if none is. */
extern const SubscriptionLine *lines_find(const SubscriptionLine *lines, int count,
										  const SubscriptionLine *line);

/* The same line, whatever its state; the same line in the same state. */
extern bool line_same(const SubscriptionLine *a, const SubscriptionLine *b);
extern bool line_equal(const SubscriptionLine *a, const SubscriptionLine *b);

/* Whether the user's row of subscriptions shows this line; NULL: whether there is no row. */
extern bool subscription_shows(const pg_uuid_t *user, const SubscriptionLine *line,
							   bool read_only);

/* The column plan of subscriptions for a user whom this line stands for; a constant. */
extern const char *line_plan(const SubscriptionLine *line);

/* Reads LINE_COLUMNS of a row that the last plan gave, from this column on. */
extern void line_read(SubscriptionLine *line, uint64 row, int column);

/* The status in a column of a row that a plan gave; raises as plan_word() does. */
extern SubscriptionStatus line_status(uint64 row, int column);

#define LINE_COLUMNS                                                                           \
	"l.store, l.original_transaction_id, l.environment, l.status::pg_catalog.text, "           \
	"l.expires_at, l.grace_until, l.auto_renew, l.before_status::pg_catalog.text, "            \
	"l.before_expires_at, l.before_grace_until, l.before_auto_renew, l.first_premium_at, "     \
	"l.transaction_id, l.product_id, l.base_plan_id, l.offer_id, l.purchase_token, "           \
	"l.last_event_time, l.last_event_type, l.last_store_event_id, l.access_from, "             \
	"l.access_until, l.replaced_at "

#endif
