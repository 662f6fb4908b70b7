/*
 * signature.c: signatures of the stores, checked by OpenSSL; with json/digest.c the only file
 * that calls it.
 *
 * A check gathers what it makes in one struct, looks at nothing but return values, and frees
 * the struct on its only way out: no error of the server may leave while OpenSSL's objects are
 * held, for nobody would free them.
 *
 * Apple signs with one leaf for months, and each notification brings its chain up to three
 * times. A session keeps the last few chains that it found sound: that the three certificates
 * are a chain with Apple's markers is true whenever it is asked, for any app and environment.
 * What may change is asked of every token: whether its root is in store_keys now, and whether
 * the chain was valid when the token was signed. So nothing has to be forgotten when
 * store_keys changes.
 */
#include "postgres.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "datatype/timestamp.h"
#include "utils/datetime.h"

#include "core/compat.h"
#include "core/errors.h"
#include "notifications/base64.h"
#include "notifications/signature.h"

/* Apple's markers: the certificate signs App Store receipts, and its issuer is the authority
 * for those. */
#define MARKER_LEAF         "1.2.840.113635.100.6.11.1"
#define MARKER_INTERMEDIATE "1.2.840.113635.100.6.2.1"

/* RFC 7518 3.4: two numbers of 32 bytes, and nothing else. */
#define ES256_SIZE 64

/* What a check could not do, beside finding a signature wrong. */
typedef enum CheckEnd
{
	CHECK_DONE,
	CHECK_NO_MEMORY,
	CHECK_NO_ALGORITHM,
} CheckEnd;

/* SHA-256 of the three certificates. */
#define CHAIN_DIGEST_SIZE 32

/* A chain that was found sound, with what its tokens are checked with. */
typedef struct SoundChain
{
	unsigned char digest[CHAIN_DIGEST_SIZE];
	/* all three certificates are valid from the one to before the other, in seconds since 1970
	 */
	int64 valid_from;
	int64 valid_until;
	EVP_PKEY *key; /* the leaf's, of P-256, held until another chain takes the place; NULL: no
					  chain */
	uint64 used;   /* greater for what was used later */
} SoundChain;

/* The chains that this session keeps. A new one takes the place of the one that was not used
 * for longest; only a root of store_keys can make another, so that nobody else fills them. */
static SoundChain sound_chains[8];
static uint64 sound_chain_uses;

/* All that a check of a chain makes; chain_free() is the one place that frees it. */
typedef struct ChainCheck
{
	X509 *certificates[3];
	struct stack_st_X509 *intermediates;
	X509_STORE *store;
	X509_STORE_CTX *context;
	EVP_MD_CTX *digest;
	ECDSA_SIG *points;
	unsigned char *der;
} ChainCheck;

static const char *chain_require(ChainCheck *check, const JsonSlice certificates[3],
								 SoundChain **chain, CheckEnd *end);
static bool chain_digest(ChainCheck *check, const JsonSlice certificates[3],
						 unsigned char digest[CHAIN_DIGEST_SIZE]);
static const char *chain_check(ChainCheck *check, const JsonSlice certificates[3],
							   SoundChain *chain, CheckEnd *end);
static const char *chain_verify(ChainCheck *check, CheckEnd *end);
static bool validity_read(ChainCheck *check, SoundChain *chain);
static bool seconds_read(const ASN1_TIME *time, int64 *seconds);
static SoundChain *chain_keep(const SoundChain *chain);
static bool is_marked(X509 *certificate, const char *oid);
static const char *es256_verify(ChainCheck *check, EVP_PKEY *key, JsonSlice signed_bytes,
								JsonSlice signature, CheckEnd *end);
static bool points_read(ChainCheck *check, EVP_PKEY *key, JsonSlice signature);
static bool is_within_order(const BIGNUM *value, const BIGNUM *order);
static bool is_p256(EVP_PKEY *key);
static void chain_free(ChainCheck *check);
static bool is_root(JsonSlice certificate, const JsonSlice *roots, int nroots);
static X509 *certificate_read(JsonSlice der);
static EVP_PKEY *public_key_read(JsonSlice material);
static char *der_of(JsonSlice material, size_t *size);
pg_noreturn static void raise_unreadable(const char *what);
static void end_require(CheckEnd end, const char *algorithm);

/* Checks the root before anything else is parsed, then chain, dates and signature. Frees on its
 * only way out. */
const char *
signature_check_chain(const JsonSlice certificates[3], const JsonSlice *roots, int nroots,
					  int64 signed_at, JsonSlice signed_bytes, JsonSlice signature)
{
	ChainCheck check = {0};
	CheckEnd end = CHECK_DONE;
	SoundChain *chain = NULL;
	const char *fault;

	/*
	 * The order is that of trust: the root is compared before anything is parsed, because a
	 * parser of certificates is a large thing to feed with what anybody sent. Only a root that
	 * the operator entered is trusted, also where an earlier call has found the chain good.
	 */
	if (!is_root(certificates[2], roots, nroots))
		return "comes from a root that is not in store_keys";
	ERR_set_mark();
	fault = chain_require(&check, certificates, &chain, &end);
	/* not now: a notification that is delivered again after years is as genuine as it was */
	if (chain != NULL && (signed_at < chain->valid_from || signed_at >= chain->valid_until))
		fault = "comes with a certificate that was not valid when it was made";
	else if (chain != NULL)
		fault = es256_verify(&check, chain->key, signed_bytes, signature, &end);
	chain_free(&check);
	/* what OpenSSL queued would be reported by the next failure of an encrypted connection */
	ERR_pop_to_mark();
	end_require(end, "ECDSA");
	return fault;
}

/* Finds the chain among those that are kept, or checks and keeps it; without a chain the answer
 * or the end says why. The chain stays the session's. */
static const char *
chain_require(ChainCheck *check, const JsonSlice certificates[3], SoundChain **chain,
			  CheckEnd *end)
{
	SoundChain sound = {0};
	const char *fault;

	if (!chain_digest(check, certificates, sound.digest))
	{
		*end = CHECK_NO_MEMORY;
		return NULL;
	}
	for (int i = 0; i < lengthof(sound_chains); i++)
		if (sound_chains[i].key != NULL &&
			memcmp(sound_chains[i].digest, sound.digest, CHAIN_DIGEST_SIZE) == 0)
		{
			*chain = &sound_chains[i];
			(*chain)->used = ++sound_chain_uses;
			return NULL;
		}
	fault = chain_check(check, certificates, &sound, end);
	if (fault == NULL && *end == CHECK_DONE)
		*chain = chain_keep(&sound);
	return fault;
}

/* The sizes stand in it too: where one certificate ends decides what is parsed. */
static bool
chain_digest(ChainCheck *check, const JsonSlice certificates[3],
			 unsigned char digest[CHAIN_DIGEST_SIZE])
{
	bool made = (check->digest = EVP_MD_CTX_new()) != NULL &&
				EVP_DigestInit_ex(check->digest, EVP_sha256(), NULL) == 1;

	for (int i = 0; made && i < 3; i++)
		made =
			EVP_DigestUpdate(check->digest, &certificates[i].size,
							 sizeof(certificates[i].size)) == 1 &&
			EVP_DigestUpdate(check->digest, certificates[i].bytes, certificates[i].size) == 1;
	return made && EVP_DigestFinal_ex(check->digest, digest, NULL) == 1;
}

/* Reads the certificates and checks them in the order in which a fault is cheapest to find. A
 * sound chain has its dates and a key, which the caller keeps. */
static const char *
chain_check(ChainCheck *check, const JsonSlice certificates[3], SoundChain *chain,
			CheckEnd *end)
{
	const char *fault;
	EVP_PKEY *key;

	/* the root too: it equals a stored one, and is needed as an object */
	for (int i = 0; i < 3; i++)
		if ((check->certificates[i] = certificate_read(certificates[i])) == NULL)
			return "comes with a certificate that cannot be read";
	if (!validity_read(check, chain))
		return "comes with a certificate that cannot be read";
	fault = chain_verify(check, end);
	if (fault != NULL || *end != CHECK_DONE)
		return fault;
	/* Apple's root signs other things as well, such as the certificates of developers */
	if (!is_marked(check->certificates[0], MARKER_LEAF) ||
		!is_marked(check->certificates[1], MARKER_INTERMEDIATE))
		return "comes with a certificate that lacks Apple's marker";
	key = X509_get0_pubkey(check->certificates[0]);
	if (key == NULL || !is_p256(key))
		return "comes with a key that is not of P-256";
	chain->key = X509_get_pubkey(check->certificates[0]);
	return NULL;
}

/* Verifies the chain with the given root alone, without its dates: the machine's own trust
 * store is never asked. */
static const char *
chain_verify(ChainCheck *check, CheckEnd *end)
{
	check->store = X509_STORE_new();
	check->context = X509_STORE_CTX_new();
	check->intermediates = sk_X509_new_null();
	if (check->store == NULL || check->context == NULL || check->intermediates == NULL ||
		!X509_STORE_add_cert(check->store, check->certificates[2]) ||
		!sk_X509_push(check->intermediates, check->certificates[1]) ||
		!X509_STORE_CTX_init(check->context, check->store, check->certificates[0],
							 check->intermediates))
	{
		*end = CHECK_NO_MEMORY;
		return NULL;
	}
	/* the dates are asked of each token, of a chain that is kept as of a new one */
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(check->context),
								X509_V_FLAG_NO_CHECK_TIME);
	/* leaf, intermediate and root: the intermediate that came must be the one that was used */
	return X509_verify_cert(check->context) == 1 &&
				   sk_X509_num(X509_STORE_CTX_get0_chain(check->context)) == 3
			   ? NULL
			   : "comes with certificates that are no chain";
}

/* Reads when all three certificates are valid. */
static bool
validity_read(ChainCheck *check, SoundChain *chain)
{
	chain->valid_from = PG_INT64_MIN;
	chain->valid_until = PG_INT64_MAX;
	for (int i = 0; i < 3; i++)
	{
		int64 from, until;

		if (!seconds_read(X509_get0_notBefore(check->certificates[i]), &from) ||
			!seconds_read(X509_get0_notAfter(check->certificates[i]), &until))
			return false;
		chain->valid_from = Max(chain->valid_from, from);
		/* a certificate counts as expired at its last second, as OpenSSL has it */
		chain->valid_until = Min(chain->valid_until, until);
	}
	return true;
}

/* Seconds since 1970 of a certificate's time. */
static bool
seconds_read(const ASN1_TIME *time, int64 *seconds)
{
	struct tm parts;

	if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
		return false;
	*seconds = ((int64) date2j(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday) -
				UNIX_EPOCH_JDATE) *
				   SECS_PER_DAY +
			   parts.tm_hour * SECS_PER_HOUR + parts.tm_min * SECS_PER_MINUTE + parts.tm_sec;
	return true;
}

/* Keeps the chain, whose key becomes the session's, in the place of the one that was not used
 * for longest. */
static SoundChain *
chain_keep(const SoundChain *chain)
{
	SoundChain *place = &sound_chains[0];

	for (int i = 1; i < lengthof(sound_chains); i++)
		if (sound_chains[i].used < place->used)
			place = &sound_chains[i];
	EVP_PKEY_free(place->key);
	*place = *chain;
	place->used = ++sound_chain_uses;
	return place;
}

/* Whether the certificate has an extension of that object identifier, whatever its value. */
static bool
is_marked(X509 *certificate, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	bool marked = object != NULL && X509_get_ext_by_OBJ(certificate, object, -1) >= 0;

	ASN1_OBJECT_free(object);
	return marked;
}

/* Verifies the signature with the leaf's key. OpenSSL takes DER, so that the two numbers are
 * written as such first. */
static const char *
es256_verify(ChainCheck *check, EVP_PKEY *key, JsonSlice signed_bytes, JsonSlice signature,
			 CheckEnd *end)
{
	int der_size;

	if (!points_read(check, key, signature))
		return "is not of the form that ES256 has";
	/* the key is the leaf's; the chain above has said whose it is */
	der_size = i2d_ECDSA_SIG(check->points, &check->der);
	if (der_size <= 0 || EVP_MD_CTX_reset(check->digest) != 1)
	{
		*end = CHECK_NO_MEMORY;
		return NULL;
	}
	if (EVP_DigestVerifyInit_ex(check->digest, NULL, "SHA256", NULL, NULL, key, NULL) != 1)
	{
		*end = CHECK_NO_ALGORITHM;
		return NULL;
	}
	return EVP_DigestVerify(check->digest, check->der, (size_t) der_size,
							(const unsigned char *) signed_bytes.bytes, signed_bytes.size) == 1
			   ? NULL
			   : "does not fit";
}

/* JWS has r and s as 32 bytes each, OpenSSL as a DER sequence. A high s is as good: it is the
 * same point's. */
static bool
points_read(ChainCheck *check, EVP_PKEY *key, JsonSlice signature)
{
	const unsigned char *bytes = (const unsigned char *) signature.bytes;
	BIGNUM *order = NULL;
	BIGNUM *r, *s;
	bool sound;

	/* the order of the curve comes from the key, whose curve was checked before */
	if (signature.size != ES256_SIZE ||
		!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &order))
		return false;
	r = BN_bin2bn(bytes, ES256_SIZE / 2, NULL);
	s = BN_bin2bn(bytes + ES256_SIZE / 2, ES256_SIZE / 2, NULL);
	check->points = ECDSA_SIG_new();
	sound = r != NULL && s != NULL && check->points != NULL && is_within_order(r, order) &&
			is_within_order(s, order) && ECDSA_SIG_set0(check->points, r, s) == 1;
	/* ECDSA_SIG_set0() takes them over; before it they are still ours */
	if (!sound)
	{
		BN_free(r);
		BN_free(s);
	}
	BN_free(order);
	return sound;
}

/* Whether 0 < value < order: a signature of zeros fits any message in careless verifiers. */
static bool
is_within_order(const BIGNUM *value, const BIGNUM *order)
{
	return !BN_is_zero(value) && BN_cmp(value, order) < 0;
}

/* Whether the key is of the curve that ES256 names. OpenSSL has two names for it. */
static bool
is_p256(EVP_PKEY *key)
{
	char name[32];

	return EVP_PKEY_is_a(key, "EC") &&
		   EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
		   (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0);
}

/* Frees whatever was made; OpenSSL's functions take NULL for what was not. */
static void
chain_free(ChainCheck *check)
{
	OPENSSL_free(check->der);
	ECDSA_SIG_free(check->points);
	EVP_MD_CTX_free(check->digest);
	X509_STORE_CTX_free(check->context);
	X509_STORE_free(check->store);
	sk_X509_free(check->intermediates);
	for (int i = 0; i < 3; i++)
		X509_free(check->certificates[i]);
}

/* A root in store_keys may be PEM or base64; compared are the bytes of its DER. */
static bool
is_root(JsonSlice certificate, const JsonSlice *roots, int nroots)
{
	for (int i = 0; i < nroots; i++)
	{
		size_t size;
		char *der = der_of(roots[i], &size);
		bool same = der != NULL && size == certificate.size &&
					memcmp(der, certificate.bytes, size) == 0;

		if (der != NULL)
			pfree(der);
		if (same)
			return true;
	}
	return false;
}

/* The padding is PKCS #1 v1.5, which is OpenSSL's default and what RS256 and Google Play use.
 */
const char *
signature_check_rsa(JsonSlice public_key, SignatureHash hash, JsonSlice signed_bytes,
					JsonSlice signature)
{
	EVP_PKEY *key;
	EVP_MD_CTX *digest;
	CheckEnd end = CHECK_DONE;
	bool sound = false;
	bool is_rsa;

	ERR_set_mark();
	/* a key of another kind is a fault of the operator's, and no word about the signature */
	key = public_key_read(public_key);
	is_rsa = key != NULL && EVP_PKEY_is_a(key, "RSA");
	digest = EVP_MD_CTX_new();
	if (digest == NULL)
		end = CHECK_NO_MEMORY;
	else if (is_rsa &&
			 EVP_DigestVerifyInit_ex(digest, NULL, hash == SIGNATURE_SHA1 ? "SHA1" : "SHA256",
									 NULL, NULL, key, NULL) != 1)
		end = CHECK_NO_ALGORITHM;
	else if (is_rsa)
		sound = EVP_DigestVerify(digest, (const unsigned char *) signature.bytes,
								 signature.size, (const unsigned char *) signed_bytes.bytes,
								 signed_bytes.size) == 1;
	EVP_MD_CTX_free(digest);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	if (!is_rsa && end == CHECK_DONE)
		raise_unreadable("an RSA public key");
	end_require(end, hash == SIGNATURE_SHA1 ? "RSA with SHA-1" : "RSA with SHA-256");
	return sound ? NULL : "does not fit";
}

/* Feeds the pieces one after the other, so that nobody has to put them together. */
void
signature_hmac(JsonSlice secret, const JsonSlice *pieces, int npieces,
			   unsigned char mac[SIGNATURE_HMAC_SIZE])
{
	EVP_MAC *algorithm;
	EVP_MAC_CTX *context = NULL;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_construct_end(),
	};
	size_t size = 0;
	bool made;

	ERR_set_mark();
	algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	context = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
	made = context != NULL && EVP_MAC_init(context, (const unsigned char *) secret.bytes,
										   secret.size, parameters) == 1;
	for (int i = 0; made && i < npieces; i++)
		made = EVP_MAC_update(context, (const unsigned char *) pieces[i].bytes,
							  pieces[i].size) == 1;
	/* the size is asked for: a truncated code would be compared as a whole one */
	made = made && EVP_MAC_final(context, mac, &size, SIGNATURE_HMAC_SIZE) == 1 &&
		   size == SIGNATURE_HMAC_SIZE;
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(algorithm);
	ERR_pop_to_mark();
	end_require(made ? CHECK_DONE : CHECK_NO_ALGORITHM, "HMAC with SHA-256");
}

/* Lengths may differ in time: they are no secret. */
bool
signature_same(JsonSlice a, JsonSlice b)
{
	return a.size == b.size && CRYPTO_memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* Reads the material as it will be read when a notification comes. */
void
signature_require_certificate(JsonSlice material)
{
	size_t size;
	char *der = der_of(material, &size);
	X509 *certificate;

	ERR_set_mark();
	certificate = der == NULL ? NULL : certificate_read((JsonSlice){der, size});
	X509_free(certificate);
	ERR_pop_to_mark();
	if (certificate == NULL)
		raise_unreadable("a certificate");
}

/* Reads the material as it will be read when a notification comes; every provider's key here is
 * RSA. */
void
signature_require_public_key(JsonSlice material)
{
	EVP_PKEY *key;
	bool is_rsa;

	ERR_set_mark();
	key = public_key_read(material);
	is_rsa = key != NULL && EVP_PKEY_is_a(key, "RSA");
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	if (!is_rsa)
		raise_unreadable("an RSA public key");
}

/* NULL unless the bytes are one certificate and nothing behind it. */
static X509 *
certificate_read(JsonSlice der)
{
	const unsigned char *bytes = (const unsigned char *) der.bytes;
	X509 *certificate = d2i_X509(NULL, &bytes, (long) der.size);

	/* bytes behind it would be a second spelling of the same certificate */
	if (certificate != NULL && bytes != (const unsigned char *) der.bytes + der.size)
	{
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

/* A key, or the key of a certificate: Google publishes both forms. */
static EVP_PKEY *
public_key_read(JsonSlice material)
{
	size_t size;
	char *der = der_of(material, &size);
	const unsigned char *bytes = (const unsigned char *) der;
	EVP_PKEY *key;
	X509 *certificate;

	if (der == NULL)
		return NULL;
	/* first as a bare key, which is the shorter of the two */
	key = d2i_PUBKEY(NULL, &bytes, (long) size);
	if (key == NULL && (certificate = certificate_read((JsonSlice){der, size})) != NULL)
	{
		key = X509_get_pubkey(certificate);
		X509_free(certificate);
	}
	pfree(der);
	return key;
}

/* The bytes between the lines of a PEM, or of base64 without lines; NULL where there are none.
 * In the current context. */
static char *
der_of(JsonSlice material, size_t *size)
{
	char *text = palloc(material.size + 1);
	char *from = text;
	size_t length = 0;
	bool decoded;

	memcpy(text, material.bytes, material.size);
	text[material.size] = '\0';
	/* a file may hold words around the block; what counts stands between its lines */
	if (strstr(text, "-----BEGIN ") != NULL)
	{
		char *begin = strstr(strstr(text, "-----BEGIN ") + 11, "-----");
		char *end = begin == NULL ? NULL : strstr(begin + 5, "-----END ");

		if (end == NULL)
		{
			pfree(text);
			return NULL;
		}
		from = begin + 5;
		*end = '\0';
	}
	for (char *c = from; *c != '\0'; c++)
		if (strchr(" \t\r\n", *c) == NULL)
			text[length++] = *c;
	decoded =
		length > 0 && base64_decode(BASE64_STANDARD, text, length, text, size) && *size > 0;
	if (decoded)
		return text;
	pfree(text);
	return NULL;
}

/* The material itself is in no message: it may be a secret that was pasted into the wrong
 * place. */
static void
raise_unreadable(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_STORE_KEY_INVALID), errmsg("a key of the store cannot be read"),
			 errdetail("It is not %s, in PEM or in base64 of its DER.", what),
			 errhint("Enter it again with coursebase.set_store_key().")));
}

/* Raises for what was no answer about the signature. */
static void
end_require(CheckEnd end, const char *algorithm)
{
	if (end == CHECK_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
						errdetail("OpenSSL could not make what a signature is checked with.")));
	if (end == CHECK_NO_ALGORITHM)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s is not available", algorithm),
			 errdetail(
				 "The cryptographic policy of this machine (FIPS, for example) refuses it."),
			 errhint(
				 "Check such signatures before the database, and leave the provider out of the "
				 "setting require_signature.")));
}
