/*
 * claims_fuzz.c: the claim reader answers only for whole, sound JSON objects, within its room,
 * and what it answers reads the same when it is written as plainly as possible.
 */
#include "fuzz.h"

#define ROOM 64

/* The bytes as a JSON string, each of the first 128 as an escape. */
static size_t
claims_write(char *out, const char *subject, size_t size)
{
	size_t at = (size_t) sprintf(out, "{\"sub\":\"");

	for (size_t i = 0; i < size; i++)
	{
		unsigned char c = (unsigned char) subject[i];

		if (c < 0x80)
			at += (size_t) sprintf(out + at, "\\u%04X", c);
		else
			out[at++] = (char) c;
	}
	return at + (size_t) sprintf(out + at, "\"}");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *claims = fuzz_copy(data, size);
	char *subject = malloc(ROOM), *again = malloc(ROOM);
	size_t subject_size, again_size;
	char plain[ROOM * 6 + 16];
	JsonStatus status;

	status = json_claim_read(claims, size, "sub", subject, ROOM, &subject_size);
	PROMISE(status == JSON_OK || subject_size == 0);
	PROMISE(status != JSON_BROKEN);
	if (fuzz_valid(claims, size))
		PROMISE(status == JSON_OK || status >= JSON_TOO_DEEP);
	else
		PROMISE(status != JSON_OK && status <= JSON_TOO_DEEP);
	if (status == JSON_OK)
	{
		size_t n = claims_write(plain, subject, subject_size);

		PROMISE(subject_size <= ROOM && !memchr(subject, 0, subject_size));
		PROMISE(json_claim_read(plain, n, "sub", again, ROOM, &again_size) == JSON_OK);
		PROMISE(again_size == subject_size && memcmp(again, subject, again_size) == 0);
	}
	free(claims);
	free(subject);
	free(again);
	return 0;
}
