/*
 * machine.h: the statements that write the tables of the subscription machine.
 *
 * The tables are subscriptions, subscription_lines and subscription_events. All functions need
 * SPI and the lock of the user's row, and write with the rights of the tables' owner.
 */
#ifndef COURSEBASE_BILLING_MACHINE_H
#define COURSEBASE_BILLING_MACHINE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/line.h"
#include "billing/notice.h"

/* False if there is a line of this store and id already: another user's. */
extern bool line_insert(const SubscriptionLine *line, const pg_uuid_t *user);
extern void line_update(const SubscriptionLine *line);
extern void line_delete(const SubscriptionLine *line);

/*
 * Makes these the lines of the user, and shown the one that the user's row shows: writes what
 * differs, and answers whether anything did.
 */
extern bool lines_store(const SubscriptionLine *lines, int nlines,
						const SubscriptionLine *shown, const pg_uuid_t *user);

/*
 * Moves a line with its events to another user; false if it is not this one's. The caller holds
 * the locks of both, and folds both anew.
 */
extern bool line_move(const char *store, const char *line, const pg_uuid_t *from,
					  const pg_uuid_t *to);

/* Makes the user's row of subscriptions, if there is none. */
extern void subscription_begin(const pg_uuid_t *user);

/* Writes the user's row without a change to what it shows. */
extern void subscription_touch(const pg_uuid_t *user);

/* Makes the user's row show this line. */
extern void subscription_show(const pg_uuid_t *user, const SubscriptionLine *line);

/* False if the event of this store, environment and id is in the log already. */
extern bool event_insert(const SubscriptionNotice *notice, const pg_uuid_t *user,
						 const pg_uuid_t *subscription, const SubscriptionAnswer *answer,
						 TimestampTz at);

#endif
