/*
 * closed_id.h: external ids of closed accounts, which make no new account for a while.
 *
 * A provider's notice about an account can come days after the account was closed: without a
 * memory of the id it would make the person anew. What is kept is an HMAC of the id, for as
 * many days as the setting closed_id_days says; 0 keeps nothing. All functions need
 * SPI_connect(), overwrite SPI_tuptable, and run with the rights of the tables' owner.
 */
#ifndef COURSEBASE_IDENTITY_CLOSED_ID_H
#define COURSEBASE_IDENTITY_CLOSED_ID_H

#include "postgres.h"

/* What is kept of an id, where a statement calls closed_id_key k: of the id as it is stored,
 * whatever the encoding of the database. */
#define CLOSED_ID_HASH(id)                                                                     \
	"sha256(k.outer_key || sha256(k.inner_key ||"                                              \
	" convert_to(" id ", getdatabaseencoding())))"

/* Keeps the id from now on, anew if it was kept already. */
extern void closed_id_keep(const char *subject);

/* Raises KB106 while the id is kept, as committed by now. */
extern void closed_id_refuse(const char *subject);

/* Deletes what is not kept any more, at most limit rows, and answers how many there were. */
extern int64 closed_ids_purge(int64 limit);

#endif
