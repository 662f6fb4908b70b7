/*
 * known_random.c: takes the chance out of single random bytes, by LD_PRELOAD.
 *
 * In each process the first 12 such bytes are 0, the next 6 are 1, and so on by sixes; requests
 * for more bytes get them from the library as ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

int RAND_bytes(unsigned char *bytes, int size);

int
RAND_bytes(unsigned char *bytes, int size)
{
	static int (*real)(unsigned char *, int) = NULL;
	static int singles = 0;

	if (size == 1)
	{
		*bytes = singles < 12 ? 0 : (unsigned char) ((singles - 6) / 6);
		singles++;
		return 1;
	}
	if (real == NULL)
		real = (int (*)(unsigned char *, int)) dlsym(RTLD_NEXT, "RAND_bytes");
	return real(bytes, size);
}
