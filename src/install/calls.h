/*
 * calls.h: is it clear which functions a statement calls?
 */
#ifndef COURSEBASE_INSTALL_CALLS_H
#define COURSEBASE_INSTALL_CALLS_H

#include "postgres.h"

#include "nodes/nodes.h"

/* Whether the statement, parsed and not analysed, calls a function of ours that is not the only
 * one of its name, or is gone: to analyse it may fail. */
extern bool call_is_unsure(Node *statement);

#endif
