/*
 * signed_only.h: providers of which nothing is recorded but what take_notification() verified.
 *
 * The setting require_signature names these providers. take_notification() records what it
 * verified with the rights of the tables' owner. So rights alone separate it from everybody
 * else: who has the owner's rights may record anything of such a provider, and nobody else may.
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
