/*
 * uuid_table.h: a hash table whose elements are found by a uuid: the server's simplehash with
 * what such tables have in common.
 *
 * Included once a table, after SH_PREFIX and SH_ELEMENT_TYPE are defined, and SH_FILLFACTOR
 * where it is not simplehash's. The element has the key "id" and the "status" that simplehash
 * keeps. Ownership and errors are simplehash's: the table lives in the context given to
 * PREFIX_create(), and its functions end with an error only for want of memory.
 */
#include "core/datum.h"

#define SH_KEY_TYPE          pg_uuid_t
#define SH_KEY               id
#define SH_HASH_KEY(tb, key) uuid_key_hash(&(key))
#define SH_EQUAL(tb, a, b)   uuid_equal(&(a), &(b))
#define SH_SCOPE             static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"
