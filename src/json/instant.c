/*
 * instant.c: instants as stores write them.
 *
 * No zone is guessed: a time without a zone names no instant. Nothing here knows the server's
 * time zone files or settings, so that an instant reads the same in every session. A Reader
 * never passes its end; a read that fails leaves the place undefined, and the whole text is
 * refused.
 */
#include "json/instant.h"

#define SECOND            INT64_C(1000000)
#define DAY               (INT64_C(86400) * SECOND)
#define DAYS_1970_TO_2000 10957
#define LAST_MILLISECOND  INT64_C(253402300799999) /* the end of 9999 */

typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

static bool read_milliseconds(Reader reader, int64_t *instant);
static bool read_date(Reader *reader, int64_t *days);
static bool read_time(Reader *reader, int64_t *microseconds);
static bool read_fraction(Reader *reader, int64_t *microseconds);
static bool read_zone(Reader *reader, int64_t *minutes);
static bool read_number(Reader *reader, int digits, int *number);
static bool read_byte(Reader *reader, char byte);
static int month_days(int year, int month);
static int64_t days_of(int year, int month, int day);

bool
instant_parse(const char *bytes, size_t size, int64_t *instant)
{
	Reader reader = {bytes, bytes + size};
	int64_t days, time, minutes;

	if (read_milliseconds(reader, instant))
		return true;
	if (!read_date(&reader, &days) || (!read_byte(&reader, 'T') && !read_byte(&reader, ' ')) ||
		!read_time(&reader, &time) || !read_zone(&reader, &minutes) || reader.at != reader.end)
		return false;
	*instant = days * DAY + time - minutes * 60 * SECOND;
	return true;
}

/*
 * The reader is a copy: text that is no number is read again as a date. The limit is checked
 * before each digit, so that nothing overflows.
 */
static bool
read_milliseconds(Reader reader, int64_t *instant)
{
	int64_t milliseconds = 0;

	if (reader.at == reader.end)
		return false;
	for (; reader.at < reader.end; reader.at++)
	{
		if (*reader.at < '0' || *reader.at > '9' || milliseconds > LAST_MILLISECOND)
			return false;
		milliseconds = milliseconds * 10 + (*reader.at - '0');
	}
	if (milliseconds > LAST_MILLISECOND)
		return false;
	*instant = milliseconds * 1000 - DAYS_1970_TO_2000 * DAY;
	return true;
}

static bool
read_date(Reader *reader, int64_t *days)
{
	int year, month, day;

	if (!read_number(reader, 4, &year) || !read_byte(reader, '-') ||
		!read_number(reader, 2, &month) || !read_byte(reader, '-') ||
		!read_number(reader, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return false;
	*days = days_of(year, month, day);
	return true;
}

/* A leap second (60) is the first second of the next minute, as for the server. */
static bool
read_time(Reader *reader, int64_t *microseconds)
{
	int hour, minute, second;

	if (!read_number(reader, 2, &hour) || !read_byte(reader, ':') ||
		!read_number(reader, 2, &minute) || !read_byte(reader, ':') ||
		!read_number(reader, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	*microseconds = ((hour * 60 + minute) * INT64_C(60) + second) * SECOND;
	return read_fraction(reader, microseconds);
}

/*
 * A point needs a digit behind it. From the seventh digit on the unit is 0, which cuts the
 * rest off.
 */
static bool
read_fraction(Reader *reader, int64_t *microseconds)
{
	int64_t unit = SECOND / 10;
	const char *first;

	if (!read_byte(reader, '.'))
		return true;
	for (first = reader->at;
		 reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
	{
		*microseconds += (*reader->at - '0') * unit;
		unit /= 10;
	}
	return reader->at > first;
}

/* Up to 15 hours and 59 minutes, which is what the server takes. */
static bool
read_zone(Reader *reader, int64_t *minutes)
{
	bool west = false;
	int hour, minute = 0;

	*minutes = 0;
	if (read_byte(reader, 'Z'))
		return true;
	if (!read_byte(reader, '+') && !(west = read_byte(reader, '-')))
		return false;
	if (!read_number(reader, 2, &hour))
		return false;
	if (reader->at < reader->end)
	{
		read_byte(reader, ':');
		if (!read_number(reader, 2, &minute))
			return false;
	}
	if (hour > 15 || minute > 59)
		return false;
	*minutes = (west ? -1 : 1) * (hour * 60 + minute);
	return true;
}

/* Exactly so many digits, no sign and no space. */
static bool
read_number(Reader *reader, int digits, int *number)
{
	*number = 0;
	if (reader->end - reader->at < digits)
		return false;
	for (int i = 0; i < digits; i++, reader->at++)
	{
		if (*reader->at < '0' || *reader->at > '9')
			return false;
		*number = *number * 10 + (*reader->at - '0');
	}
	return true;
}

static bool
read_byte(Reader *reader, char byte)
{
	if (reader->at == reader->end || *reader->at != byte)
		return false;
	reader->at++;
	return true;
}

/* Gregorian for all years, as the server counts. */
static int
month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Days from the first of January 2000 to that day; negative before. */
static int64_t
days_of(int year, int month, int day)
{
	int years = year - 1;
	int days = day - 1;

	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	/*
	 * 365 days a year from year 1 on, a day more for each leap year; 730119 of these days lie
	 * before 2000
	 */
	return (int64_t) years * 365 + years / 4 - years / 100 + years / 400 + days - 730119;
}
