/*
 * fields.h: members of a provider's object, each read as what the provider documents, from a
 * table.
 *
 * Plain C as the readers that use it. A member that is absent or null leaves its place as it
 * was; one of another type than documented, and a time that is none, is a fault with the
 * member's name. Members that the table lacks are not read: providers add members without
 * notice.
 */
#ifndef COURSEBASE_NOTIFICATIONS_FIELDS_H
#define COURSEBASE_NOTIFICATIONS_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "json/json.h"

typedef enum FieldKind
{
	FIELD_TEXT,    /* JsonSlice: a string, raw; an empty one is absent */
	FIELD_NAME,    /* the same, or a whole number, as it is written (ids that are numbers) */
	FIELD_INTEGER, /* int64_t: a whole number, or one in a string as Google writes them */
	FIELD_FLAG,    /* int: true, false, 1, 0, and these in a string in any case */
	FIELD_MILLISECONDS, /* int64_t: milliseconds since 1970, also in a string */
	FIELD_SECONDS,      /* int64_t: seconds since 1970 */
	FIELD_INSTANT,      /* int64_t: ISO 8601 with a zone */
	FIELD_EXPANDABLE,   /* JsonSlice: a string, or the member id of an object in its place
						   (Stripe) */
	FIELD_OBJECT,       /* JsonSpan: an object */
	FIELD_ARRAY,        /* JsonSpan: an array */
} FieldKind;

typedef struct Field
{
	const char *name;
	FieldKind kind;
	size_t offset; /* in the struct that is read into */
	bool is_end;   /* of a time: the end of a period, which after 2100 is for ever */
} Field;

/* An end that never comes, in microseconds since 2000. */
#define FIELD_FOR_EVER INT64_MAX

typedef struct FieldFault
{
	const char *member; /* NULL: none is wrong */
	const char *fault;  /* words that go behind the member's name */
} FieldFault;

/* Reads the members of an object into a struct; false and *fault for the first that is wrong.
 */
extern bool fields_read(JsonText *text, JsonSpan object, const Field *fields, size_t nfields,
						void *into, FieldFault *fault);

/* Sets *fault to what is wrong with which member, and answers false. */
extern bool field_fail(FieldFault *fault, const char *member, const char *words);

#define FIELDS(table) (table), sizeof(table) / sizeof((table)[0])

#endif
