/*
 * members.h: the members of the answer beside the manifest, each written by the file of its
 * feature.
 *
 * A writer appends the member's value as JSON, and tells the validity each moment at which time
 * alone changes that value. Writers read with the active snapshot, need SPI_connect() and the
 * rights of the tables' owner, and write times in UTC, so that no session's time zone shows in
 * a kept answer.
 */
#ifndef COURSEBASE_SYNC_MEMBERS_H
#define COURSEBASE_SYNC_MEMBERS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "sync/validity.h"

typedef void (*HandshakeMemberWriter)(StringInfo out, Validity *validity,
									  const pg_uuid_t *user);

/* ai_usage: credits.c */
extern void handshake_credits_write(StringInfo out, Validity *validity, const pg_uuid_t *user);

/* subscription: subscription.c */
extern void handshake_subscription_write(StringInfo out, Validity *validity,
										 const pg_uuid_t *user);

/* discounts: discounts.c */
extern void handshake_discounts_write(StringInfo out, Validity *validity,
									  const pg_uuid_t *user);

/* courses: owned.c */
extern void handshake_courses_write(StringInfo out, Validity *validity, const pg_uuid_t *user);

/* premium_slots: courses.c */
extern void handshake_slots_write(StringInfo out, Validity *validity, const pg_uuid_t *user);

#endif
