/*
 * utility.c: running DDL from parse trees.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "parser/parser.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"

#include "install/utility.h"

/*
 * PROCESS_UTILITY_QUERY, so that event triggers fire as for a typed command. The counter moves
 * on both sides: the statement sees what was done before it, and the next one sees what this
 * one did.
 */
void
utility_run(Node *statement, const char *source)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->canSetTag = false;
	wrapper->utilityStmt = statement;
	wrapper->stmt_location = -1;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(wrapper, source, false, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver,
				   NULL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

void
utility_run_text(const char *source)
{
	ListCell *cell;

	foreach (cell, raw_parser(source, RAW_PARSE_DEFAULT))
		utility_run(lfirst_node(RawStmt, cell)->stmt, source);
}

void
utility_run_answers(KeptPlan *kept, Datum *values)
{
	List *statements = NIL;
	ListCell *cell;
	uint64 rows;

	SPI_connect();
	rows = plan_execute(kept, values, NULL, false);
	for (uint64 row = 0; row < rows; row++)
		statements = lappend(statements, plan_text_required(row, 1));
	foreach (cell, statements)
		utility_run_text(lfirst(cell));
	SPI_finish();
}
