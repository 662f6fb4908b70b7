/*
 * product_names.c: under which names a store's product may stand in our tables.
 *
 * A store's id is compared in lower case: first as it stands, then without the longest prefix
 * of the setting store_product_prefixes that it begins with, then also without the suffix of a
 * discount, which is an underscore, one letter and digits at the end (_x2, _c1). Whoever looks
 * a product up takes the first of the three that is there, so that an id that is a product's
 * as it stands is never cut.
 */
#include "postgres.h"

#include "billing/product_names.h"
#include "core/setting.h"

static char *lower_case(const char *name);
static char *without_prefix(char *name);
static char *without_suffix(const char *name);

/* Three candidates, each cut a little more; without_suffix() cuts what the prefix has left. */
ProductNames
product_names(const char *id)
{
	char *whole = lower_case(id);
	char *inner = without_prefix(whole);

	return (ProductNames){{whole, inner, without_suffix(inner)}};
}

/* ASCII letters alone: a CHECK keeps all others out of the ids of products. */
static char *
lower_case(const char *name)
{
	char *lower = pstrdup(name);

	for (char *c = lower; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return lower;
}

/* The name itself, where it has no such prefix or nothing behind it. */
static char *
without_prefix(char *name)
{
	size_t longest = 0;
	int count;
	char **prefixes = setting_words("store_product_prefixes", &count);

	for (int i = 0; i < count; i++)
	{
		char *prefix = lower_case(prefixes[i]);
		size_t size = strlen(prefix);

		if (size > longest && strncmp(name, prefix, size) == 0 && name[size] != '\0')
			longest = size;
	}
	return name + longest;
}

/* A copy, whole where it has no such suffix or nothing before it. */
static char *
without_suffix(const char *name)
{
	size_t size = strlen(name);
	size_t end = size;

	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	if (end == size || end < 3 || name[end - 1] < 'a' || name[end - 1] > 'z' ||
		name[end - 2] != '_')
		return pstrdup(name);
	return pnstrdup(name, end - 2);
}
