/*
 * signature.h: whether bytes were signed with a key, checked by OpenSSL.
 *
 * Each check answers NULL for a sound signature, or what is wrong, as static words that go
 * behind "the signature". A check raises (0A000) when the machine's cryptographic policy lacks
 * the algorithm, and (KB825) when the key that the operator stored cannot be read. Nothing
 * stays allocated, whatever the answer, but for the few chains of certificates that a session
 * keeps so as not to verify them again.
 */
#ifndef COURSEBASE_NOTIFICATIONS_SIGNATURE_H
#define COURSEBASE_NOTIFICATIONS_SIGNATURE_H

#include "postgres.h"

#include "json/json.h"

#define SIGNATURE_HMAC_SIZE 32

/*
 * ES256 by the leaf of a chain as Apple's: three certificates in DER, leaf first, of which the
 * last equals one of the roots byte for byte; all valid at signed_at (seconds since 1970), with
 * Apple's markers on leaf and intermediate.
 */
extern const char *signature_check_chain(const JsonSlice certificates[3],
										 const JsonSlice *roots, int nroots, int64 signed_at,
										 JsonSlice signed_bytes, JsonSlice signature);

typedef enum SignatureHash
{
	SIGNATURE_SHA1, /* Google Play's INAPP_PURCHASE_DATA alone */
	SIGNATURE_SHA256,
} SignatureHash;

/* RSA (PKCS #1 v1.5) with a public key: PEM, or the base64 of its DER. */
extern const char *signature_check_rsa(JsonSlice public_key, SignatureHash hash,
									   JsonSlice signed_bytes, JsonSlice signature);

/* HMAC-SHA256 of the concatenated pieces. */
extern void signature_hmac(JsonSlice secret, const JsonSlice *pieces, int npieces,
						   unsigned char mac[SIGNATURE_HMAC_SIZE]);

/* Compares in a time that depends on the lengths alone. */
extern bool signature_same(JsonSlice a, JsonSlice b);

/* Raises (KB825) unless the material is a key of that kind; the operator learns at once what
 * was pasted wrongly. */
extern void signature_require_certificate(JsonSlice material);
extern void signature_require_public_key(JsonSlice material);

#endif
