/*
 * json_load.h: the server's json values as texts for the cores of json.h.
 */
#ifndef COURSEBASE_JSON_JSON_LOAD_H
#define COURSEBASE_JSON_JSON_LOAD_H

#include "postgres.h"

#include "core/compat.h"
#include "json/json.h"

/*
 * The bytes of a json value in memory, in the current context, however it is stored; text has a
 * pulse that serves interrupts. A value that is in memory and plain already is not copied.
 */
extern void json_load(JsonText *text, Datum value);

/* The same as a value: the value itself, or a copy in the current context. */
extern struct varlena *json_in_memory(Datum value);

/* The pulse that serves interrupts. */
extern void json_pulse(void *arg);

/* A value's text for a message, in the current context: cut short when it is long. */
extern char *json_excerpt(JsonSlice value);

/* The unescaped value of a raw string, in the current context, ended by a zero byte. Raises for
 * what cannot be text. */
extern char *json_string_text(JsonSlice raw, size_t *size);

/*
 * The hint of an error about a value that is no object, in the current context: of a string it
 * says as well how its text becomes the object. Drivers make a string of a text that is JSON.
 */
extern const char *json_kind_hint(JsonKind kind, const char *hint);

/* Raises 22032: bytes that are no JSON after all. */
pg_noreturn extern void json_raise_broken(void);

#endif
