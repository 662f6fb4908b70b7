/*
 * base64.h: base64 as tokens (RFC 4648 5, no padding) and as certificates and envelopes (RFC
 * 4648 4, padded) have it.
 */
#ifndef COURSEBASE_NOTIFICATIONS_BASE64_H
#define COURSEBASE_NOTIFICATIONS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

typedef enum Base64Alphabet
{
	BASE64_STANDARD, /* + and /, padded with = to four characters */
	BASE64_URL,      /* - and _, without padding */
} Base64Alphabet;

/* Room that the bytes of so many characters always fit in. */
#define BASE64_ROOM(size) ((size) / 4 * 3 + 3)

/*
 * Decodes text into out, which has BASE64_ROOM(size) bytes and may be the text's own memory;
 * *out_size is how many there are. False for a character of no such alphabet, for wrong
 * padding, and for bits behind the last byte that are not zero: one value has one spelling, so
 * that nobody can change a token without changing what it says.
 */
extern bool base64_decode(Base64Alphabet alphabet, const char *text, size_t size, char *out,
						  size_t *out_size);

#endif
