/*
 * receipt.h: a receipt of an app store, as the caller sends it.
 *
 * A store's receipt is known by source, environment and the store's id of the purchase. Texts
 * are allocated in the context that was current while the receipt was read.
 */
#ifndef COURSEBASE_STORE_RECEIPT_H
#define COURSEBASE_STORE_RECEIPT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "store/product.h"

/* Instead of a time that the receipt does not have. */
#define RECEIPT_NO_TIME DT_NOBEGIN

/* Nobody buys more at once. */
#define RECEIPT_QUANTITY_MOST 1000

/* What the store says of the money. */
typedef enum ReceiptState
{
	RECEIPT_PAID,
	RECEIPT_UNPAID,          /* it is to be paid yet: gives nothing */
	RECEIPT_CANCELED_UNPAID, /* it will not be paid, or was taken back */
} ReceiptState;

typedef struct Receipt
{
	const char *product_name; /* as the store says it */
	const char *source;
	const char *environment;
	const char *purchase_id;
	const char *purchase_token;
	TimestampTz purchased_at;
	ReceiptState state;
	int64 quantity;    /* how often the product was bought; a pack counts that often */
	bool acknowledged; /* the store was told already that the purchase was delivered */

	/* from here on NULL, RECEIPT_NO_TIME, STORE_NO_AMOUNT, or -1 if the receipt does not say it
	 */
	const char *voice; /* of a course */
	int64 amount;      /* what was paid, in minor units of currency */
	const char *currency;
	const char *original_transaction_id; /* from here to is_trial: of a subscription */
	bool line_is_told;                   /* the receipt itself names original_transaction_id */
	const char *linked_token; /* of the subscription that this one takes the place of */
	const char *base_plan_id;
	const char *offer_id;
	TimestampTz period_end;
	TimestampTz grace_until;
	int auto_renew;
	int is_trial;
	const char *discount_code;
	const char *discount_order_ref; /* receipt_complete() sets it if there is a code */
	int64 discount_base;
	const char *discount_currency;

	Datum payload; /* jsonb: the receipt as it came */
} Receipt;

/* Reads a receipt. Raises KB801, with the name of the member, for one missing or malformed. */
extern void receipt_read(Receipt *receipt, Datum json);

/*
 * Adds what follows from the product, and checks what the product needs. Raises KB801 as
 * receipt_read().
 */
extern void receipt_complete(Receipt *receipt, const StoreProduct *product);

#endif
