/*
 * owner.h: what a trigger or function does beyond the rights of the one who called it.
 */
#ifndef COURSEBASE_CORE_OWNER_H
#define COURSEBASE_CORE_OWNER_H

#include "postgres.h"

#include "core/plan.h"

typedef struct OwnerRights
{
	Oid userid;           /* who it was before */
	int security_context; /* and in which context */
	int settings_level;   /* whose settings owner_leave() puts back; 0 for none */
} OwnerRights;

/*
 * From here on the statements of kept plans run with the rights of the tables' owner, past row
 * security, as in a SECURITY DEFINER function. Everything between is ours: no SQL of a caller,
 * no plan that is not kept. owner_leave() gives the rights back; after an error the end of the
 * (sub)transaction does. Raises KB001 when the tables are missing.
 */
extern OwnerRights owner_enter(void);
extern void owner_leave(OwnerRights rights);

/* Whether the caller stands between the two: it was called by a function of ours. */
extern bool owner_is_entered(void);

/*
 * The same for what a superuser does on behalf of an owner who is none, DDL included: what
 * hangs on the owner's tables can leave nothing behind that the caller would run at commit (a
 * deferred trigger, a cursor WITH HOLD), and its settings end with owner_leave(). For the owner
 * itself nothing is confined. Raises KB001 for no owner.
 */
extern OwnerRights owner_confine(Oid owner);

/* plan_execute() under the owner's rights. */
extern uint64 owner_execute(KeptPlan *kept, Datum *values, const char *nulls, bool read_only);

/*
 * The same, reading what is committed by now and what this command has done, at any level of
 * isolation: for rules that hold over several rows, once the row that anchors them is locked.
 */
extern uint64 owner_execute_latest(KeptPlan *kept, Datum *values, const char *nulls);

/* The schema coursebase and the owner of its tables; InvalidOid when there is none. */
extern Oid owner_schema(void);
extern Oid owner_of_tables(void);

#endif
