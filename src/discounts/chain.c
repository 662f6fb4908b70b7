/*
 * chain.c: the trigger that keeps chains of rows free of rings: discount codes that follow one
 * another, people who brought one another.
 *
 * Two transactions that each see only their own link could close a ring together, over rows
 * that neither has in common with the other. So every new link first updates the one row of its
 * chain in chain_versions, which makes the transactions take turns, and then walks the chain
 * with a new snapshot; under REPEATABLE READ the UPDATE ends as a serialization failure.
 *
 * Locks: the row of the chain, after the row of users or the code that the write began with.
 * Rights: the trigger runs as who writes; it locks and walks with the rights of the tables'
 * owner, so that a link that the writer may not see counts.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"

/* A kind of chain, as the trigger's first argument and chain_versions name it. */
typedef struct Chain
{
	const char *name;
	KeptPlan walk; /* from the row $1 on upwards: a row when $2 is met */
} Chain;

/*
 * One row after the other by its key, in a subselect: a join may read all rows that have a link
 * at each step, where the statistics are of a time when few had one.
 */
#define WALK_QUERY(table, key, link)                                                           \
	"WITH RECURSIVE above (id) AS ("                                                           \
	" SELECT $1 UNION"                                                                         \
	" SELECT (SELECT r." link " FROM coursebase." table " r WHERE r." key " = a.id)"           \
	" FROM above a WHERE a.id IS NOT NULL AND a.id <> $2)"                                     \
	" SELECT FROM above WHERE id = $2"

/* An INSERT where the row is not there yet: two of them meet at the key. */
static KeptPlan move_version = {
	.sql = "INSERT INTO coursebase.chain_versions AS v (chain, version) VALUES ($1, 1)"
		   " ON CONFLICT (chain) DO UPDATE SET version = v.version + 1",
	.nargs = 1,
	.types = {TEXTOID},
};

static Chain chains[] = {
	{"parent_code",
	 {.sql = WALK_QUERY("discount_codes", "id", "parent_code_id"),
	  .nargs = 2,
	  .types = {UUIDOID, UUIDOID}}},
	{"referral",
	 {.sql = WALK_QUERY("user_profile", "user_id", "referred_by"),
	  .nargs = 2,
	  .types = {UUIDOID, UUIDOID}}},
};

static Chain *chain_of(Trigger *trigger);
static bool link_is_new(TriggerData *data, const pg_uuid_t *key, const pg_uuid_t *above);

PG_FUNCTION_INFO_V1(coursebase_tg_any__no_cycle);

/* SQL function: tg_any__no_cycle() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__no_cycle(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__no_cycle", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	Chain *chain;
	Datum name;
	pg_uuid_t key;
	pg_uuid_t above;
	Datum ends[] = {UUIDPGetDatum(&above), UUIDPGetDatum(&key)};

	chain = chain_of(data->tg_trigger);
	if (!trigger_uuid(data, row, data->tg_trigger->tgargs[1], &key) ||
		!trigger_uuid(data, row, data->tg_trigger->tgargs[2], &above) ||
		!link_is_new(data, &key, &above))
		return PointerGetDatum(row);
	name = CStringGetTextDatum(chain->name);
	SPI_connect();
	owner_execute(&move_version, &name, NULL, false);
	if (owner_execute(&chain->walk, ends, NULL, false) > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_CHAIN_CYCLE), errmsg("the link would close a ring"),
			 errdetail("What \"%s\" of table \"%s\" would point to leads back to the row.",
					   data->tg_trigger->tgargs[2], RelationGetRelationName(data->tg_relation)),
			 errhint("Point to a row that does not follow this one.")));
	SPI_finish();
	return PointerGetDatum(row);
}

/* By the trigger's first argument; a trigger with other arguments is none of install()'s. */
static Chain *
chain_of(Trigger *trigger)
{
	for (int i = 0; i < lengthof(chains); i++)
		if (trigger->tgnargs == 3 && strcmp(trigger->tgargs[0], chains[i].name) == 0)
			return &chains[i];
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					errmsg("trigger \"%s\" names no chain", trigger->tgname),
					errhint("Run SELECT coursebase.install() as the owner of the tables.")));
}

/* Whether the row links to another row than before. A row that points to itself is left to the
 * CHECK of its table, which names the rule. */
static bool
link_is_new(TriggerData *data, const pg_uuid_t *key, const pg_uuid_t *above)
{
	pg_uuid_t old_key;
	pg_uuid_t old_above;

	if (uuid_equal(key, above))
		return false;
	return !TRIGGER_FIRED_BY_UPDATE(data->tg_event) ||
		   !trigger_uuid(data, data->tg_trigtuple, data->tg_trigger->tgargs[1], &old_key) ||
		   !trigger_uuid(data, data->tg_trigtuple, data->tg_trigger->tgargs[2], &old_above) ||
		   !uuid_equal(key, &old_key) || !uuid_equal(above, &old_above);
}
