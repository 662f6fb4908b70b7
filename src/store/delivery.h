/*
 * delivery.h: what a person gets for a receipt, or as a gift, and what became of it.
 *
 * All functions need SPI and the rights of the tables' owner, and the caller holds the lock of
 * the user's row.
 */
#ifndef COURSEBASE_STORE_DELIVERY_H
#define COURSEBASE_STORE_DELIVERY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "store/product.h"
#include "store/receipt.h"

/* The status of a row of store_receipts. */
typedef enum ReceiptStatus
{
	RECEIPT_VALID,     /* it gave what it is for */
	RECEIPT_DUPLICATE, /* the course was owned already: the receipt is to be refunded */
	RECEIPT_SANDBOX,   /* it gives nothing while the setting accept_sandbox is off */
	RECEIPT_REFUNDED,
	RECEIPT_PENDING,  /* it is to be paid yet */
	RECEIPT_CANCELED, /* it was canceled before it was paid */
	RECEIPT_STATUSES,
} ReceiptStatus;

typedef struct Delivery
{
	pg_uuid_t user;
	TimestampTz at;
	Receipt receipt; /* of a gift: source admin, production, and a voice or none */
	StoreProduct product;
	pg_uuid_t id;            /* of the row of store_receipts */
	TimestampTz recorded_at; /* when it was purchased by an earlier receipt; DT_NOEND: none */
	ReceiptStatus status;
	TimestampTz acknowledged_at; /* RECEIPT_NO_TIME: the store was not told yet */
	char *detail;                /* JSON text: what was given; NULL: nothing to show */
	char *discount_refused; /* SQLSTATE and reason; NULL: its discount was redeemed, or none */
} Delivery;

/*
 * Gives what the receipt is for, and sets status, acknowledged_at and detail (give.c). Raises
 * what the feature raises that gives it: discounts KB601 and KB602, subscriptions KB502 and
 * KB503, a course KB205.
 */
extern void delivery_give(Delivery *delivery);

/*
 * Redeems the receipt's discount, and where the receipt does not say what was paid, takes the
 * price that the discount leaves. A rule that refuses it is said in discount_refused.
 */
extern void delivery_discount(Delivery *delivery);

/* Gives a course that was delivered without a voice in the one that the receipt names, and sets
 * status and detail. */
extern void delivery_voice(Delivery *delivery);

/*
 * The detail of a custom course, which changes with its link and so is read for each answer, in
 * the current context. NULL if there is no custom course of the receipt.
 */
extern char *delivery_link_detail(const Delivery *delivery);

/*
 * Makes the delivered course a row of course_purchases (course.c). Answers RECEIPT_VALID,
 * RECEIPT_DUPLICATE, or RECEIPT_REFUNDED if the purchase was refunded before its receipt came.
 * Raises KB205 if the purchase is another person's or course's.
 */
extern ReceiptStatus course_purchase_record(const Delivery *delivery);

/*
 * Moves the row of course_purchases of a delivered course, which has no voice, to that of the
 * receipt; a duplicate without a voice takes its place. Answers what the receipt is then.
 */
extern ReceiptStatus course_purchase_name_voice(const Delivery *delivery);

/* Refunds a row of course_purchases; false if it gave nothing, or is not there. */
extern bool course_purchase_refund(const char *source, const char *environment,
								   const char *purchase_id, TimestampTz at);

/*
 * Takes the refund of a row of course_purchases back. False if it gives nothing all the same:
 * another purchase gives the course by now, or there is no such row.
 */
extern bool course_purchase_restore(const char *source, const char *environment,
									const char *purchase_id, TimestampTz at);

/*
 * Makes the oldest duplicate valid that waits for a person's course in a voice (NULL: none),
 * after the valid purchase of it has ended.
 */
extern void course_purchase_promote(const pg_uuid_t *user, const pg_uuid_t *course,
									const char *voice, TimestampTz at);

#endif
