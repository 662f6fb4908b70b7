/*
 * notices_fuzz.c: the readers of what providers send refuse with a member's name, or fill a
 * notice whose texts lie in what came and whose numbers are within their bounds.
 *
 * The first byte says which reader; a zero byte parts a body from what comes with it (a
 * document of Google Play, the payloads within a notification of Apple's).
 */
#include "fuzz.h"

#include "notifications/app_store.h"
#include "notifications/fields.h"
#include "notifications/google_play.h"
#include "notifications/revenuecat.h"
#include "notifications/stripe.h"

#define PARTS    3
#define EARLIEST INT64_C(252460800000000)  /* 2008, microseconds since 2000 */
#define LATEST   INT64_C(3155760000000000) /* 2100 */

/* A text is none, a word of the reader's own, or a JSON string or number with its end. */
static void
text_sound(JsonSlice text)
{
	if (text.size == 0)
		return;
	PROMISE(text.bytes != NULL);
	PROMISE(text.bytes[0] != '"' || (text.size >= 2 && text.bytes[text.size - 1] == '"'));
}

static void
time_sound(int64_t time, bool is_end)
{
	PROMISE(time == NOTICE_NO_TIME || (is_end && time == FIELD_FOR_EVER) ||
			(time >= EARLIEST && time <= LATEST));
}

static void
notice_sound(const StoreNotice *notice)
{
	const JsonSlice texts[] = {
		notice->id,
		notice->type,
		notice->subtype,
		notice->store,
		notice->product,
		notice->base_plan,
		notice->offer,
		notice->token,
		notice->linked_token,
		notice->order,
		notice->payment,
		notice->charge,
		notice->invoice,
		notice->refund,
		notice->currency,
		notice->transaction,
		notice->original_transaction,
		notice->application,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_sound(texts[i]);
	PROMISE(notice->naccounts >= 0 && notice->naccounts <= NOTICE_ACCOUNTS);
	PROMISE(notice->ntransferred >= 0 && notice->ntransferred <= NOTICE_ACCOUNTS);
	for (int i = 0; i < notice->naccounts; i++)
		text_sound(notice->accounts[i]);
	time_sound(notice->time, false);
	time_sound(notice->purchased_at, false);
	time_sound(notice->period_start, false);
	time_sound(notice->period_end, true);
	time_sound(notice->grace_until, true);
	PROMISE(notice->quantity >= 1);
	PROMISE(notice->auto_renew >= -1 && notice->auto_renew <= 1);
	PROMISE(notice->state <= PURCHASE_STATE_CANCELED);
}

/* The readers expect JSON that was validated, and an object, as their caller sees to. */
static bool
is_object(JsonSlice part)
{
	return part.size == 0 || (part.bytes[0] == '{' && fuzz_valid(part.bytes, part.size));
}

static bool
notice_read(unsigned char which, const JsonSlice *parts, char *room, StoreNotice *notice,
			FieldFault *fault)
{
	AppStoreParts inner;
	char words[STRIPE_ROOM];

	switch (which % 5)
	{
		case 0:
			return app_store_read(parts[0], parts[1], parts[2], notice, fault);
		case 1:
			return app_store_parts(parts[0], &inner, fault) &&
				   app_store_read((JsonSlice){NULL, 0}, parts[0], parts[1], notice, fault);
		case 2:
			return google_play_read(parts[0], parts[1], room, notice, fault);
		case 3:
			if (!stripe_read(parts[0], words, notice, fault))
				return false;
			/* the words are gone with this frame */
			notice->subtype = (JsonSlice){NULL, 0};
			return true;
		default:
			return revenuecat_read(parts[0], notice, fault);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bodies[PARTS] = {NULL};
	JsonSlice parts[PARTS] = {{NULL, 0}};
	const uint8_t *at = data + 1, *end = data + size;
	StoreNotice notice;
	FieldFault fault = {NULL, NULL};
	StripeHeader header;
	bool sound = size > 1;

	for (int i = 0; sound && i < PARTS && at <= end; i++)
	{
		const uint8_t *stop = i < PARTS - 1 ? memchr(at, 0, (size_t) (end - at)) : NULL;
		size_t length = (size_t) ((stop == NULL ? end : stop) - at);

		bodies[i] = fuzz_copy(at, length);
		parts[i] = (JsonSlice){bodies[i], length};
		sound = is_object(parts[i]);
		at = stop == NULL ? end + 1 : stop + 1;
	}
	if (sound && parts[0].size > 0)
	{
		char *room = malloc(parts[0].size + 1);

		if (notice_read(data[0], parts, room, &notice, &fault))
			notice_sound(&notice);
		else
			PROMISE(fault.member != NULL && fault.fault != NULL);
		free(room);
	}
	/* the header of Stripe is no JSON */
	if (size > 1 && bodies[0] != NULL &&
		stripe_header_read((JsonSlice){bodies[0], parts[0].size}, &header))
		PROMISE(header.nsignatures > 0 && header.nsignatures <= STRIPE_SIGNATURES &&
				header.seconds >= 0);
	for (int i = 0; i < PARTS; i++)
		free(bodies[i]);
	return 0;
}
