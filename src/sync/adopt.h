/*
 * adopt.h: manifests and versions, for rows that came without triggers.
 */
#ifndef COURSEBASE_SYNC_ADOPT_H
#define COURSEBASE_SYNC_ADOPT_H

#include "core/adoption.h"

/* Checksums of manifests, names of their links, and the version that everybody compares. */
extern const AdoptionPart sync_adoption;

#endif
