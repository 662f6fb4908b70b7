/*
 * sale.h: what sale.c and refund.c share.
 */
#ifndef COURSEBASE_SALES_SALE_H
#define COURSEBASE_SALES_SALE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * Adds the first row that the last plan gave to the answer of a function that returns a table:
 * its first columns, in their order. Needs compat_materialize(), which owns what is copied, and
 * SPI, whose memory the row is in.
 */
extern void sale_row_return(FunctionCallInfo fcinfo, int columns);

#endif
