/*
 * adoption.c: the answer of adopt(), which the parts of the slices fill.
 *
 * A name stands once in the answer, in the order in which it came first, and only with
 * something to tell: so the answer of a second call is empty.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/adoption.h"

/* A row of the answer. */
typedef struct AdoptionRow
{
	char *what;
	int64 made;
	int64 not_understood;
	char *example; /* NULL: everything was understood */
} AdoptionRow;

struct Adoption
{
	List *rows;
	MemoryContext memory; /* of the answer: SPI's memory goes before it is returned */
};

static AdoptionRow *row_of(Adoption *adoption, const char *what);

/* Made before the caller connects to SPI: the current memory is that of the answer. */
Adoption *
adoption_begin(void)
{
	Adoption *adoption = palloc0(sizeof(*adoption));

	adoption->memory = CurrentMemoryContext;
	return adoption;
}

/* Runs the statement as it is: the caller has connected, and chosen whose rights it uses. */
uint64
adoption_make(Adoption *adoption, const char *what, KeptPlan *plan)
{
	uint64 rows = plan_execute_latest(plan, NULL, NULL);

	adoption_count(adoption, what, rows);
	return rows;
}

/* Nothing made, no row: a part that had nothing to do stays out of the answer. */
void
adoption_count(Adoption *adoption, const char *what, uint64 rows)
{
	if (rows > 0)
		row_of(adoption, what)->made += rows;
}

/* One example is enough to look at, and the first is as good as any. */
void
adoption_doubt(Adoption *adoption, const char *what, int64 rows, const char *example)
{
	AdoptionRow *row = row_of(adoption, what);

	row->not_understood += rows;
	if (row->example == NULL)
		row->example = MemoryContextStrdup(adoption->memory, example);
}

/*
 * The rows stand in the order in which the parts named them, which is the order of the slices:
 * a reader of the answer finds causes before what follows from them.
 */
void
adoption_return(Adoption *adoption, ReturnSetInfo *result)
{
	ListCell *cell;

	foreach (cell, adoption->rows)
	{
		AdoptionRow *row = lfirst(cell);
		bool nulls[] = {false, false, false, row->example == NULL};
		Datum values[] = {
			CStringGetTextDatum(row->what),
			Int64GetDatum(row->made),
			Int64GetDatum(row->not_understood),
			row->example == NULL ? (Datum) 0 : CStringGetTextDatum(row->example),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* The row of that name, a new one behind the others if there is none. */
static AdoptionRow *
row_of(Adoption *adoption, const char *what)
{
	MemoryContext before;
	AdoptionRow *row;
	ListCell *cell;

	foreach (cell, adoption->rows)
	{
		row = lfirst(cell);
		if (strcmp(row->what, what) == 0)
			return row;
	}
	before = MemoryContextSwitchTo(adoption->memory);
	row = palloc0(sizeof(*row));
	row->what = pstrdup(what);
	adoption->rows = lappend(adoption->rows, row);
	MemoryContextSwitchTo(before);
	return row;
}
