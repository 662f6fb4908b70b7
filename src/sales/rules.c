/*
 * rules.c: whether a user may buy a product.
 *
 * The shop asks before the checkout. The answer binds nobody afterwards: a session that was
 * paid all the same is recorded (sale.c), because the money came.
 *
 * Locks none and writes nothing. Rights: the facts are read with those of the tables' owner,
 * after identity_resolve_user() checked whom the caller may ask about. A private product reads
 * like a missing one, so that nobody can find out which ids exist.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

/*
 * The rules, in the order in which explain_buy_product() lists them: name, the word that reason
 * holds when the rule fails, and the detail for either case. read_facts has a column for each,
 * in the same order.
 */
static const struct
{
	const char *name;
	const char *reason;
	const char *met;
	const char *failed;
} rules[] = {
	{"user_known", "no_user", "somebody is asking",
	 "nobody is asking, or the account is closed"},
	{"product_public", "not_public", "it is on offer", "it is not on offer, or not there"},
	{"not_ended", "ended", "a sale would give its courses",
	 "the time until which it gives its courses has passed"},
	{"not_owned", "already_owned", "no purchase of it counts that another would not extend",
	 "a purchase of it counts that another would not extend"},
};

/* A column for each rule, true if it is met. */
static KeptPlan read_facts = {
	.sql = "SELECT EXISTS (SELECT FROM coursebase.users u"
		   "  WHERE u.id = $2 AND u.deleted_at IS NULL),"
		   " EXISTS (SELECT FROM coursebase.products p"
		   "  WHERE p.id = $1 AND p.status = 'public'),"
		   " NOT EXISTS (SELECT FROM coursebase.products p"
		   "  WHERE p.id = $1 AND p.access_until <= now()),"
		   " NOT EXISTS (SELECT FROM coursebase.purchases s"
		   "  WHERE s.user_id = $2 AND s.product_id = $1 AND s.refunded_at IS NULL"
		   "  AND (s.access_days IS NULL AND (s.access_until IS NULL OR s.access_until > now())"
		   "   OR NOT EXISTS (SELECT FROM coursebase.course_grants g"
		   "    JOIN coursebase.products p ON p.id = $1"
		   "    WHERE g.purchase_id = s.id AND (p.access_until IS NULL"
		   "     OR g.expires_at < p.access_until))))",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static void facts_read(FunctionCallInfo fcinfo, bool *facts);

PG_FUNCTION_INFO_V1(coursebase_can_buy_product);
PG_FUNCTION_INFO_V1(coursebase_explain_buy_product);

/* SQL function: can_buy_product(product_id uuid, user_id uuid) returns boolean */
PGDLLEXPORT Datum
coursebase_can_buy_product(PG_FUNCTION_ARGS)
{
	bool facts[lengthof(rules)];

	facts_read(fcinfo, facts);
	for (int i = 0; i < lengthof(rules); i++)
		if (!facts[i])
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(true);
}

/*
 * SQL function: explain_buy_product(product_id uuid, user_id uuid) returns table (rule text,
 * passed boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_buy_product(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool facts[lengthof(rules)];

	compat_materialize(fcinfo);
	facts_read(fcinfo, facts);
	for (int i = 0; i < lengthof(rules); i++)
	{
		Datum values[] = {CStringGetTextDatum(rules[i].name), BoolGetDatum(facts[i]),
						  CStringGetTextDatum(rules[i].reason),
						  CStringGetTextDatum(facts[i] ? rules[i].met : rules[i].failed)};
		bool nulls[] = {false, false, facts[i], false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Whether each rule is met, for the user whom the call is about; 42501 as asking.h says. */
static void
facts_read(FunctionCallInfo fcinfo, bool *facts)
{
	pg_uuid_t user;
	bool known = identity_resolve_user(args_uuid_or_null(fcinfo, 1), &user);
	PlanValues values = {0};

	args_bind(&values, fcinfo, 0);
	plan_bind_uuid(&values, known ? &user : NULL);
	SPI_connect();
	owner_execute(&read_facts, values.datums, values.nulls, true);
	for (int i = 0; i < lengthof(rules); i++)
		facts[i] = plan_bool(0, i + 1);
	SPI_finish();
}
