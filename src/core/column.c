/*
 * column.c: a column has the type that the code reads it as.
 *
 * The guard refuses ALTER COLUMN TYPE, but the setting coursebase.allow_drop lets it pass.
 * After that this check raises a clear error; without it the code would take the bytes of one
 * type for another.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "core/column.h"
#include "core/errors.h"

void
column_raise_type(TupleDesc columns, int column, Oid type)
{
	Form_pg_attribute form = TupleDescAttr(columns, column - 1);

	ereport(ERROR,
			(errcode(ERRCODE_CB_SCHEMA_BEHIND),
			 errmsg("column \"%s\" has another type than coursebase reads it as",
					NameStr(form->attname)),
			 errdetail("It is of type %s; the code reads it as %s.",
					   format_type_be(form->atttypid), format_type_be(type)),
			 errhint("Give the column its type back with ALTER TABLE ... ALTER COLUMN ... TYPE "
					 "%s, which needs coursebase.allow_drop.",
					 format_type_be(type))));
}
