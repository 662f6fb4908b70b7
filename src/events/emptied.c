/*
 * emptied.c: which tables that give courses the running TRUNCATE empties.
 *
 * Invariant: what is remembered holds in its own subtransaction and depth of triggers, and
 * until another statement writes one of the tables. A TRUNCATE that was rolled back, and one
 * that ran before rows came again, say nothing of the next one.
 */
#include "postgres.h"

#include "access/xact.h"

#include "core/compat.h"
#include "core/row_trigger.h"
#include "events/emptied.h"

static struct
{
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	int depth;
	uint32 tables;
} emptied;

void
emptied_add(EmptiedTable table)
{
	uint32 tables = emptied_tables() | table;

	emptied.transaction = compat_local_transaction();
	emptied.subtransaction = GetCurrentSubTransactionId();
	emptied.depth = trigger_depth();
	emptied.tables = tables;
}

uint32
emptied_tables(void)
{
	bool holds = emptied.tables != 0 && emptied.transaction == compat_local_transaction() &&
				 emptied.subtransaction == GetCurrentSubTransactionId() &&
				 emptied.depth == trigger_depth();

	return holds ? emptied.tables : 0;
}

void
emptied_forget(void)
{
	emptied.tables = 0;
}
