/*
 * sale.h: checks of arguments and texts that sale.c and refund.c share.
 */
#ifndef COURSEBASE_SALES_SALE_H
#define COURSEBASE_SALES_SALE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Raises 22004 for a null among the first arguments; names are theirs, and end with NULL. */
extern void sale_arguments_require(FunctionCallInfo fcinfo, const char *const *names);

/* An argument that must be a finite time: 22004 for a null, 22008 for infinity. */
extern TimestampTz sale_time_argument(FunctionCallInfo fcinfo, int argument);

/* An id as text for a message, in the current memory context. */
extern char *sale_id_text(const pg_uuid_t *id);

#endif
