/*
 * proof.h: whether a notification is genuine, and what it says once that is settled.
 */
#ifndef COURSEBASE_NOTIFICATIONS_PROOF_H
#define COURSEBASE_NOTIFICATIONS_PROOF_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "notifications/notice.h"

typedef enum NoticeProvider
{
	PROVIDER_APP_STORE,
	PROVIDER_GOOGLE_PLAY,
	PROVIDER_STRIPE,
	PROVIDER_REVENUECAT,
	PROVIDERS,
} NoticeProvider;

extern const char *const notice_provider_names[PROVIDERS];

typedef enum NoticeProof
{
	PROOF_NONE,   /* nothing was checked */
	PROOF_SENDER, /* who sent it, and not what it says */
	PROOF_SIGNED, /* what it says */
	PROOFS,
} NoticeProof;

extern const char *const notice_proof_names[PROOFS];

/* What a provider sent, as it came. */
typedef struct Received
{
	NoticeProvider provider;
	JsonSlice body;
	JsonSlice signature; /* the header; empty: none */
	JsonSlice details;   /* the provider's document; empty: none */
} Received;

/*
 * Reads what was received into a notice and checks whether it is genuine; in the current
 * context, needs SPI.
 *
 * now is what freshness is measured against. Raises KB824, naming the member, for a body that
 * is not the provider's; KB821 for a signature that is wrong or too old; KB822 where the
 * provider is taken only with proof and brings none; KB823 where store_keys lacks the key.
 */
extern NoticeProof proof_read(const Received *received, TimestampTz now, StoreNotice *notice);

/* The same without a check: for what was checked when it was received. */
extern void proof_reread(const Received *received, StoreNotice *notice);

#endif
