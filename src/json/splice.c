/*
 * splice.c: a planned growth of a json document becomes a value of the server's, in one copy.
 */
#include "postgres.h"

#include "core/errors.h"
#include "json/json_load.h"
#include "json/splice.h"

Datum
splice_build(const JsonSplice *plan)
{
	struct varlena *result;

	if (plan->size > DOCUMENT_MAX_SIZE)
		ereport(ERROR, (errcode(ERRCODE_CB_DOCUMENT_TOO_LARGE),
						errmsg("the document would become too large"),
						errdetail("It would have %zu bytes; %zu are the most.", plan->size,
								  DOCUMENT_MAX_SIZE),
						errhint("Begin another document.")));
	result = palloc(VARHDRSZ + plan->size);
	SET_VARSIZE(result, VARHDRSZ + plan->size);
	json_splice_copy(plan, VARDATA(result), json_pulse, NULL);
	return PointerGetDatum(result);
}
