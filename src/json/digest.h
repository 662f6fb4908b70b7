/*
 * digest.h: a message digest fed in pieces, in the server's memory contexts.
 */
#ifndef COURSEBASE_JSON_DIGEST_H
#define COURSEBASE_JSON_DIGEST_H

#include "postgres.h"

typedef enum DigestAlgorithm
{
	DIGEST_MD5,
	DIGEST_SHA256
} DigestAlgorithm;

/* Hex digits of the longest digest, and the byte that ends them. */
#define DIGEST_HEX_SIZE (2 * 32 + 1)

typedef struct Digest Digest;

/* False when the name is none of those in digest_algorithm_names. */
extern bool digest_algorithm_parse(const char *name, Size length, DigestAlgorithm *algorithm);
extern const char *digest_algorithm_names(void);

/* Raises feature_not_supported when the machine's policy refuses the algorithm. */
extern Digest *digest_begin(DigestAlgorithm algorithm);

/* A sink for stream.h and json_render.h: `digest` is a Digest. */
extern void digest_update(void *digest, const char *bytes, size_t n);

/* Writes lower-case hex digits and ends the digest. */
extern void digest_finish(Digest *digest, char hex[DIGEST_HEX_SIZE]);

#endif
