/*
 * adoption.h: what a slice makes for rows that came while triggers were off.
 *
 * Each slice that derives rows from others has an adopt.c with one AdoptionPart; adopt()
 * (account/adopt.c) runs the parts from left to right. A part makes what the slice's triggers
 * would have made, in statements over all rows, and makes nothing where nothing is missing.
 * While a part runs no trigger fires, nobody else writes the part's tables, and the rights are
 * those of the tables' owner. A foreign key is not checked either: a statement joins the rows
 * that its own rows point to.
 */
#ifndef COURSEBASE_CORE_ADOPTION_H
#define COURSEBASE_CORE_ADOPTION_H

#include "postgres.h"

#include "core/plan.h"

/* The answer of adopt() so far. */
typedef struct Adoption Adoption;

typedef struct AdoptionPart
{
	const char *tables; /* what the part reads and writes, as LOCK TABLE takes them */
	void (*adopt)(Adoption *adoption);
} AdoptionPart;

/*
 * Runs a statement that writes, on what is committed by now, and answers how many rows it
 * wrote, which it adds to the row of that name in the answer. Needs SPI; errors are the
 * statement's own.
 */
extern uint64 adoption_make(Adoption *adoption, const char *what, KeptPlan *plan);

/* Adds rows that were written otherwise. */
extern void adoption_count(Adoption *adoption, const char *what, uint64 rows);

/* Adds rows that cannot be understood, and one of them in words. The texts are copied. */
extern void adoption_doubt(Adoption *adoption, const char *what, int64 rows,
						   const char *example);

/* An answer without rows, and its rows written into the result of a function. */
extern Adoption *adoption_begin(void);
extern void adoption_return(Adoption *adoption, ReturnSetInfo *result);

#endif
