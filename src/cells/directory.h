/*
 * directory.h: in which cell a person lives who is not found in this one.
 *
 * Whoever looks for a person and finds none calls directory_require_here(): a person who lives
 * in another cell must not look like a stranger, who has bought nothing. Where there is one
 * server it costs the read of an empty index; who finds the person does not ask.
 *
 * The functions need no right of the caller, lock nothing, and may be called with and without
 * SPI_connect().
 */
#ifndef COURSEBASE_CELLS_DIRECTORY_H
#define COURSEBASE_CELLS_DIRECTORY_H

#include "postgres.h"

#include "utils/uuid.h"

#include "cells/cell.h"

/* A row of people. */
typedef struct Residence
{
	pg_uuid_t user;
	int32 cell;
	int32 moves;
	bool moving; /* on the way from or to this cell; set by directory_is_here() */
} Residence;

/*
 * Where the person with that external id, or with that id, lives. moving stays false until
 * directory_is_here() is asked. False, and nothing is written, for somebody whom the directory
 * does not know.
 */
extern bool directory_find_subject(const char *external_id, Residence *residence);
extern bool directory_find(const pg_uuid_t *user, Residence *residence);

/*
 * Whether the person lives in this cell, and is neither leaving it nor yet to arrive; writes
 * residence->moving. Asked about somebody of whom users has no row, or the row of a closed
 * account.
 */
extern bool directory_is_here(const Cell *here, Residence *residence);

/*
 * Whether a token or a store names somebody whom the directory has in another cell, by the
 * external id or the id. Then *here and *residence are written. It asks which cell this is
 * first, so that one server reads no directory.
 */
extern bool directory_has_elsewhere(const char *name, Size size, Cell *here,
									Residence *residence);

/* Raises KBC01 if the person lives in another cell, KBC21 if the person is moving. */
extern void directory_require_here(const pg_uuid_t *user);

/*
 * Of names by which stores call a payment, a line or a purchase (a text[]), of which this
 * server has no row: raises KBC21 if somebody who is leaving this cell has one of them, and
 * KBC01 once the directory here says where that one lives. Needs SPI_connect().
 */
extern void directory_require_not_leaving(Datum names);

/* Raises KBC21 for a residence that is moving, KBC01 for any other. */
pg_noreturn extern void directory_raise_elsewhere(const Cell *here, const Residence *residence);

#endif
