/*
 * apply.h: whose a notification is, and what it does.
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_H
#define COURSEBASE_NOTIFICATIONS_APPLY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "notifications/proof.h"

typedef enum NoticeOutcome
{
	OUTCOME_APPLIED,
	OUTCOME_NOTED,
	OUTCOME_WAITING,
	OUTCOME_REFUSED,
	OUTCOMES,
} NoticeOutcome;

extern const char *const notice_outcome_names[OUTCOMES];

/* What became of a notification. Texts are in the current context. */
typedef struct NoticeEffect
{
	NoticeOutcome outcome;
	bool has_user;
	pg_uuid_t user;
	const char *detail; /* in words; NULL: none */
	const char *needs;  /* the provider's document to fetch; NULL: none */
	const char *result; /* JSON that the function answered; NULL: none */
} NoticeEffect;

typedef struct NoticeCall
{
	NoticeProvider provider;
	const StoreNotice *notice;
	const char *id;        /* the provider's id of the notification */
	const pg_uuid_t *user; /* named by the caller; NULL: nobody */
	bool verified;         /* the sender or the content was proven */
	bool proven;           /* the content is signed */
	bool is_delivery;      /* it comes now: another cell than this one is told to the sender */
	TimestampTz at;
} NoticeCall;

/*
 * Does what the notification means by calling what exists for it: subscription events,
 * receipts, sales, refunds. Needs SPI; runs with the rights of the tables' owner. Raises what
 * those raise: the caller decides which of it is an answer.
 */
extern void notice_apply(const NoticeCall *call, NoticeEffect *effect);

/* A raw string without quotes and escapes, in the current context; NULL for an empty one. */
extern char *notice_text(JsonSlice raw);

#endif
