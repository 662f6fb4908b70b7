/*
 * signed_only.c: providers of which nothing is recorded but what take_notification() verified.
 *
 * Invariant: with a provider in require_signature a stolen server key invents no purchase of
 * it, neither by a function nor by plain SQL. What takes a right away (a refund, an
 * acknowledgement) stays open: it gives nothing.
 *
 * Locks none. Rights: the setting is read past row security.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "core/signed_only.h"

pg_noreturn static void raise_required(const char *provider);
static void row_require(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_tg_any__signed_only);

bool
signed_only(const char *provider)
{
	return provider != NULL && setting_lists("require_signature", provider);
}

void
signed_only_require(const char *provider)
{
	if (signed_only(provider) && !has_privs_of_role(GetUserId(), owner_of_tables()))
		raise_required(provider);
}

/*
 * SQL function: tg_any__signed_only() returns trigger
 *
 * Before a row is written. The argument is the column that holds the provider, or the provider
 * itself where the table has no such column. An UPDATE is judged by the row before and after
 * it; which updates matter is said by the trigger's WHEN.
 */
PGDLLEXPORT Datum
coursebase_tg_any__signed_only(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__signed_only", ROW_BEFORE_CHANGE);
	HeapTuple before = trigger_row_before(data);
	HeapTuple after = trigger_row_after(data);

	trigger_require_arguments(data, 1);
	/* most writes are those of our own functions, with the owner's rights: nothing is read then
	 */
	if (!restore_under_way() && !has_privs_of_role(GetUserId(), owner_of_tables()))
	{
		if (before != NULL)
			row_require(data, before);
		if (after != NULL)
			row_require(data, after);
	}
	return PointerGetDatum(after != NULL ? after : before);
}

/* Raises KB822 for a row of a provider that is taken only verified. */
static void
row_require(TriggerData *data, HeapTuple row)
{
	char *provider = data->tg_trigger->tgargs[0];

	if (SPI_fnumber(RelationGetDescr(data->tg_relation), provider) > 0)
		provider = trigger_text_or_null(data, row, provider);
	if (signed_only(provider))
		raise_required(provider);
}

static void
raise_required(const char *provider)
{
	ereport(ERROR, (errcode(ERRCODE_CB_SIGNATURE_REQUIRED),
					errmsg("%s is taken only verified", provider),
					errdetail("The setting require_signature names the provider."),
					errhint("Pass what the provider sent to coursebase.take_notification(), as "
							"it came.")));
}
