/*
 * sale.h: what the files of the feature share: sales of products on the storefront.
 */
#ifndef COURSEBASE_SALES_SALE_H
#define COURSEBASE_SALES_SALE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Raises 22004 for a null among the first arguments; names ends with NULL. */
extern void sale_arguments_require(FunctionCallInfo fcinfo, const char *const *names);

/* An argument that is a finite time. */
extern TimestampTz sale_time_argument(FunctionCallInfo fcinfo, int argument);

/* An id as it is written in a message. */
extern char *sale_id_text(const pg_uuid_t *id);

#endif
