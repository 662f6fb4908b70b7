/*
 * zone.c: names of time zones.
 *
 * The server reads whatever is in its time zone files, and everything else as a POSIX rule,
 * where a misspelt FOO+3 is a zone. A rule always has a digit, so that names with digits are
 * taken only when the IANA database is known to have them. Zones that count leap seconds
 * (right/…) are none of the server's.
 */
#include "postgres.h"

#include "pgtime.h"

#include "core/zone.h"

static bool zone_may_have_digits(const char *name);

/* The names with digits, apart from Etc/GMT-14 to Etc/GMT+12. */
static const char *const names_with_digits[] = {
	"CST6CDT", "EST5EDT", "Etc/GMT+0", "Etc/GMT-0", "Etc/GMT0",
	"GMT+0",   "GMT-0",   "GMT0",      "MST7MDT",   "PST8PDT",
};

const char *
zone_name(const char *name)
{
	pg_tz *zone;

	if (strlen(name) > TZ_STRLEN_MAX ||
		(strpbrk(name, "0123456789") != NULL && !zone_may_have_digits(name)))
		return NULL;
	zone = pg_tzset(name);
	return zone != NULL && pg_tz_acceptable(zone) ? pg_get_timezone_name(zone) : NULL;
}

static bool
zone_may_have_digits(const char *name)
{
	char sign;
	int hours;
	char behind;

	for (Size i = 0; i < lengthof(names_with_digits); i++)
		if (pg_strcasecmp(name, names_with_digits[i]) == 0)
			return true;
	return strlen(name) <= 10 && pg_strncasecmp(name, "Etc/GMT", 7) == 0 && name[8] >= '1' &&
		   name[8] <= '9' && sscanf(name + 7, "%c%d%c", &sign, &hours, &behind) == 2 &&
		   ((sign == '+' && hours <= 12) || (sign == '-' && hours <= 14));
}
