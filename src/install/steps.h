/*
 * steps.h: the objects of the schema, as coursebase.steps() lists them.
 */
#ifndef COURSEBASE_INSTALL_STEPS_H
#define COURSEBASE_INSTALL_STEPS_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "storage/itemptr.h"

typedef struct Step
{
	char *object;    /* such as "table users" or "policy self_select_own on users" */
	char *ddl;       /* the statement as it stands in the slice */
	Node *statement; /* the same, parsed by the server and not yet analysed */
} Step;

/*
 * The steps as a List of Step *, in the order in which they are made, allocated in the current
 * context. version (unless NULL) gets the version that the steps are of. Reads with the rights
 * of the function's own owner; NIL when the extension is not there. Only statements for which
 * wanted() says yes are parsed and listed (NULL: all).
 */
extern List *steps_read(char **version, bool (*wanted)(const char *object));

/* Who owns the extension's functions; InvalidOid when the extension is not there. */
extern Oid steps_owner(void);

/* Which list it is: the function's row in the catalogue. Equal keys, equal steps. */
typedef struct StepsKey
{
	Oid function;
	TransactionId xmin;
	ItemPointerData tid;
} StepsKey;

/* False when the extension is not there. */
extern bool steps_key(StepsKey *key);
extern bool steps_key_equals(StepsKey *left, StepsKey *right);

/* Whether an object of the steps is a table (a type, a grant): its label's first word says so.
 */
extern bool steps_is_table(const char *object);
extern bool steps_is_type(const char *object);
extern bool steps_is_grant(const char *object);

#endif
