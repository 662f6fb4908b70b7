/*
 * subscription_fuzz.c: any events in any order: the fold never leaves its statuses, an anomaly
 * changes nothing, a status moves only as the matrix says, quiet events and cancellations move
 * no end backwards, and the order of the log does not show. The spans of access lie apart, an
 * event takes nothing away that lies before it, and one step says what the whole ledger says.
 * What a refund did is what the log of until its instant says.
 */
#include "fuzz.h"
#include "billing/fold.h"
#include "billing/paid.h"
#include "billing/refunds.h"
#include "json/instant.h"

#define MAX_EVENTS 64
#define EVENT_SIZE 8

static const char *const transactions[] = {NULL, "a", "b", "c"};
static const char *const refunds[] = {NULL, "r", "s", "t"};
static char id_room[MAX_EVENTS][3];

static void
event_read(FoldEvent *event, const uint8_t *bytes, int n)
{
	memset(event, 0, sizeof(*event));
	id_room[n][0] = (char) ('0' + n / 10);
	id_room[n][1] = (char) ('0' + n % 10);
	event->type = (SubscriptionEvent) (bytes[0] % SUBSCRIPTION_EVENTS);
	event->trial = bytes[1] & 1;
	event->auto_renew = (bytes[1] >> 1) % 3 - 1;
	event->transaction = transactions[(bytes[1] >> 4) % 4];
	event->time = bytes[2];
	event->period_start = bytes[6] == 0 ? FOLD_NEVER : bytes[6];
	event->period_end = bytes[3] == 0 ? FOLD_NEVER : bytes[3];
	event->grace_until = bytes[4] == 0 ? FOLD_NEVER : bytes[4];
	event->product_id = bytes[5] & 1 ? "p" : NULL;
	event->offer_id = bytes[5] & 2 ? "o" : NULL;
	event->purchase_token = bytes[5] & 4 ? "t" : NULL;
	event->refund = refunds[bytes[7] & 3];
	event->refund_kind = (RefundKind) ((bytes[7] >> 2) % REFUND_KINDS);
	event->refunded = 1 + (bytes[7] >> 4) % 4;
	event->paid = bytes[7] >> 6;
	event->id = id_room[n];
}

static void
refunds_read(FoldEvent *events, int count)
{
	FoldEvent *all[MAX_EVENTS];
	RefundTold room[MAX_EVENTS];
	bool idle[MAX_EVENTS];

	for (int i = 0; i < count; i++)
		all[i] = &events[i];
	refunds_mark(all, count, room);
	for (int i = 0; i < count; i++)
		idle[i] = events[i].idle;
	for (int end = 1; end < count; end++)
	{
		if (events[end].time == events[end - 1].time)
			continue;
		refunds_mark(all, end, room);
		for (int i = 0; i < end; i++)
			PROMISE(events[i].idle == idle[i]);
	}
	refunds_mark(all, count, room);
}

static int
order(const void *a, const void *b)
{
	return fold_event_compare(a, b);
}

/* Whether a payment may bring an earlier end than the line had: of a line that gives no access,
 * whose end was given back or cut off, or for another product. */
static bool
replaces_end(const FoldState *before, const FoldEvent *event)
{
	bool sold = event->type == EVENT_CREATED || event->type == EVENT_RENEWED;
	bool of_other = event->product_id != NULL && before->product_id != NULL &&
					strcmp(event->product_id, before->product_id) != 0;

	return before->now.status == SUBSCRIPTION_REVOKED ||
		   before->now.status == SUBSCRIPTION_EXPIRED || (sold && of_other);
}

/*
 * The status that the matrix and its footnotes say: what will not renew is canceled, a
 * cancellation that is taken back leads to the grace period that goes on beyond what is paid,
 * the canceled payment that is told again leaves it canceled, and an extension or a note
 * changes no status.
 */
static SubscriptionStatus
status_said(const FoldState *before, const FoldEvent *event, SubscriptionStatus cell)
{
	const FoldTerm *now = &before->now;

	if (event->type == EVENT_EXTENDED || event->type == EVENT_NOTED)
		return cell;
	if (event->type == EVENT_UNCANCELED && now->status == SUBSCRIPTION_CANCELED &&
		now->grace_until > now->expires_at && event->period_end <= now->expires_at)
		return SUBSCRIPTION_IN_GRACE;
	if (event->type == EVENT_RENEWED && now->status == SUBSCRIPTION_CANCELED &&
		event->transaction_seen && event->auto_renew != 1 && before->transaction != NULL &&
		strcmp(event->transaction, before->transaction) == 0)
		return SUBSCRIPTION_CANCELED;
	if (event->auto_renew == 0 &&
		(cell == SUBSCRIPTION_ACTIVE || cell == SUBSCRIPTION_TRIALING))
		return SUBSCRIPTION_CANCELED;
	return cell;
}

static FoldAnomaly
step(FoldState *state, const FoldEvent *event)
{
	FoldState before = *state;
	FoldAnomaly anomaly = fold_step(state, event);
	int cell = event->type < EVENT_MATRIX_COLUMNS ? fold_cell(before.now.status, event->type)
												  : (int) before.now.status;

	if (event->idle)
	{
		PROMISE(anomaly == FOLD_SOUND && memcmp(&before, state, sizeof(before)) == 0);
		return anomaly;
	}
	PROMISE(state->now.status < SUBSCRIPTION_STATUSES);
	PROMISE(anomaly == FOLD_SOUND || memcmp(&before, state, sizeof(before)) == 0);
	PROMISE((cell == FOLD_IMPOSSIBLE) <= (anomaly == FOLD_IMPOSSIBLE_TRANSITION) ||
			anomaly == FOLD_EARLIER_PAYMENT);
	/* a failed charge or its end, however old, never cuts what was paid for */
	if (event->type == EVENT_GRACE_STARTED || event->type == EVENT_HOLD_STARTED)
		PROMISE(fold_access_end(&before.now) == FOLD_NEVER ||
				fold_access_end(&state->now) >= before.now.expires_at);
	if (cell < SUBSCRIPTION_STATUSES && anomaly == FOLD_SOUND)
		PROMISE(state->now.status == status_said(&before, event, (SubscriptionStatus) cell));
	if (event->type != EVENT_REVOKED && event->type != EVENT_UNREVOKED &&
		event->type != EVENT_PRODUCT_CHANGED && !replaces_end(&before, event))
		PROMISE(state->now.expires_at >= before.now.expires_at);
	if (event->type == EVENT_CANCELED || event->type == EVENT_GRACE_STARTED)
		PROMISE(state->now.expires_at == before.now.expires_at);
	PROMISE(before.first_premium_at == FOLD_NEVER ||
			state->first_premium_at == before.first_premium_at);
	return anomaly;
}

/* The ledger, and which of the times of a byte it gave access to after the event before. */
typedef struct Access
{
	PaidLedger ledger;
	PaidItem items[PAID_ITEMS_AN_EVENT * MAX_EVENTS];
	PaidReturn returns[MAX_EVENTS];
	PaidCut cuts[MAX_EVENTS];
	PaidSpan last;
	bool given[256];
} Access;

/* The ledger is used up by paid_spans(): it is made of a copy after each event. */
static int
spans_of(const Access *access, PaidSpan *spans)
{
	static PaidItem items[PAID_ITEMS_AN_EVENT * MAX_EVENTS];
	static PaidReturn returns[MAX_EVENTS];
	PaidLedger copy = access->ledger;

	memcpy(items, access->items, sizeof(items));
	memcpy(returns, access->returns, sizeof(returns));
	copy.items = items;
	copy.returns = returns;
	return paid_spans(&copy, spans);
}

static void
access_step(Access *access, const FoldState *before, const FoldState *after,
			const FoldEvent *event, FoldAnomaly anomaly)
{
	PaidSpan spans[(PAID_ITEMS_AN_EVENT + 1) * MAX_EVENTS + 1];
	PaidSpan last = access->last;
	bool told = paid_step(&last, before, after, event, anomaly);
	int count, n = 0;

	paid_take(&access->ledger, before, after, event, anomaly);
	count = spans_of(access, spans);
	for (int i = 0; i < count; i++)
		PROMISE(spans[i].from < spans[i].until &&
				(i == 0 || spans[i - 1].until < spans[i].from));
	access->last = count == 0 ? (PaidSpan){FOLD_NEVER, FOLD_NEVER} : spans[count - 1];
	PROMISE(!told || (last.from == access->last.from && last.until == access->last.until));
	for (int t = 0; t < 256; t++)
	{
		bool given;

		while (n < count && spans[n].until <= t)
			n++;
		given = n < count && spans[n].from <= t;
		PROMISE(t >= event->time || given >= access->given[t]);
		PROMISE(t >= event->time || given == access->given[t] ||
				(event->period_start != FOLD_NEVER && event->period_start <= t));
		access->given[t] = given;
	}
}

static FoldState
fold(FoldEvent *events, int count)
{
	static Access access;
	FoldState state;

	qsort(events, count, sizeof(*events), order);
	refunds_read(events, count);
	fold_begin(&state);
	memset(&access, 0, sizeof(access));
	access.ledger.items = access.items;
	access.ledger.returns = access.returns;
	access.ledger.cuts = access.cuts;
	access.last = (PaidSpan){FOLD_NEVER, FOLD_NEVER};
	for (int i = 0; i < count; i++)
	{
		FoldState before = state;
		FoldAnomaly anomaly;

		events[i].transaction_seen = false;
		for (int j = 0; j < i; j++)
			events[i].transaction_seen |=
				events[j].transaction != NULL && events[j].transaction == events[i].transaction;
		anomaly = step(&state, &events[i]);
		access_step(&access, &before, &state, &events[i], anomaly);
	}
	return state;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FoldEvent events[MAX_EVENTS];
	int count = (int) (size / EVENT_SIZE);
	FoldState forth, back;
	int64_t instant;

	instant_parse((const char *) data, size, &instant);
	if (count > MAX_EVENTS)
		count = MAX_EVENTS;
	for (int i = 0; i < count; i++)
		event_read(&events[i], data + (size_t) i * EVENT_SIZE, i);
	forth = fold(events, count);
	for (int i = 0; i < count / 2; i++)
	{
		FoldEvent other = events[i];

		events[i] = events[count - 1 - i];
		events[count - 1 - i] = other;
	}
	back = fold(events, count);
	PROMISE(memcmp(&forth, &back, sizeof(forth)) == 0);
	return 0;
}
