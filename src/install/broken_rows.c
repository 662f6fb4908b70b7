/*
 * broken_rows.c: names the rows that stand in the way of a rule.
 *
 * A release may add a CHECK to a table that an earlier one filled, and somebody may have taken
 * one away and written what it forbids. The server then says which rule some row breaks, and
 * not which row. Only where it refuses are the rows looked for: a rule that holds costs one
 * scan.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "core/attempt.h"
#include "core/plan.h"
#include "install/broken_rows.h"
#include "install/utility.h"

/* What a message shows of a key: text in it may be what is too long. */
#define KEY_SHOWN 200

/* The columns of the primary key of table $1; NULL where it has none. */
static KeptPlan read_key = {
	.sql = "SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM pg_index i"
		   " CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, n)"
		   " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
		   " WHERE i.indrelid = $1 AND i.indisprimary",
	.nargs = 1,
	.types = {OIDOID},
};
static KeptPlan read_expression = {
	.sql = "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint"
		   " WHERE conrelid = $1 AND conname = $2",
	.nargs = 2,
	.types = {OIDOID, TEXTOID},
};

/* The columns of the query over the broken rows. */
enum
{
	BROKEN_COUNT = 1,
	BROKEN_KEY,
};

static bool statement_run(void *statement);
static bool is_broken_rule(int sqlstate);
static char *condition_of(AlterTableStmt *statement, Oid relation);
static char *answer_of(KeptPlan *plan, Datum *values);
static void rows_tell(ErrorData *error, const char *key, const char *from);

void
broken_rows_refuse(AlterTableStmt *statement)
{
	ErrorData *error = attempt(statement_run, statement, is_broken_rule);
	Oid relation;
	Datum value;
	char *condition;
	char *key;

	if (error == NULL)
		return;
	relation = RangeVarGetRelid(statement->relation, NoLock, false);
	value = ObjectIdGetDatum(relation);
	SPI_connect();
	condition = condition_of(statement, relation);
	key = answer_of(&read_key, &value);
	if (condition != NULL)
		rows_tell(error, key != NULL ? key : "ctid",
				  psprintf("FROM coursebase.%s WHERE %s",
						   quote_identifier(statement->relation->relname), condition));
	ReThrowError(error);
}

/* ALTER TABLE changes the parse tree that it is given, which is read again after an error. */
static bool
statement_run(void *statement)
{
	utility_run(copyObject(statement), "ALTER TABLE of coursebase.install()");
	return true;
}

static bool
is_broken_rule(int sqlstate)
{
	return sqlstate == ERRCODE_CHECK_VIOLATION || sqlstate == ERRCODE_NOT_NULL_VIOLATION;
}

/*
 * Which rows break the rule, in SQL; NULL for a primary key over a NULL. Only the catalogue
 * gives a CHECK back as text, so that the constraint is made without looking at the rows; it
 * goes with the error that follows.
 */
static char *
condition_of(AlterTableStmt *statement, Oid relation)
{
	AlterTableCmd *command = linitial_node(AlterTableCmd, statement->cmds);
	Constraint *check;
	Datum values[2];

	if (command->subtype == AT_SetNotNull)
		return psprintf("%s IS NULL", quote_identifier(command->name));
	check = castNode(Constraint, command->def);
	if (check->contype != CONSTR_CHECK)
		return NULL;
	check->skip_validation = true;
	check->initially_valid = false;
	statement_run(statement);
	values[0] = ObjectIdGetDatum(relation);
	values[1] = CStringGetTextDatum(check->conname);
	return psprintf("NOT %s", answer_of(&read_expression, values));
}

static char *
answer_of(KeptPlan *plan, Datum *values)
{
	return plan_execute(plan, values, NULL, false) > 0 ? plan_text(0, 1) : NULL;
}

/* Writes into the server's error which rows they are; nothing where none is seen, because
 * somebody forces row security on the owner. */
static void
rows_tell(ErrorData *error, const char *key, const char *from)
{
	plan_execute_once(psprintf("SELECT count(*)::text, left(min(concat_ws(', ', %s)), %d) %s",
							   key, KEY_SHOWN, from));
	if (plan_text(0, BROKEN_KEY) == NULL)
		return;
	error->detail = psprintf("Rows that do: %s, one of them with (%s)=(%s).",
							 plan_text(0, BROKEN_COUNT), key, plan_text(0, BROKEN_KEY));
	/* behind what strangers.c says of a column that may be somebody's own */
	error->hint =
		psprintf("%s or delete what this lists, then give the command again: SELECT %s %s",
				 error->hint != NULL ? psprintf("%s Otherwise change", error->hint) : "Change",
				 key, from);
}
