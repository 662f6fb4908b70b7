/*
 * splice.h: a planned growth of a json document becomes a value of the server's.
 */
#ifndef COURSEBASE_JSON_SPLICE_H
#define COURSEBASE_JSON_SPLICE_H

#include "postgres.h"

#include "json/json.h"

/*
 * The largest document: what a row can hold beside its other columns, a little less than the
 * 1 GB at which the server's own limit is.
 */
#define DOCUMENT_MAX_SIZE ((Size) 0x3fff0000)

/* The json value of the plan, in the current context. Raises KB105 when it would be too large.
 */
extern Datum splice_build(const JsonSplice *plan);

#endif
