/*
 * jws_fuzz.c: a token is taken apart within its room or refused with a reason; what is signed
 * is the text as it came, and the payload is a JSON object.
 */
#include "fuzz.h"

#include "notifications/base64.h"
#include "notifications/jws.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *token = fuzz_copy(data, size);
	char *room = malloc(JWS_ROOM(size));
	char *bytes = malloc(BASE64_ROOM(size));
	size_t decoded;
	Jws jws;
	const char *fault;

	memset(&jws, 0, sizeof(jws));
	fault = jws_read((JsonSlice){token, size}, room, &jws);
	PROMISE(fault == NULL || fault[0] != '\0');
	if (fault == NULL)
	{
		PROMISE(jws.signed_bytes.bytes == token && jws.signed_bytes.size < size);
		PROMISE(token[jws.signed_bytes.size] == '.');
		PROMISE(jws.payload.size >= 2 && jws.payload.bytes[0] == '{');
		PROMISE(fuzz_valid(jws.payload.bytes, jws.payload.size));
		PROMISE(fuzz_valid(jws.header.bytes, jws.header.size));
		/* all three certificates or none */
		for (int i = 1; i < JWS_CERTIFICATES; i++)
			PROMISE((jws.certificates[i].size > 0) == (jws.certificates[0].size > 0));
	}
	for (int alphabet = BASE64_STANDARD; alphabet <= BASE64_URL; alphabet++)
		if (base64_decode((Base64Alphabet) alphabet, token, size, bytes, &decoded))
			PROMISE(decoded <= BASE64_ROOM(size));
	free(token);
	free(room);
	free(bytes);
	return 0;
}
