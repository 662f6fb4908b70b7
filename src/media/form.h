/*
 * form.h: the form of a custom course: five answers, and a technique for each script.
 */
#ifndef COURSEBASE_MEDIA_FORM_H
#define COURSEBASE_MEDIA_FORM_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "json/json.h"

#define FORM_SCRIPTS 3

typedef enum FormAnswer
{
	FORM_ISSUE,
	FORM_GOAL,
	FORM_FEEL,
	FORM_WHY,
	FORM_TITLE,
	FORM_ANSWERS,
} FormAnswer;

typedef struct Form
{
	JsonText text;
	char *answers[FORM_ANSWERS];    /* without white space around them */
	JsonSpan scripts[FORM_SCRIPTS]; /* in the order of their numbers */
	char *techniques[FORM_SCRIPTS];
	StringInfoData faults; /* one sentence each */
} Form;

/*
 * Reads and checks the answers, a json value. Raises KB204 with all that is wrong. The form and
 * its texts live in the current context.
 */
extern void form_read(Form *form, Datum answers);

/* Appends the members of the answers and the scripts to an object that is open. */
extern void form_append(StringInfo out, const Form *form);

/* Appends a member with a text to an object that is open. */
extern void form_member_append(StringInfo out, const char *name, const char *value);

#endif
