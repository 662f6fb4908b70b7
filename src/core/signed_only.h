/*
 * signed_only.h: providers of which nothing is recorded but what take_notification() verified.
 *
 * The setting require_signature names them. take_notification() does what it verified with the
 * rights of the tables' owner, so that whoever else calls or writes is told apart by rights
 * alone: whoever has the owner's may record anything, and nobody else may.
 */
#ifndef COURSEBASE_CORE_SIGNED_ONLY_H
#define COURSEBASE_CORE_SIGNED_ONLY_H

#include "postgres.h"

/* Whether the setting names the provider; false for NULL. */
extern bool signed_only(const char *provider);

/*
 * Raises KB822 unless the caller has the rights of the tables' owner or the setting does not
 * name the provider (NULL: none). To be called before owner_enter(): within it everybody has
 * those rights.
 */
extern void signed_only_require(const char *provider);

#endif
