/*
 * named.c: a person whom a call names beside the id of something of theirs.
 *
 * Nothing is locked and nothing is written. The person is looked up past row security, as in
 * asking.c; who calls is decided by the grants of the functions that use this.
 */
#include "postgres.h"

#include "core/datum.h"
#include "core/errors.h"
#include "identity/asking.h"
#include "identity/named.h"

NamedUser
named_user_read(FunctionCallInfo fcinfo, int argument)
{
	NamedUser named = {.given = !PG_ARGISNULL(argument)};

	if (named.given)
	{
		named.id = *PG_GETARG_UUID_P(argument);
		identity_follow(&named.id);
	}
	return named;
}

bool
named_user_may_be(const NamedUser *named, const pg_uuid_t *person)
{
	return !named->given || uuid_equal(&named->id, person);
}

void
named_user_require(const NamedUser *named, const pg_uuid_t *person)
{
	if (!named_user_may_be(named, person))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("the person has no such thing"),
						errdetail("What the other arguments name is not user %s's.",
								  uuid_text(&named->id)),
						errhint("Give the id of whose it is, or leave user_id out.")));
}
