/*
 * table.h: what the table tests of the cores share: one check a fact, a count at the end.
 */
#ifndef COURSEBASE_TEST_TABLE_H
#define COURSEBASE_TEST_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static unsigned long table_passed, table_failed;

/* Counts one fact; a false one is printed with the case it belongs to. */
static inline bool
table_check(bool fact, const char *table, size_t row, const char *what)
{
	if (fact)
		table_passed++;
	else
	{
		table_failed++;
		printf("FAIL %s[%zu]: %s\n", table, row, what);
	}
	return fact;
}

/* A test that checked nothing has failed. */
static inline int
table_end(void)
{
	printf("%lu passed, %lu failed\n", table_passed, table_failed);
	return table_failed > 0 || table_passed == 0;
}

/* The same numbers in every run, so that a failure can be met again. */
static inline uint32_t
table_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t) (*state >> 33);
}

#endif
