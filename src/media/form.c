/*
 * form.c: reads and checks the form of a custom course, and writes it for the generation.
 *
 * Invariants: a fault does not end the reading; the error lists every fault, so that a person
 * corrects the form once. Lengths are of what a person sees: characters, without the white
 * space around them; what the generation gets is what was measured.
 *
 * No locks, no rights: nothing here reads a table.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"

#include "core/errors.h"
#include "json/json_load.h"
#include "media/form.h"

/* Lengths are in characters, white space around the answer not counted. */
static const struct FormRule
{
	const char *name;
	int least;
	int most;
} form_rules[] = {
	[FORM_ISSUE] = {"issue", 20, 500}, [FORM_GOAL] = {"goal", 20, 500},
	[FORM_FEEL] = {"feel", 10, 500},   [FORM_WHY] = {"why", 10, 500},
	[FORM_TITLE] = {"title", 5, 55},
};

static void answer_read(Form *form, JsonSpan root, FormAnswer answer);
static void scripts_read(Form *form, JsonSpan root);
static bool script_read(Form *form, JsonSpan script);
static int script_index(JsonText *text, JsonSpan script);
static char *text_trimmed(JsonText *text, JsonSpan string);
static void script_append(StringInfo out, const Form *form, int script);

/* All faults are collected before the error is raised. */
void
form_read(Form *form, Datum answers)
{
	JsonSpan root;

	memset(form, 0, sizeof(*form));
	initStringInfo(&form->faults);
	json_load(&form->text, answers);
	root = json_root(&form->text);
	if (json_kind(&form->text, root) != JSON_KIND_OBJECT)
		appendStringInfoString(&form->faults, " The answers are not an object.");
	else
	{
		for (FormAnswer answer = 0; answer < FORM_ANSWERS; answer++)
			answer_read(form, root, answer);
		scripts_read(form, root);
	}
	/* bytes that are no JSON end the walks early: then the faults mean nothing */
	if (form->text.broken)
		json_raise_broken();
	if (form->faults.len > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_FORM_INVALID), errmsg("the form is not complete"),
						errdetail_internal("%s", form->faults.data + 1),
						errhint("%s", json_kind_hint(json_kind(&form->text, root),
													 "Correct these answers and submit the "
													 "form again."))));
}

/*
 * An answer that is missing and one that is no string are one fault: both leave nothing to
 * measure.
 */
static void
answer_read(Form *form, JsonSpan root, FormAnswer answer)
{
	const struct FormRule *rule = &form_rules[answer];
	JsonSpan value;
	int length;

	if (!json_member_find(&form->text, root, (JsonSlice){rule->name, strlen(rule->name)},
						  &value) ||
		json_kind(&form->text, value) != JSON_KIND_STRING)
	{
		appendStringInfo(&form->faults, " %s is missing or no string.", rule->name);
		return;
	}
	form->answers[answer] = text_trimmed(&form->text, value);
	/* characters, not bytes: an answer in another script is no longer than it looks */
	length = pg_mbstrlen(form->answers[answer]);
	if (length < rule->least || length > rule->most)
		appendStringInfo(&form->faults, " %s has %d character%s, not %d to %d.", rule->name,
						 length, length == 1 ? "" : "s", rule->least, rule->most);
}

/* The first script that is wrong ends the list: a shifted list would repeat the fault. */
static void
scripts_read(Form *form, JsonSpan root)
{
	JsonCursor cursor;
	JsonSpan list, script;
	int scripts = 0;

	if (!json_member_find(&form->text, root, (JsonSlice){"scripts", 7}, &list) ||
		json_kind(&form->text, list) != JSON_KIND_ARRAY)
	{
		appendStringInfoString(&form->faults, " scripts is missing or no array.");
		return;
	}
	json_walk_begin(&cursor, &form->text, list);
	while (json_element_next(&cursor, &script))
	{
		scripts++;
		if (scripts <= FORM_SCRIPTS && !script_read(form, script))
			return;
	}
	if (scripts != FORM_SCRIPTS)
		appendStringInfo(&form->faults, " scripts has %d elements, not %d.", scripts,
						 FORM_SCRIPTS);
}

/* The number says which script it is, so that the order of the array does not matter. */
static bool
script_read(Form *form, JsonSpan script)
{
	JsonText *text = &form->text;
	int i = script_index(text, script);
	JsonSpan technique;
	char *name;

	if (i < 0)
	{
		appendStringInfo(&form->faults, " Each script has a number from 1 to %d; one has not.",
						 FORM_SCRIPTS);
		return false;
	}
	if (form->techniques[i] != NULL)
	{
		appendStringInfo(&form->faults, " Script %d is there twice.", i + 1);
		return false;
	}
	name = json_member_find(text, script, (JsonSlice){"technique", 9}, &technique) &&
				   json_kind(text, technique) == JSON_KIND_STRING
			   ? text_trimmed(text, technique)
			   : "";
	if (name[0] == '\0')
	{
		appendStringInfo(&form->faults, " Script %d has no technique.", i + 1);
		return false;
	}
	form->scripts[i] = script;
	form->techniques[i] = name;
	return true;
}

/* From 0, by the script's number; -1 for a script without one, or no script. */
static int
script_index(JsonText *text, JsonSpan script)
{
	JsonSpan number;

	if (json_kind(text, script) != JSON_KIND_OBJECT ||
		!json_member_find(text, script, (JsonSlice){"number", 6}, &number) ||
		number.end - number.start != 1 || text->bytes[number.start] < '1' ||
		text->bytes[number.start] > '0' + FORM_SCRIPTS)
		return -1;
	return text->bytes[number.start] - '1';
}

/*
 * The text without white space around it, in the current context. ASCII white space alone: what
 * a keyboard adds by accident.
 */
static char *
text_trimmed(JsonText *text, JsonSpan string)
{
	static const char white[] = " \t\n\r\v\f";
	size_t size;
	char *start = json_string_text(json_text_slice(text, string), &size);
	char *end = start + size;

	while (*start != '\0' && strchr(white, *start) != NULL)
		start++;
	while (end > start && strchr(white, end[-1]) != NULL)
		end--;
	*end = '\0';
	return start;
}

/* In the order of the rules, so that the same form gives the same bytes. */
void
form_append(StringInfo out, const Form *form)
{
	for (FormAnswer answer = 0; answer < FORM_ANSWERS; answer++)
		form_member_append(out, form_rules[answer].name, form->answers[answer]);
	appendStringInfoString(out, ", \"scripts\": [");
	for (int i = 0; i < FORM_SCRIPTS; i++)
		script_append(out, form, i);
	appendStringInfoChar(out, ']');
}

/* The comma stands before every member but the first; out must end with "{" then. */
void
form_member_append(StringInfo out, const char *name, const char *value)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	escape_json(out, name);
	appendStringInfoString(out, ": ");
	escape_json(out, value);
}

/* Number and technique, then the other members of the script as they were sent: the generation
 * may know members that this form does not. */
static void
script_append(StringInfo out, const Form *form, int script)
{
	JsonText text = form->text; /* a walk changes the text's state */
	JsonCursor cursor;
	JsonSpan key, value;

	appendStringInfo(out, "%s{\"number\": %d, \"technique\": ", script > 0 ? ", " : "",
					 script + 1);
	escape_json(out, form->techniques[script]);
	json_walk_begin(&cursor, &text, form->scripts[script]);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice name = json_text_slice(&text, key);

		if (json_string_is(name, "number") || json_string_is(name, "technique"))
			continue;
		appendStringInfoString(out, ", ");
		appendBinaryStringInfo(out, name.bytes, name.size);
		appendStringInfoString(out, ": ");
		appendBinaryStringInfo(out, text.bytes + value.start, value.end - value.start);
	}
	appendStringInfoChar(out, '}');
}
