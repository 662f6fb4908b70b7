/*
 * notice.h: what a provider's notification says, in one form for all providers.
 *
 * The readers (app_store.c, google_play.c, stripe.c, revenuecat.c) fill a StoreNotice from a
 * body and change nothing in it: which canonical event a type means is data
 * (subscription_event_mappings), whose it is and what it does is decided behind them. They are
 * plain C: nothing allocates, raises or looks at a clock; texts are raw JSON strings with their
 * quotes, or slices of the body, in the caller's memory.
 */
#ifndef COURSEBASE_NOTIFICATIONS_NOTICE_H
#define COURSEBASE_NOTIFICATIONS_NOTICE_H

#include <stdint.h>

#include "json/json.h"

/* A time that the notification does not name, in microseconds since 2000 as the server counts.
 */
#define NOTICE_NO_TIME   INT64_MIN
#define NOTICE_NO_AMOUNT INT64_MIN

/* Names that may be the person's: an account token, a user id of the app, its aliases. */
#define NOTICE_ACCOUNTS 16

/* What it is about; the kind of thing, not what happened to it. */
typedef enum NoticeSubject
{
	NOTICE_NOTHING,      /* a test, a price notice, a type that nobody knows: noted */
	NOTICE_SUBSCRIPTION, /* an event of a subscription's line */
	NOTICE_PURCHASE,     /* a one-time purchase that was made, is pending, or was canceled */
	NOTICE_CHECKOUT, /* a checkout session of Stripe, or a payment intent: without an order */
	NOTICE_PAYMENT,  /* the names of the payment that paid an invoice */
	NOTICE_REFUND,   /* money of a one-time purchase or sale that went back */
	NOTICE_REVERSAL, /* a refund that was taken back */
	NOTICE_REVIEW,   /* a refund that the store asks about, or a dispute that is open */
	NOTICE_TRANSFER, /* purchases that go from one account to another */
} NoticeSubject;

/* What a refund of Stripe's is: itself, all refunds of a charge so far, or a dispute. */
typedef enum NoticeRefund
{
	NOTICE_REFUND_ONE,
	NOTICE_REFUND_TOTAL,
	NOTICE_REFUND_DISPUTE,
	NOTICE_REFUNDS,
} NoticeRefund;

/* As events and the listeners of payments (session.h) name them. */
extern const char *const notice_refund_names[NOTICE_REFUNDS];

typedef enum NoticeEnvironment
{
	NOTICE_PRODUCTION,
	NOTICE_SANDBOX,
	NOTICE_ENVIRONMENTS,
} NoticeEnvironment;

/* As the columns named environment have them. */
extern const char *const notice_environment_names[NOTICE_ENVIRONMENTS];

typedef enum PurchaseState
{
	PURCHASE_STATE_PAID,
	PURCHASE_STATE_PENDING,
	PURCHASE_STATE_CANCELED,
} PurchaseState;

typedef struct StoreNotice
{
	NoticeSubject subject;
	NoticeEnvironment environment;
	JsonSlice id;      /* the provider's id of this notification */
	JsonSlice type;    /* as subscription_event_mappings has it: name and subtype */
	JsonSlice subtype; /* empty: none */
	int64_t time;      /* when it happened, as far as the provider tells */
	int64_t signed_at; /* App Store, of a transaction that came alone */

	/* whose */
	JsonSlice accounts[NOTICE_ACCOUNTS];
	int naccounts;
	JsonSlice transferred_from[NOTICE_ACCOUNTS];
	int ntransferred;

	JsonSlice store; /* RevenueCat: the store behind it; empty: the provider is the store */

	/* which app; compared with what the operator entered */
	JsonSlice application; /* bundle id or package name */

	/* what was bought */
	JsonSlice product;
	JsonSlice base_plan;
	JsonSlice offer;
	JsonSlice transaction;          /* of this payment */
	JsonSlice original_transaction; /* of the line */
	JsonSlice token;                /* purchase token */
	JsonSlice linked_token;         /* the token that this one replaces */
	JsonSlice order;                /* Stripe: checkout session; Google Play: order id */
	JsonSlice payment;              /* Stripe: payment intent */
	JsonSlice charge;
	JsonSlice invoice;
	JsonSlice refund; /* the provider's id of the refund */
	NoticeRefund refund_kind;
	PurchaseState state;
	int64_t quantity;
	int64_t refunded_quantity;
	int64_t amount;   /* in minor units, milliunits or micros, as amount_scale says */
	int amount_scale; /* 1: minor units; 1000: thousandths of the major unit; 1000000:
						 millionths */
	int64_t paid;     /* of a payment that is told of, in minor units */
	int64_t tax;
	JsonSlice currency;

	/* when */
	int64_t purchased_at;
	int64_t period_start;
	int64_t period_end;
	int64_t grace_until;
	int64_t revoked_at;
	int64_t answer_until; /* of a review: until when the store waits */
	int auto_renew;       /* -1: it does not say */
	bool trial;
	bool lifetime;
	const char *needs; /* the document to fetch from the provider, in words; NULL: none */
} StoreNotice;

/* An empty notice: nothing is known, the quantity is one. */
extern void notice_begin(StoreNotice *notice);

/* Any usual spelling: Production, PRODUCTION, prod, Sandbox, Xcode, LocalTesting …; raw, with
 * quotes. */
extern bool notice_environment_parse(JsonSlice raw, NoticeEnvironment *environment);

/* A name beside the others; an empty one, one that is there, and one too many are left out. */
extern void notice_account_add(StoreNotice *notice, JsonSlice account);

/* A raw string of the program's own. */
extern JsonSlice notice_word(const char *raw);

/*
 * Called for what a reader has decoded from base64, which is UTF-8 whatever the encoding of the
 * text around it: answers it as the reader's caller has texts, and may raise. NULL: the same.
 */
extern JsonSlice (*notice_from_utf8)(JsonSlice decoded);

/* Bytes of a raw name, and of one that may be a purchase token: an index must hold it. */
#define NOTICE_NAME_SIZE  512
#define NOTICE_TOKEN_SIZE 2048

/* What is too long among the names of the notice, in words that end a sentence; NULL: nothing.
 */
extern const char *notice_too_long(const StoreNotice *notice);

/* Whether two names are the same, of which one may be a number and the other a string. */
extern bool notice_name_same(JsonSlice a, JsonSlice b);

#endif
