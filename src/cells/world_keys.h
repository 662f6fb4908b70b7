/*
 * world_keys.h: keys that name something in the whole world, such as a store's purchase: one
 * cell has each.
 *
 * A trigger of the tables claims the keys of each row that is written (world_keys.c). What is
 * here is for whoever moves rows past triggers.
 */
#ifndef COURSEBASE_CELLS_WORLD_KEYS_H
#define COURSEBASE_CELLS_WORLD_KEYS_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* A key that another cell has. */
typedef struct RefusedKey
{
	const char *kind;
	const char *key;
	int32 cell;
} RefusedKey;

/*
 * Claims for this cell the keys of all rows that are here, of one person (NULL: of everybody),
 * and answers those that another cell has, as a List of RefusedKey * in the current context.
 *
 * A key is its person's, and goes where the directory says the person lives: who moves leaves
 * none behind. It is for rows that were written before there were cells or past the triggers
 * (two accounts that became one), and for a home that was restored from a backup. So it belongs
 * before somebody leaves a cell. Needs the rights of the tables' owner and no
 * SPI_connect(). Raises KBC12 where home does not answer. Where there is one server it does
 * nothing.
 */
extern List *world_keys_claim_stored(const pg_uuid_t *user);

/*
 * On home, of keys (two text[]: their kinds, and the keys) of which this server has no row:
 * raises KBC01 if one is of a person who lives in another cell, KBC21 of one who is moving.
 * Elsewhere nothing is known of them, and it does nothing. Needs SPI_connect().
 */
extern void world_keys_require_here(Datum kinds, Datum keys);

#endif
