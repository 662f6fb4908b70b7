/*
 * utility.h: running DDL from parse trees.
 */
#ifndef COURSEBASE_INSTALL_UTILITY_H
#define COURSEBASE_INSTALL_UTILITY_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "core/plan.h"

/*
 * Runs a utility statement as if it had been typed, with the current user's rights; event
 * triggers fire. source is the text shown in errors. What the statement did is visible when it
 * returns.
 */
extern void utility_run(Node *statement, const char *source);

/* The same from text: one or more utility statements. */
extern void utility_run_text(const char *source);

/*
 * The same for each text in the first column of what the plan answers. All are read before the
 * first one runs, for each changes the catalogues that the plan reads. Connects to SPI by
 * itself.
 */
extern void utility_run_answers(KeptPlan *kept, Datum *values);

#endif
