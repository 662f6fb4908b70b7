/*
 * placed.h: who has an account on this server is in the directory.
 */
#ifndef COURSEBASE_IDENTITY_PLACED_H
#define COURSEBASE_IDENTITY_PLACED_H

#include "postgres.h"

/* When the library is loaded: has join_home() ask for the people of this cell. */
extern void placed_init(void);

#endif
