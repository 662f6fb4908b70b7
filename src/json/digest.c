/*
 * digest.c: message digests by OpenSSL, which no other file calls.
 *
 * An algorithm is fetched once a backend: fetching costs more than hashing a short document. A
 * digest's context belongs to the memory context in which the digest was begun and is freed
 * with it, so that an error between begin and finish leaks nothing.
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/compat.h"
#include "json/digest.h"

struct Digest
{
	EVP_MD_CTX *context;
	DigestAlgorithm algorithm;
	MemoryContextCallback callback;
};

const char *const digest_algorithm_names[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = "md5",
	[DIGEST_SHA256] = "sha256",
};

/* As OpenSSL names them. */
static const char *const provider_names[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = "MD5",
	[DIGEST_SHA256] = "SHA2-256",
};

static EVP_MD *fetched[DIGEST_ALGORITHMS];

/* A context that no digest uses: making one costs a quarter of hashing a short document. */
static EVP_MD_CTX *spare;

static EVP_MD *algorithm_fetch(DigestAlgorithm algorithm);
static void digest_free(void *digest);
pg_noreturn static void digest_refused(DigestAlgorithm algorithm);

/*
 * The callback is registered before the context is made, and frees it with the memory; a
 * context that an earlier digest left over is used again.
 */
Digest *
digest_begin(DigestAlgorithm algorithm)
{
	EVP_MD *md = algorithm_fetch(algorithm);
	Digest *digest = palloc0(sizeof(Digest));

	digest->algorithm = algorithm;
	digest->callback.func = digest_free;
	digest->callback.arg = digest;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &digest->callback);
	digest->context = spare != NULL ? spare : EVP_MD_CTX_new();
	spare = NULL;
	if (digest->context == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
						errdetail("The context of a digest could not be made.")));
	if (!EVP_DigestInit_ex2(digest->context, md, NULL))
		digest_refused(algorithm);
	return digest;
}

void
digest_update(void *arg, const char *bytes, size_t n)
{
	Digest *digest = arg;

	if (!EVP_DigestUpdate(digest->context, bytes, n))
		digest_refused(digest->algorithm);
}

/* EVP_DigestFinal_ex() leaves the context fit for the next digest. */
void
digest_finish(Digest *digest, char hex[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!EVP_DigestFinal_ex(digest->context, bytes, &n))
		digest_refused(digest->algorithm);
	Assert(2 * n < DIGEST_HEX_SIZE);
	for (unsigned int i = 0; i < n; i++)
	{
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	hex[2 * n] = '\0';
	digest_free(digest);
}

/* A refusal is not remembered: the machine's policy may be changed while the session lives. */
static EVP_MD *
algorithm_fetch(DigestAlgorithm algorithm)
{
	if (fetched[algorithm] == NULL)
		fetched[algorithm] = EVP_MD_fetch(NULL, provider_names[algorithm], NULL);
	if (fetched[algorithm] == NULL)
		digest_refused(algorithm);
	return fetched[algorithm];
}

/*
 * Called at finish, and again when the memory context goes: then there is nothing left to
 * free. One context is kept as the spare one, and freed never.
 */
static void
digest_free(void *arg)
{
	Digest *digest = arg;

	if (spare == NULL)
		spare = digest->context;
	else
		EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}

static void
digest_refused(DigestAlgorithm algorithm)
{
	/*
	 * OpenSSL keeps a queue of errors; the next failure of an encrypted connection would
	 * otherwise report this one
	 */
	ERR_clear_error();
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("digest algorithm %s is not available", digest_algorithm_names[algorithm]),
		 errdetail("The cryptographic policy of this machine (FIPS, for example) refuses it."),
		 algorithm == DIGEST_SHA256 ? 0 : errhint("Use the algorithm sha256.")));
}
