/*
 * members.h: the members of a JSON object that a caller sends, each read as what it must be.
 *
 * Whatever is wrong is said with the name of the member; nothing is guessed. A member that is
 * null counts as absent, of one that is there twice the last counts. A member that the form
 * does not name is refused where it is nearly one that is absent, and otherwise not read. Texts
 * are in the current context.
 */
#ifndef COURSEBASE_JSON_MEMBERS_H
#define COURSEBASE_JSON_MEMBERS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "json/json_load.h"

#define MEMBERS_MAX 32

/* Ids are keys of indexes; no store's are longer. */
#define MEMBERS_ID_SIZE    512
#define MEMBERS_TOKEN_SIZE 4096
/* A longer name is no slip of one of ours. */
#define MEMBERS_NAME_SIZE 64

/* Instead of a time or a flag that is absent. */
#define MEMBERS_NO_TIME DT_NOBEGIN
#define MEMBERS_NO_FLAG (-1)

/* What an object is made of; a static const of the feature. */
typedef struct MembersForm
{
	const char *object;       /* in messages: "the event" */
	int code;                 /* SQLSTATE of what is wrong */
	const char *hint;         /* for a member that is wrong */
	const char *object_hint;  /* for what is no object at all */
	const char *const *names; /* by number; "discount.code" for one of a member's object */
	int count;
} MembersForm;

typedef struct Members
{
	const MembersForm *form;
	JsonText text;
	JsonSpan spans[MEMBERS_MAX]; /* empty: absent */
} Members;

/* Loads a json value and finds the members from 0 to end in it. */
extern void members_load(Members *members, const MembersForm *form, Datum json, int end);

/* Finds the members from first to end, named after the prefix, in the object that `of` is;
 * false when `of` is absent. */
extern bool members_enter(Members *members, int of, int first, int end, size_t prefix);

/* To be called when all was read: raises 22032 for bytes that are no JSON after all. */
extern void members_end(const Members *members);

extern bool members_has(const Members *members, int member);

/* NULL when absent; no longer than `most` bytes, not empty, and up to MEMBERS_ID_SIZE without a
 * blank at either end. */
extern const char *members_text(const Members *members, int member, size_t most);
extern const char *members_text_require(const Members *members, int member, size_t most);

/* A string, number or boolean as it is written, without quotes; NULL when absent. */
extern const char *members_scalar(const Members *members, int member, size_t most);

/* Another name of a word; the alias in lower case, without what stands between words. */
typedef struct MembersAlias
{
	const char *alias;
	const char *word;
} MembersAlias;

/* One of the words, whatever the case and whatever stands between their parts; NULL when
 * absent. */
extern const char *members_word(const Members *members, int member, const char *const *words,
								int count);
extern const char *members_spelled(const Members *members, int member, const char *const *words,
								   int count, const MembersAlias *aliases, int naliases);

/*
 * ISO 8601 with a zone, or milliseconds since 1970, from 2008 to 2100; MEMBERS_NO_TIME when
 * absent. An end may be later: it never comes.
 */
extern TimestampTz members_time(const Members *members, int member);
extern TimestampTz members_end_time(const Members *members, int member);

/* 1, 0 or MEMBERS_NO_FLAG: true, false, 1, 0, and these in a string in any case. */
extern int members_flag(const Members *members, int member);

/* Raises with the form's code: the object's member … fault. */
pg_noreturn extern void members_raise(const MembersForm *form, int member, const char *fault);

#endif
