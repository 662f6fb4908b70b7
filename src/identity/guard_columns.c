/*
 * guard_columns.c: keeps end users from changing columns that are not theirs to change.
 *
 * The trigger function is part of identity and not of core, because it must know whether the
 * user who asks is an administrator. It reads and locks nothing.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "core/row_trigger.h"
#include "identity/asking.h"

static bool column_is_theirs(TriggerData *data, const char *name, bool admin);

PG_FUNCTION_INFO_V1(coursebase_tg_any__guard_columns);

/*
 * SQL function: tg_any__guard_columns() returns trigger
 *
 * Refuses an UPDATE of any column but those that the trigger's arguments name and updated_at.
 * Column privileges cannot do this: administrators and end users share one database role, and
 * administrators may change every column but those that an argument names behind a "!". The
 * server and the tables' owner are recognised by row security, which does not apply to them.
 */
PGDLLEXPORT Datum
coursebase_tg_any__guard_columns(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__guard_columns", ROW_BEFORE_UPDATE);
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	bool admin;

	if (check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) != RLS_ENABLED)
		return PointerGetDatum(data->tg_newtuple);
	admin = identity_is_admin();
	for (int i = 1; i <= columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i - 1)->attname);

		if (TupleDescAttr(columns, i - 1)->attisdropped || strcmp(name, "updated_at") == 0 ||
			!trigger_changed(data, i) || column_is_theirs(data, name, admin))
			continue;
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("column \"%s\" of table \"%s\" is not yours to change", name,
							   RelationGetRelationName(data->tg_relation)),
						errhint("Leave it out of the UPDATE.")));
	}
	return PointerGetDatum(data->tg_newtuple);
}

static bool
column_is_theirs(TriggerData *data, const char *name, bool admin)
{
	return admin ? !trigger_names(data, psprintf("!%s", name)) : trigger_names(data, name);
}
