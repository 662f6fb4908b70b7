/*
 * takeup.h: by which names a notification that waits is found again when what it waits for
 * comes.
 */
#ifndef COURSEBASE_NOTIFICATIONS_TAKEUP_H
#define COURSEBASE_NOTIFICATIONS_TAKEUP_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "notifications/notice.h"

/* The names of what the notice is about, as text[] in the current context: payment, line,
 * transaction and token; of RevenueCat also the accounts. */
extern Datum takeup_names(const StoreNotice *notice);

/*
 * Locks the names until the transaction ends. Who waits takes the lock before the last look,
 * and who brings takes it before the look for who waits: of the two that come at once one sees
 * the other. Those who bring do not wait for each other. Needs SPI.
 */
extern void takeup_lock(Datum names);
extern void takeup_share(Datum names);

/*
 * The same of a notification whose names are shared already: who woke it takes the lock before
 * the last look, and who found it held by another session shares the lock before it tries once
 * more. Until the transaction ends. Needs SPI.
 */
extern void takeup_woken_lock(const pg_uuid_t *id);
extern void takeup_missed_share(const pg_uuid_t *id);

/*
 * Locks the accounts of a notice of RevenueCat until the transaction ends, before any person:
 * of a transfer and what it transfers, at once, one sees the other. Needs SPI.
 */
extern void takeup_accounts_lock(const StoreNotice *notice);
extern bool takeup_accounts_try(const StoreNotice *notice);

/* Tries again what waits for one of the names (inbox.c). Needs SPI. */
extern void takeup_names_came(Datum names, TimestampTz at);

/* The rows of the inbox that wait for one of the names, oldest first, in the current context.
 * Needs SPI. */
extern pg_uuid_t *takeup_find(Datum names, uint64 *count);

#endif
