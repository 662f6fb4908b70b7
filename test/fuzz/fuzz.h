/*
 * fuzz.h: what the fuzz targets share: a promise that stops the run, and memory that ends where
 * it ends.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc test/fuzz/NAME_fuzz.c
 * src/json/json_*.c
 */
#ifndef COURSEBASE_FUZZ_H
#define COURSEBASE_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#define PROMISE(fact)                                                                          \
	do                                                                                         \
	{                                                                                          \
		if (!(fact))                                                                           \
		{                                                                                      \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #fact);         \
			abort();                                                                           \
		}                                                                                      \
	} while (0)

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy without a byte behind it, so that the sanitizer sees any read past the end. */
static inline char *
fuzz_copy(const void *bytes, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);

	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

static inline JsonText
fuzz_text(const char *bytes, size_t size)
{
	JsonText text;

	json_text_init(&text, bytes, size, NULL, NULL);
	return text;
}

static inline bool
fuzz_valid(const char *bytes, size_t size)
{
	JsonText text = fuzz_text(bytes, size);
	unsigned char *nest = malloc(size / 8 + 1);
	size_t where = size + 1;
	JsonStatus status = json_text_validate(&text, nest, size / 8 + 1, &where);

	PROMISE(where <= size && status != JSON_TOO_DEEP);
	PROMISE(status != JSON_OK || where == size);
	free(nest);
	return status == JSON_OK;
}

#endif
