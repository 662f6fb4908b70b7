/*
 * keys.h: the rows of store_keys, read with the rights of the tables' owner.
 */
#ifndef COURSEBASE_NOTIFICATIONS_KEYS_H
#define COURSEBASE_NOTIFICATIONS_KEYS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "notifications/notice.h"

typedef struct StoreKey
{
	const char *key_id;
	JsonSlice material;
} StoreKey;

/*
 * The keys of a kind that are valid at that time, of the environment or of any, in the current
 * context; needs SPI. Answers how many there are.
 */
extern int store_keys_read(const char *provider, const char *kind,
						   NoticeEnvironment environment, TimestampTz at, StoreKey **keys);

#endif
