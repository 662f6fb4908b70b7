/*
 * receipt.h: what the files of store purchases share: a receipt as it was read, and what is
 * recorded of it.
 *
 * A receipt is known by source, environment and the store's id of the purchase: its row of
 * store_receipts is written before anything that it gives. All need SPI and the rights of the
 * tables' owner.
 */
#ifndef COURSEBASE_STORE_RECEIPT_H
#define COURSEBASE_STORE_RECEIPT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

typedef enum PurchaseKind
{
	PURCHASE_COURSE,
	PURCHASE_SUBSCRIPTION,
	PURCHASE_AI_CREDITS,
	PURCHASE_CUSTOM_COURSE,
	PURCHASE_KINDS,
} PurchaseKind;

typedef enum PurchaseStatus
{
	PURCHASE_VALID,     /* it gave what it is for */
	PURCHASE_DUPLICATE, /* what it is for was owned already: to be refunded */
	PURCHASE_SANDBOX,   /* it gives nothing while the setting accept_sandbox is off */
	PURCHASE_REFUNDED,
	PURCHASE_STATUSES,
} PurchaseStatus;

/* Times, flags and amounts that a receipt does not have. */
#define PURCHASE_NEVER     DT_NOBEGIN
#define PURCHASE_UNKNOWN   (-1)
#define PURCHASE_NO_AMOUNT (-1)

typedef struct PurchaseReceipt
{
	const char *product_name; /* as the store says it */
	const char *source;
	const char *environment;
	const char *purchase_id;
	const char *purchase_token;
	TimestampTz purchased_at;
	bool acknowledged;
	const char *voice;    /* from here on NULL where the receipt has none */
	int64 amount;         /* what was paid, or PURCHASE_NO_AMOUNT */
	const char *currency; /* of amount */
	const char *original_transaction_id;
	const char *base_plan_id;
	const char *offer_id;
	TimestampTz period_end;
	TimestampTz grace_until;
	int auto_renew;
	int is_trial;
	const char *discount_code;
	const char *discount_order_ref; /* set where there is a code */
	int64 discount_base;
	const char *discount_currency;
	Datum payload; /* jsonb */
} PurchaseReceipt;

/* A row of store_products. */
typedef struct PurchaseProduct
{
	char *product_id;
	PurchaseKind kind;
	pg_uuid_t course; /* of a course */
	int64 credits;    /* of a pack */
	int64 price;      /* or PURCHASE_NO_AMOUNT */
	char *currency;
} PurchaseProduct;

/* One purchase on its way. */
typedef struct Purchase
{
	pg_uuid_t user;
	TimestampTz at;
	PurchaseReceipt receipt;
	PurchaseProduct product;
	pg_uuid_t id; /* of the row of store_receipts */
	PurchaseStatus status;
	TimestampTz acknowledged_at; /* or PURCHASE_NEVER */
	char *detail;                /* JSON: what it gave; NULL: nothing to show */
} Purchase;

extern const char *const purchase_kind_names[PURCHASE_KINDS];
extern const char *const purchase_status_names[PURCHASE_STATUSES];

/* store/receipt_json.c: both raise, with the name of the member, for what is wrong. */
extern void purchase_receipt_read(PurchaseReceipt *receipt, Datum json);
extern void purchase_receipt_complete(PurchaseReceipt *receipt, const PurchaseProduct *product);

/* store/product.c: raises KB802. */
extern void purchase_product_find(PurchaseProduct *product, const char *name);
extern PurchaseKind purchase_kind_parse(const char *name);

/* store/give.c: gives what was bought, and fills in status and detail. */
extern void purchase_grant(Purchase *purchase);
/* The detail of a purchase whose detail is not kept, for it changes. */
extern char *purchase_link_detail(const Purchase *purchase);
extern void purchase_instant_append(StringInfo out, const char *name, TimestampTz at);

/*
 * store/course.c: the rows of course_purchases. Of all purchases of a course in a voice one
 * is live. purchase_course_record() answers what the receipt's has become; the others answer
 * whether there was something to end.
 */
extern PurchaseStatus purchase_course_record(const Purchase *purchase);
extern bool purchase_course_refund(const char *source, const char *environment,
								   const char *purchase_id, TimestampTz at);

/* store/receipt.c: the lock that every purchase of a user waits for; KB106 for nobody. */
extern void purchase_user_lock(const pg_uuid_t *user, bool closed_too);

#endif
