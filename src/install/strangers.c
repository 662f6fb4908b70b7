/*
 * strangers.c: what a database has of its own under the name of one of ours, for the HINT of an
 * error.
 *
 * A release may bring a column of which somebody made one before, or a function beside which
 * somebody made another one of its name. Nothing is refused for that alone: a column may serve
 * all the same, and a function be in nobody's way. Where a statement of install() fails by it,
 * the server's message names an operator or a call and not what to do.
 */
#include "postgres.h"

#include "access/attnum.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "install/steps.h"
#include "install/strangers.h"

static void table_look(StringInfo found, CreateStmt *table, List *steps);
static bool is_retyped(List *steps, const char *table, const char *column);

char *
strangers_find(List *steps)
{
	StringInfoData found;
	ListCell *cell;

	initStringInfo(&found);
	foreach (cell, steps)
	{
		Node *statement = ((Step *) lfirst(cell))->statement;

		if (IsA(statement, CreateStmt))
			table_look(&found, castNode(CreateStmt, statement), steps);
	}
	return found.len > 0 ? found.data : NULL;
}

/* Appends the columns of another type: one of the same type serves as ours does. */
static void
table_look(StringInfo found, CreateStmt *table, List *steps)
{
	Oid relation = RangeVarGetRelid(table->relation, NoLock, true);
	ListCell *cell;

	foreach (cell, table->tableElts)
	{
		ColumnDef *column = lfirst(cell);
		AttrNumber number;
		Oid type;
		Oid wanted;

		if (!IsA(column, ColumnDef) || !OidIsValid(relation))
			continue;
		number = get_attnum(relation, column->colname);
		if (number == InvalidAttrNumber)
			continue;
		type = get_atttype(relation, number);
		wanted = LookupTypeNameOid(NULL, column->typeName, true);
		if (type == wanted || is_retyped(steps, table->relation->relname, column->colname))
			continue;
		appendStringInfo(found, "%s%s.%s is of type %s, and coursebase's of type %s",
						 found->len > 0 ? "; " : "", quote_identifier(table->relation->relname),
						 quote_identifier(column->colname), format_type_be(type),
						 OidIsValid(wanted) ? format_type_be(wanted)
											: TypeNameToString(column->typeName));
	}
}

/* Whether a step gives the column its type: it has that of an earlier release until then. */
static bool
is_retyped(List *steps, const char *table, const char *column)
{
	ListCell *cell;

	foreach (cell, steps)
	{
		AlterTableStmt *alter = (AlterTableStmt *) ((Step *) lfirst(cell))->statement;
		ListCell *each;

		if (!IsA(alter, AlterTableStmt) || strcmp(alter->relation->relname, table) != 0)
			continue;
		foreach (each, alter->cmds)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, each);

			if (command->subtype == AT_AlterColumnType && strcmp(command->name, column) == 0)
				return true;
		}
	}
	return false;
}

/*
 * By the error's code, for a NOTICE comes here as well. The guard, which refuses to rename a
 * column of ours, takes one of that name for ours.
 */
void
strangers_hint(const char *strangers)
{
	switch (geterrcode())
	{
		case ERRCODE_AMBIGUOUS_FUNCTION:
			errhint("Somebody made another function of that name in schema coursebase: drop "
					"it, or give it another name.");
			break;
		case ERRCODE_NOT_NULL_VIOLATION:
			errhint(
				"If the column is your own, give it another name: SET coursebase.allow_drop "
				"= on, then ALTER TABLE ... RENAME COLUMN.");
			break;
		case ERRCODE_DATATYPE_MISMATCH:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_INVALID_TABLE_DEFINITION:
		case ERRCODE_CANNOT_COERCE:
			if (strangers != NULL)
				errhint(
					"%s. If it is your own, give it another name: SET coursebase.allow_drop "
					"= on, then ALTER TABLE ... RENAME COLUMN.",
					strangers);
			break;
		default:
			break;
	}
}
