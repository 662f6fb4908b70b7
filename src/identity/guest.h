/*
 * guest.h: people of organisations who live in another cell than home.
 *
 * Organisations live on home, and their members and buyers in any cell. A guest is a row of
 * users on home for such a person (users.is_guest), to which memberships, payments and
 * entitlements point. It has the person's id and no external id, so that no token names it, and
 * whoever looks for the person finds nobody: only what is about organisations asks for guests,
 * by the functions that say anywhere (asking.h, anchor.h). Where there is one server there are
 * no guests, and nothing is read but that.
 */
#ifndef COURSEBASE_IDENTITY_GUEST_H
#define COURSEBASE_IDENTITY_GUEST_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/uuid.h"

/* What cell_raise_not_home() says of all that is about organisations. */
#define ORGANIZATIONS "what is about organisations"

/*
 * Raises KBC04 in a cell that is not home: for a call about organisations that found nothing,
 * which would look like a loss. Costs the read of an empty index where there is one server.
 */
extern void organizations_require_home(void);

/*
 * Makes the row of a guest; false, and nothing made, for somebody whom the directory does not
 * have in another cell, or not on the way from or to this one. Raises KBC04 in a cell that is
 * not home. Needs SPI_connect(); overwrites SPI_tuptable.
 */
extern bool guest_make(const pg_uuid_t *user);

/* The same for a trigger before a row of an organisation is inserted, unless the row's user_id
 * has a row of users. Stands back while a dump is restored. */
extern void guest_make_of_row(TriggerData *data, HeapTuple row);

#endif
