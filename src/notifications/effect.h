/*
 * effect.h: a notification that is applied, and what became of it.
 */
#ifndef COURSEBASE_NOTIFICATIONS_EFFECT_H
#define COURSEBASE_NOTIFICATIONS_EFFECT_H

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

/* The notification waits; the text says for what. Texts are not copied. */
extern void effect_wait(NoticeEffect *effect, const char *detail);

/* A rule refuses the notification; the text begins with the SQLSTATE. */
extern void effect_refuse(NoticeEffect *effect, const char *detail);

/* The notification has no effect here; the text says why. */
extern void effect_note(NoticeEffect *effect, const char *detail);

/* The first column of the last statement's row becomes the result, in the current context.
 * Needs SPI; raises where it is NULL. */
extern void effect_applied(NoticeEffect *effect);

/* The environment as columns and events name it. */
extern const char *call_environment(const NoticeCall *call);

#endif
