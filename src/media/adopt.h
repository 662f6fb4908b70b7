/*
 * adopt.h: checksums of custom courses, for rows that came without triggers.
 */
#ifndef COURSEBASE_MEDIA_ADOPT_H
#define COURSEBASE_MEDIA_ADOPT_H

#include "core/adoption.h"

/* Checksums and sizes of custom courses' documents. */
extern const AdoptionPart media_adoption;

#endif
