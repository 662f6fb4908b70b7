/*
 * row_kept.c: the error for a row that a function wrote and that is not there afterwards.
 *
 * A table belongs to its user, who may add triggers. One that fires before a row is written and
 * returns NULL keeps the row away, and one that gives the row another key hides it from the
 * function that wrote it. Neither goes away when the call is repeated.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/row_kept.h"

static char *own_triggers(const char *table);

void
row_kept_raise(const char *table, const char *message)
{
	char *names;

	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("%s", message),
						errdetail("The transaction's snapshot may be older than the row."),
						errhint("Call again in a new transaction.")));
	names = own_triggers(table);
	ereport(ERROR,
			(errcode(ERRCODE_CB_ROW_KEPT), errmsg("%s", message),
			 names != NULL
				 ? errdetail("Before a row of %s is written, triggers that are not "
							 "coursebase's fire: %s.",
							 table, names)
				 : errdetail("The row was written and is not there, or not with this key."),
			 errhint("A trigger of the database's own may have kept or changed the row, or "
					 "another transaction removed it: mend the trigger, then call again.")));
}

/*
 * The names of the triggers that fire before a row is written and whose function is none of
 * ours; NULL for none. The statement that failed holds a lock of the table already.
 */
static char *
own_triggers(const char *table)
{
	Oid schema = owner_schema();
	Oid id = table != NULL ? get_relname_relid(table, schema) : InvalidOid;
	Relation relation = OidIsValid(id) ? try_table_open(id, AccessShareLock) : NULL;
	TriggerDesc *triggers;
	StringInfoData names;

	if (relation == NULL)
		return NULL;
	initStringInfo(&names);
	/* a copy: the server may make its list anew while a function is looked up */
	triggers = CopyTriggerDesc(relation->trigdesc);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			get_func_namespace(trigger->tgfoid) != schema)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", trigger->tgname);
	}
	table_close(relation, NoLock);
	return names.len > 0 ? names.data : NULL;
}
