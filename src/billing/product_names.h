/*
 * product_names.h: under which names a store's product may stand in our tables.
 */
#ifndef COURSEBASE_BILLING_PRODUCT_NAMES_H
#define COURSEBASE_BILLING_PRODUCT_NAMES_H

#include "postgres.h"

#define PRODUCT_NAMES 3

/* From the whole id to the shortest part of it; some may be the same. */
typedef struct ProductNames
{
	char *names[PRODUCT_NAMES];
} ProductNames;

/*
 * In the current context. Errors are those of setting_text(), for the prefixes are read from
 * the setting store_product_prefixes.
 */
extern ProductNames product_names(const char *id);

#endif
