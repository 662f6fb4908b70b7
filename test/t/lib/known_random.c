/*
 * known_random.c: takes the chance out of referral codes, by LD_PRELOAD.
 *
 * A code is made from 14 bytes that are asked for at once. In each process the first two such
 * requests get bytes of 0, the third bytes of 1, and so on; requests for another number of
 * bytes get them from the library as ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

int RAND_bytes(unsigned char *bytes, int size);

int
RAND_bytes(unsigned char *bytes, int size)
{
	static int (*real)(unsigned char *, int) = NULL;
	static int codes = 0;

	if (size == 14)
	{
		memset(bytes, codes < 2 ? 0 : codes - 1, (size_t) size);
		codes++;
		return 1;
	}
	if (real == NULL)
		real = (int (*)(unsigned char *, int)) dlsym(RTLD_NEXT, "RAND_bytes");
	return real(bytes, size);
}
