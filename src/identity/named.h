/*
 * named.h: a person whom a call names beside the id of something of theirs.
 *
 * The id of a purchase or a link does not tell in which cell it is; the person's does. So a
 * function that finds its person by another id takes the person too, as an optional argument by
 * which a router sends the call, and checks that both are of one person.
 */
#ifndef COURSEBASE_IDENTITY_NAMED_H
#define COURSEBASE_IDENTITY_NAMED_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

/* The argument; of a merged account the person who was kept. */
typedef struct NamedUser
{
	bool given;
	pg_uuid_t id;
} NamedUser;

/* Reads the argument; NULL names nobody. Raises KBC01 for a person who lives in another cell.
 */
extern NamedUser named_user_read(FunctionCallInfo fcinfo, int argument);

/* Whether it may be that person: the one who is named, or anybody where nobody is. */
extern bool named_user_may_be(const NamedUser *named, const pg_uuid_t *person);

/* Raises KB106 unless it may be that person, in words that do not tell whose it is. */
extern void named_user_require(const NamedUser *named, const pg_uuid_t *person);

#endif
