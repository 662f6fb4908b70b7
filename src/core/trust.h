/*
 * trust.h: whose objects are taken for ours.
 */
#ifndef COURSEBASE_CORE_TRUST_H
#define COURSEBASE_CORE_TRUST_H

#include "postgres.h"

/* Raises KB003 for a schema that belongs to, or in which may create, whom we do not trust. */
extern void trust_require_schema(void);

/* The same of another schema, which holds nothing of a role that we do not trust, either. */
extern void trust_require_foreign_schema(const char *name);

/* Raises KB003 for an object of another's; object is what messages call it. */
extern void trust_require_relation(const char *object, Oid relation);
extern void trust_require_type(const char *object, Oid type);

#endif
