/*
 * first_premium.c: what became of the first payment of a person.
 *
 * Only the log tells: a line that went on to its next payment is active, whether the first one
 * was given back or not, and the other way round. What is answered follows from the events
 * alone, and not from the order in which they came.
 */
#include "postgres.h"

#include "billing/environment.h"
#include "billing/first_premium.h"
#include "billing/line.h"

static bool line_was_paid(const SubscriptionLine *line);
static bool line_begins_before(const SubscriptionLine *a, const SubscriptionLine *b);
static bool entry_pays(const SubscriptionEntry *entry);
static const char *payment_name(const SubscriptionLine *line, int begin);
static bool first_is_given_back(const SubscriptionLine *line);
static bool names_equal(const char *a, const char *b);

FirstPayment
first_payment_find(const pg_uuid_t *user)
{
	int nentries, nlines;
	SubscriptionEntry *entries = entries_load(user, NULL, NULL, false, &nentries);
	SubscriptionLine *lines = lines_fold(entries, nentries, &nlines);
	const SubscriptionLine *first = NULL;

	for (int i = 0; i < nlines; i++)
		if (line_was_paid(&lines[i]) && (first == NULL || line_begins_before(&lines[i], first)))
			first = &lines[i];
	if (first == NULL)
		return FIRST_PAYMENT_NONE;
	return first_is_given_back(first) ? FIRST_PAYMENT_GIVEN_BACK : FIRST_PAYMENT_STANDS;
}

/* Whether the line brought money: a gift of the store or of an administrator did not, nor a
 * tester's purchase in a sandbox that does not count. */
static bool
line_was_paid(const SubscriptionLine *line)
{
	return line->state.first_premium_at != FOLD_NEVER && strcmp(line->store, "manual") != 0 &&
		   strcmp(line->store, "promotional") != 0 &&
		   environment_counts(line->environment, NULL);
}

/* One that another line took the place of goes on in that one, and stands behind it. */
static bool
line_begins_before(const SubscriptionLine *a, const SubscriptionLine *b)
{
	int order = strcmp(a->store, b->store);

	if ((a->replaced_at == FOLD_NEVER) != (b->replaced_at == FOLD_NEVER))
		return a->replaced_at == FOLD_NEVER;
	if (a->state.first_premium_at != b->state.first_premium_at)
		return a->state.first_premium_at < b->state.first_premium_at;
	return order != 0 ? order < 0 : strcmp(a->id, b->id) < 0;
}

/* Whether the event begins a paid period. The types are those by which fold.c sets
 * first_premium_at: a type that is added there belongs here, too. */
static bool
entry_pays(const SubscriptionEntry *entry)
{
	switch (entry->event.type)
	{
		case EVENT_CREATED:
		case EVENT_RENEWED:
		case EVENT_RECOVERED:
		case EVENT_RESUMED:
		case EVENT_PRODUCT_CHANGED:
			return entry->anomaly == FOLD_SOUND && entry->event.trial != 1;
		default:
			return false;
	}
}

/*
 * The name of the payment that the entry begins. Where the entry has none, the next one that
 * has names it, unless that pays for longer: Stripe tells that a subscription runs, and in an
 * event of its own which invoice was paid. NULL where no entry names it.
 */
static const char *
payment_name(const SubscriptionLine *line, int begin)
{
	int64_t end = line->entries[begin].event.period_end;

	for (int i = begin; i < line->nentries; i++)
	{
		const FoldEvent *event = &line->entries[i].event;

		if (!entry_pays(&line->entries[i]))
			continue;
		if (event->period_end != FOLD_NEVER && event->period_end > end)
			return NULL;
		if (event->transaction != NULL)
			return event->transaction;
	}
	return NULL;
}

/*
 * A refund is of the payment that it names; where the line does not know that, or none is
 * named, of the one that the line had then.
 */
static bool
first_is_given_back(const SubscriptionLine *line)
{
	const char *first = NULL;
	const char *current = NULL;
	int begin = -1; /* the entry of the first payment */
	bool given_back = false;

	for (int i = 0; i < line->nentries && begin < 0; i++)
		if (entry_pays(&line->entries[i]) &&
			line->entries[i].event.time == line->state.first_premium_at)
		{
			first = payment_name(line, i);
			begin = i;
		}
	for (int i = 0; i < line->nentries; i++)
	{
		const FoldEvent *event = &line->entries[i].event;
		bool sound = line->entries[i].anomaly == FOLD_SOUND;

		if (event->type == EVENT_REVOKED || event->type == EVENT_UNREVOKED)
		{
			bool named = event->transaction != NULL && names_equal(event->transaction, first);

			if (!event->idle && (named || (sound && names_equal(current, first))))
				given_back = event->type == EVENT_REVOKED;
		}
		else if (i == begin)
			current = first;
		else if (entry_pays(&line->entries[i]) && event->transaction != NULL)
			current = event->transaction;
	}
	return given_back;
}

/* Whether both name the same payment, or neither names one. */
static bool
names_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
