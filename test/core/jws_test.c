/*
 * jws_test.c: tokens taken apart, each malformed form refused with its reason, and base64 in
 * one spelling.
 */
#include <stdlib.h>

#include "notifications/base64.h"
#include "notifications/jws.h"
#include "table.h"

static const struct
{
	Base64Alphabet alphabet;
	const char *text;
	const char *bytes; /* NULL: refused */
} decodings[] = {
	{BASE64_URL, "", ""},
	{BASE64_URL, "Zg", "f"},
	{BASE64_URL, "Zm8", "fo"},
	{BASE64_URL, "Zm9v", "foo"},
	{BASE64_URL, "Zm9vYmE", "fooba"},
	{BASE64_URL, "-_-_", "\xfb\xff\xbf"},
	{BASE64_URL, "+/+/", NULL},
	{BASE64_URL, "Zg==", NULL},
	{BASE64_URL, "Zh", NULL},  /* bits behind the byte */
	{BASE64_URL, "Zm9", NULL}, /* the same, of two bytes */
	{BASE64_URL, "Z", NULL},
	{BASE64_URL, "Zm9vY", NULL},
	{BASE64_URL, "Zm 9", NULL},
	{BASE64_STANDARD, "", ""},
	{BASE64_STANDARD, "Zg==", "f"},
	{BASE64_STANDARD, "Zm8=", "fo"},
	{BASE64_STANDARD, "Zm9v", "foo"},
	{BASE64_STANDARD, "+/+/", "\xfb\xff\xbf"},
	{BASE64_STANDARD, "-_-_", NULL},
	{BASE64_STANDARD, "Zg", NULL},
	{BASE64_STANDARD, "Zg=", NULL},
	{BASE64_STANDARD, "Z===", NULL},
	{BASE64_STANDARD, "====", NULL},
	{BASE64_STANDARD, "Zh==", NULL},
	{BASE64_STANDARD, "Zg==Zg==", NULL},
};

/* Header, payload and signature before they are encoded; the reason, or NULL for a token that
 * is taken. */
static const struct
{
	const char *header;
	const char *payload;
	const char *fault;
	JwsAlgorithm algorithm;
	const char *key_id;
} tokens[] = {
	{"{\"alg\":\"ES256\"}", "{}", NULL, JWS_ES256, ""},
	{"{\"alg\":\"RS256\",\"kid\":\"k1\"}", "{\"a\":1}", NULL, JWS_RS256, "\"k1\""},
	{"{\"kid\":\"k1\",\"typ\":\"JWT\",\"alg\":\"RS256\"}", "{}", NULL, JWS_RS256, "\"k1\""},
	{"{\"alg\":\"none\"}", "{}", NULL, JWS_OTHER, ""},
	{"{\"alg\":\"HS256\"}", "{}", NULL, JWS_OTHER, ""},
	{"{\"alg\":\"es256\"}", "{}", NULL, JWS_OTHER, ""},
	{"{}", "{}", NULL, JWS_OTHER, ""},
	{"{\"alg\":1}", "{}", "has an alg that is no string", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"kid\":7}", "{}", "has a kid that is no string", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"alg\":\"none\"}", "{}", "names a member of its header twice",
	 JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"al\\u0067\":\"none\"}", "{}", "names a member of its header twice",
	 JWS_OTHER, ""},
	{"{\"x\":1,\"alg\":\"ES256\",\"x\":1}", "{}", "names a member of its header twice",
	 JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"crit\":[\"b64\"]}", "{}", "asks for an extension of its form",
	 JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"b64\":false}", "{}", "asks for an extension of its form", JWS_OTHER,
	 ""},
	{"[]", "{}", "has a header that is no JSON object", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\"", "{}", "has a header that is no JSON object", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\"}", "[]", "has a payload that is no JSON object", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\"}", "{} {}", "has a payload that is no JSON object", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":{}}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\",\"Zg==\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\",\"Zg==\",\"Zg==\",\"Zg==\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\",\"\",\"Zg==\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\",1,\"Zg==\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\",100001,\"Zg==\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
	{"{\"alg\":\"ES256\",\"x5c\":[\"Zg\",\"Zg\",\"Zg\"]}", "{}",
	 "has an x5c that is not of three certificates in base64", JWS_OTHER, ""},
};

/* What is no token at all. */
static const struct
{
	const char *text;
	const char *fault;
} texts[] = {
	{"", "is not of three parts"},
	{"a", "is not of three parts"},
	{"e30.e30", "is not of three parts"},
	{"e30.e30.e30.e30", "is not of three parts"},
	{".e30.e30", "has an empty part"},
	{"e30..e30", "has an empty part"},
	{"e30.e30.", "has an empty part"},
	{"e30=.e30.e30", "has a part that is no base64url"},
	{"e30.e30.e3", "has a part that is no base64url"},
	{"e30.e3 .e30", "has a part that is no base64url"},
};

static size_t
encode(const char *bytes, size_t size, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t group = 0;
	int bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
	{
		group = group << 8 | (unsigned char) bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[n++] = digits[group >> (bits - 6) & 63];
	}
	if (bits > 0)
		out[n++] = digits[group << (6 - bits) & 63];
	return n;
}

static size_t
token_make(const char *header, size_t header_size, const char *payload, char *out)
{
	size_t n = encode(header, header_size, out);

	out[n++] = '.';
	n += encode(payload, strlen(payload), out + n);
	out[n++] = '.';
	n += encode("signature", 9, out + n);
	out[n] = '\0';
	return n;
}

/* Reads a token in memory that ends where the token ends; the room lies before it. */
static const char *
token_read(const char *text, size_t size, char **room, Jws *jws)
{
	*room = malloc(JWS_ROOM(size) + size);
	memcpy(*room + JWS_ROOM(size), text, size);
	return jws_read((JsonSlice){*room + JWS_ROOM(size), size}, *room, jws);
}

static bool
fault_is(const char *fault, const char *expected)
{
	return expected == NULL ? fault == NULL : fault != NULL && strcmp(fault, expected) == 0;
}

static void
check_decodings(void)
{
	for (size_t i = 0; i < LENGTH(decodings); i++)
	{
		size_t size = strlen(decodings[i].text);
		char *out = malloc(BASE64_ROOM(size));
		size_t out_size = 0;
		bool decoded =
			base64_decode(decodings[i].alphabet, decodings[i].text, size, out, &out_size);

		table_check(decoded == (decodings[i].bytes != NULL), "decodings", i,
					"taken or refused");
		if (decoded && decodings[i].bytes != NULL)
			table_check(out_size == strlen(decodings[i].bytes) &&
							memcmp(out, decodings[i].bytes, out_size) == 0,
						"decodings", i, "its bytes");
		free(out);
	}
}

static void
check_tokens(void)
{
	char text[4096];

	for (size_t i = 0; i < LENGTH(tokens); i++)
	{
		size_t size =
			token_make(tokens[i].header, strlen(tokens[i].header), tokens[i].payload, text);
		char *room;
		Jws jws;
		const char *fault = token_read(text, size, &room, &jws);

		table_check(fault_is(fault, tokens[i].fault), "tokens", i,
					fault == NULL ? "taken" : fault);
		if (fault == NULL)
		{
			table_check(jws.algorithm == tokens[i].algorithm, "tokens", i, "its algorithm");
			table_check(jws.key_id.size == strlen(tokens[i].key_id) &&
							(jws.key_id.size == 0 ||
							 memcmp(jws.key_id.bytes, tokens[i].key_id, jws.key_id.size) == 0),
						"tokens", i, "its key");
			table_check(jws.payload.size == strlen(tokens[i].payload) &&
							memcmp(jws.payload.bytes, tokens[i].payload, jws.payload.size) == 0,
						"tokens", i, "its payload");
			table_check(jws.signature.size == 9 &&
							memcmp(jws.signature.bytes, "signature", 9) == 0,
						"tokens", i, "its signature");
			table_check(jws.signed_bytes.size == (size_t) (strrchr(text, '.') - text), "tokens",
						i, "what is signed");
		}
		free(room);
	}
	for (size_t i = 0; i < LENGTH(texts); i++)
	{
		char *room;
		Jws jws;

		table_check(fault_is(token_read(texts[i].text, strlen(texts[i].text), &room, &jws),
							 texts[i].fault),
					"texts", i, texts[i].fault);
		free(room);
	}
}

/* Three certificates come decoded, in their order; a token without them has none. */
static void
check_certificates(void)
{
	static const char header[] =
		"{\"alg\":\"ES256\",\"x5c\":[\"Zg==\", \"+/+/\",\"Zm9v\"],\"kid\":\"k\"}";
	static const char *const certificates[JWS_CERTIFICATES] = {"f", "\xfb\xff\xbf", "foo"};
	char text[4096];
	char *room;
	Jws jws;

	if (table_check(token_read(text, token_make(header, strlen(header), "{}", text), &room,
							   &jws) == NULL,
					"certificates", 0, "taken"))
		for (size_t i = 0; i < JWS_CERTIFICATES; i++)
			table_check(jws.certificates[i].size == strlen(certificates[i]) &&
							memcmp(jws.certificates[i].bytes, certificates[i],
								   jws.certificates[i].size) == 0,
						"certificates", i, "its bytes");
	table_check(jws.key_id.size == 3 && jws.payload.size == 2, "certificates", 0,
				"what follows");
	free(room);
	table_check(token_read(text, token_make("{}", 2, "{}", text), &room, &jws) == NULL &&
					jws.certificates[0].size == 0,
				"certificates", 1, "none");
	free(room);
}

/* Headers that are too large, or of too many members, end before they cost anything. */
static void
check_limits(void)
{
	size_t large = JWS_HEADER_SIZE;
	char *header = malloc(large);
	char *text = malloc(4 * large);
	char *room;
	Jws jws;
	size_t n = 0;

	memset(header, ' ', large);
	header[0] = '{';
	header[large - 1] = '}';
	table_check(fault_is(token_read(text, token_make(header, large, "{}", text), &room, &jws),
						 "has a header that is too large"),
				"limits", 0, "a header of 32 kB");
	free(room);
	for (int i = 0; i <= JWS_HEADER_MEMBERS; i++)
		n += (size_t) sprintf(header + n, "%s\"m%d\":0", i == 0 ? "{" : ",", i);
	header[n++] = '}';
	table_check(fault_is(token_read(text, token_make(header, n, "{}", text), &room, &jws),
						 "has a header of too many members"),
				"limits", 1, "33 members");
	free(room);
	free(text);
	free(header);
}

int
main(void)
{
	check_decodings();
	check_tokens();
	check_certificates();
	check_limits();
	return table_end();
}
