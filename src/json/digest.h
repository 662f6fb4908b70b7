/*
 * digest.h: a message digest fed in pieces, in the server's memory contexts.
 */
#ifndef COURSEBASE_JSON_DIGEST_H
#define COURSEBASE_JSON_DIGEST_H

#include "postgres.h"

typedef enum DigestAlgorithm
{
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_ALGORITHMS
} DigestAlgorithm;

/* As SQL functions and their callers name the algorithms. */
extern const char *const digest_algorithm_names[DIGEST_ALGORITHMS];

/* Hex digits of the longest digest, and the byte that ends them. */
#define DIGEST_HEX_SIZE (2 * 32 + 1)

typedef struct Digest Digest;

/* Raises feature_not_supported when the machine's policy refuses the algorithm. */
extern Digest *digest_begin(DigestAlgorithm algorithm);

/* A sink for stream.h and json_render.h: `digest` is a Digest. */
extern void digest_update(void *digest, const char *bytes, size_t n);

/* Writes lower-case hex digits and ends the digest. */
extern void digest_finish(Digest *digest, char hex[DIGEST_HEX_SIZE]);

#endif
