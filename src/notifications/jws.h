/*
 * jws.h: a JSON Web Signature in compact form (RFC 7515), taken apart; nothing here checks the
 * signature.
 *
 * Nothing allocates, recurses or raises: the caller gives the room that the parts are decoded
 * into, and the slices of a Jws point into that room or into the text. No server header, so
 * that the reader can be tested and fuzzed alone.
 */
#ifndef COURSEBASE_NOTIFICATIONS_JWS_H
#define COURSEBASE_NOTIFICATIONS_JWS_H

#include "json/json.h"

/* A header holds an algorithm, a key's id and three certificates; what is larger is an attack.
 */
#define JWS_HEADER_SIZE    32768
#define JWS_CERTIFICATES   3
#define JWS_HEADER_MEMBERS 32

typedef enum JwsAlgorithm
{
	JWS_OTHER, /* none and HS256 among them: no key of a store serves those */
	JWS_ES256,
	JWS_RS256,
} JwsAlgorithm;

typedef struct Jws
{
	JsonSlice signed_bytes; /* header.payload as they came: what the signature is over */
	JsonSlice header;
	JsonSlice payload; /* valid JSON: an object */
	JsonSlice signature;
	JwsAlgorithm algorithm;
	JsonSlice key_id; /* raw, with its quotes; empty where the header has none */
	JsonSlice certificates[JWS_CERTIFICATES]; /* DER, leaf first; all empty where the header has
												 no x5c */
} Jws;

/* Room for jws_read: the decoded parts, and the certificates behind them. */
#define JWS_ROOM(size) (2 * (size) + 64)

/* Takes the token apart; NULL, or what is wrong with it, as words that go behind "the token".
 */
extern const char *jws_read(JsonSlice token, char *room, Jws *jws);

#endif
