/*
 * adopt.h: checksums and places of the catalogue, for rows that came without triggers.
 */
#ifndef COURSEBASE_CATALOG_ADOPT_H
#define COURSEBASE_CATALOG_ADOPT_H

#include "core/adoption.h"

/* Checksums and sizes of courses' documents; sections and lessons that share a place. */
extern const AdoptionPart catalog_adoption;

#endif
