/*
 * base64.c: strict decoding of base64.
 */
#include "notifications/base64.h"

#include <stdint.h>

static int value_of(Base64Alphabet alphabet, unsigned char c);

/* Collects six bits a character and writes each byte as soon as it is whole. What is left over
 * must be zero bits. */
bool
base64_decode(Base64Alphabet alphabet, const char *text, size_t size, char *out,
			  size_t *out_size)
{
	uint32_t group = 0;
	int bits = 0;
	size_t written = 0;

	/* padding is a part of one alphabet, and a fault in the other */
	if (alphabet == BASE64_STANDARD)
	{
		if (size % 4 != 0)
			return false;
		for (int padding = 0; padding < 2 && size > 0 && text[size - 1] == '='; padding++)
			size--;
	}
	/* six bits alone are no byte */
	if (size % 4 == 1)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		int value = value_of(alphabet, (unsigned char) text[i]);

		if (value < 0)
			return false;
		group = group << 6 | (uint32_t) value;
		bits += 6;
		/* written behind what was read: out may be the text itself */
		if (bits >= 8)
		{
			bits -= 8;
			out[written++] = (char) (group >> bits & 0xff);
			group &= (1u << bits) - 1;
		}
	}
	*out_size = written;
	return group == 0;
}

/* The six bits of a character, or -1 for one that is not in the alphabet. */
static int
value_of(Base64Alphabet alphabet, unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (alphabet == BASE64_URL ? '-' : '+'))
		return 62;
	if (c == (alphabet == BASE64_URL ? '_' : '/'))
		return 63;
	return -1;
}
