/*
 * http_errors.h: errors of class KB reach PostgREST with the HTTP status of errors.h.
 */
#ifndef COURSEBASE_CORE_HTTP_ERRORS_H
#define COURSEBASE_CORE_HTTP_ERRORS_H

/*
 * Defines the setting coursebase.http_errors and hangs into the server's reports of errors;
 * called once, at load. Raises nothing.
 */
extern void http_errors_init(void);

#endif
