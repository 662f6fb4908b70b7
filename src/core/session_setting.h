/*
 * session_setting.h: settings of the session (of the server, such as lock_timeout) that have
 * another value while some of our statements run.
 *
 * setting.h is about the other kind: values of the business, which are rows of a table.
 *
 *	int level = session_settings_begin();
 *
 *	session_setting_set("lock_timeout", "500");
 *	…
 *	session_settings_end(level);
 */
#ifndef COURSEBASE_CORE_SESSION_SETTING_H
#define COURSEBASE_CORE_SESSION_SETTING_H

#include "postgres.h"

/*
 * Begins and ends a stretch of code with settings of its own, as a function with SET in its
 * definition has them. The end gives every setting the value back that it had at the begin;
 * after an error the end of the (sub)transaction does the same. Stretches may be nested: an end
 * names the level that its own begin answered.
 */
extern int session_settings_begin(void);
extern void session_settings_end(int level);

/*
 * Gives a setting a value until the stretch ends. The value is copied. Settings that only a
 * superuser may change are changed too, whoever calls: the name and the value come from our
 * code and never from a caller. Raises what the server raises for an unknown name or a value
 * that the setting does not take.
 */
extern void session_setting_set(const char *name, const char *value);

/*
 * Until the stretch ends the text of a value is the same in every session, and is read as the
 * value that it was made of.
 */
extern void session_settings_neutral(void);

#endif
