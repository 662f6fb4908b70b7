/*
 * datum.h: values of SQL types as C values, where the server's own macros say too much.
 *
 * Texts and arrays are made in the current context. No function here raises an error but for
 * want of memory.
 */
#ifndef COURSEBASE_CORE_DATUM_H
#define COURSEBASE_CORE_DATUM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* As the server writes them: a uuid in lower case, a time in the session's zone. */
extern char *uuid_text(const pg_uuid_t *id);
extern char *time_text(TimestampTz time);

/* As the server's to_json() writes a time in a session in UTC: ISO 8601, the same everywhere.
 */
extern char *time_utc_text(TimestampTz time);

/*
 * Reads a uuid of the form 8-4-4-4-12, in which tokens and stores carry one; false for anything
 * else, on which the input function of the type would raise.
 */
extern bool uuid_read(const char *text, Size size, pg_uuid_t *id);

/* The label of a value of any enum. */
extern char *enum_text(Datum value);

/* An array of one dimension. nulls is NULL where none is null. */
extern Datum array_of(Oid type, Datum *values, bool *nulls, int count);

static inline bool
uuid_equal(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) == 0;
}

/* Spreads uuids of every version, whose random bits stand in different places. */
static inline uint32
uuid_key_hash(const pg_uuid_t *id)
{
	uint64 half[2];

	memcpy(half, id, UUID_LEN);
	return (uint32) (((half[0] ^ half[1] * UINT64CONST(0x9E3779B97F4A7C15)) *
					  UINT64CONST(0xC2B2AE3D27D4EB4F)) >>
					 32);
}

#endif
