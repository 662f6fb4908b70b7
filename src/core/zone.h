/*
 * zone.h: names of time zones.
 */
#ifndef COURSEBASE_CORE_ZONE_H
#define COURSEBASE_CORE_ZONE_H

#include "postgres.h"

/*
 * The IANA name that is meant, in its own spelling; NULL when this server knows none. Not a
 * POSIX rule such as CET-1CEST, which the server would take for a zone as well.
 */
extern const char *zone_name(const char *name);

#endif
