/*
 * setting.h: values of the business's settings, the rows of coursebase.settings.
 */
#ifndef COURSEBASE_CORE_SETTING_H
#define COURSEBASE_CORE_SETTING_H

#include "postgres.h"

#include "utils/timestamp.h"

/*
 * The value of a setting, or its default where it has none, as the active snapshot sees it.
 * Reads past row security, without SPI where it can, and otherwise connects by itself; may be
 * called within it. A text is allocated in the caller's context. A setting that is missing,
 * which somebody deleted, raises KB001.
 */
extern char *setting_text(const char *name);
extern int64 setting_integer(const char *name);
extern bool setting_boolean(const char *name);

/*
 * The words of a setting that is a list, between commas and white space; in the current
 * context. Errors are those of setting_text().
 */
extern char **setting_words(const char *name, int *count);

/* Whether a setting that is a list has the word, whatever the case of its ASCII letters. */
extern bool setting_lists(const char *name, const char *word);

/*
 * For a setting that says how many days rows are kept: the time since which they are, counted
 * from the start of the transaction. DT_NOBEGIN, before which nothing is, for 0 (kept for ever)
 * and for more days than the calendar has.
 */
extern TimestampTz setting_kept_since(const char *name);

#endif
