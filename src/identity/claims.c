/*
 * claims.c: reads from the settings of the request which subject its claims name.
 *
 * request.jwt.claims is JSON with a member sub. request.jwt.claim.sub, which older gateways
 * set, is the subject itself; it counts only if the former is absent or empty.
 *
 * This library defines both settings, so that its check hook parses a value when it is set and
 * nobody parses it again. A check hook must neither raise nor look anything up in the database:
 * a value without a usable subject becomes a Subject of size 0, which names nobody. If another
 * library defined a setting first, the setting stays that library's, and is parsed whenever its
 * text differs from the last one seen ("foreign" below).
 *
 * Memory: a Subject is the extra value of its setting, which guc.c frees; it must therefore
 * come from the allocator that guc.c uses (compat_setting_extra()).
 */
#include "postgres.h"

#include "utils/guc.h"

#include "core/compat.h"
#include "identity/claims.h"
#include "json/json.h"

/* Longer claims name nobody: no gateway passes them on, and parsing must not take long. */
#define CLAIMS_MAX (1024 * 1024)

/* Writes the subject, at most SUBJECT_MAX bytes, and returns its size; 0 for nobody. */
typedef int (*SubjectReader)(const char *value, char *out);

/* One of the two settings, and what its present value means. */
typedef struct ClaimsSetting
{
	const char *name;
	const char *description;
	SubjectReader read;
	GucStringCheckHook check;
	GucStringAssignHook assign;
	char *value;            /* the setting's variable */
	const Subject *subject; /* of the value; NULL if absent or empty */
	bool foreign;           /* another library defined the setting */
	char *seen;             /* if foreign: the value that subject was read from */
} ClaimsSetting;

static int token_read(const char *value, char *out);
static int plain_read(const char *value, char *out);
static bool token_check(char **value, void **extra, GucSource source);
static bool plain_check(char **value, void **extra, GucSource source);
static void token_assign(const char *value, void *extra);
static void plain_assign(const char *value, void *extra);
static void known_update(void);
static void setting_define(ClaimsSetting *setting);
static const Subject *setting_subject(ClaimsSetting *setting);
static void foreign_read(ClaimsSetting *setting);
static bool subject_make(SubjectReader read, const char *value, void **subject);

const Subject *claims_known = NULL;

static ClaimsSetting token = {
	.name = "request.jwt.claims",
	.description = "Claims of the request's token, a JSON object; sub is who is asking.",
	.read = token_read,
	.check = token_check,
	.assign = token_assign,
};

static ClaimsSetting plain = {
	.name = "request.jwt.claim.sub",
	.description = "Who is asking, where request.jwt.claims is not set.",
	.read = plain_read,
	.check = plain_check,
	.assign = plain_assign,
};

void
claims_init(void)
{
	setting_define(&token);
	setting_define(&plain);
}

const Subject *
claims_subject_look_up(void)
{
	const Subject *subject = setting_subject(&token);

	return subject != NULL ? subject : setting_subject(&plain);
}

/* A SubjectReader: the member sub of a JSON object. */
static int
token_read(const char *value, char *out)
{
	Size size = strlen(value);
	size_t subject_size;

	if (size > CLAIMS_MAX ||
		json_claim_read(value, size, "sub", out, SUBJECT_MAX, &subject_size) != JSON_OK)
		return 0;
	return (int) subject_size;
}

/* A SubjectReader: the value itself. */
static int
plain_read(const char *value, char *out)
{
	Size size = strlen(value);

	if (size > SUBJECT_MAX)
		return 0;
	memcpy(out, value, size);
	return (int) size;
}

/* guc.c passes no pointer of ours to its hooks, so that each setting needs its own pair. */
static bool
token_check(char **value, void **extra, GucSource source)
{
	return subject_make(token_read, *value, extra);
}

static bool
plain_check(char **value, void **extra, GucSource source)
{
	return subject_make(plain_read, *value, extra);
}

static void
token_assign(const char *value, void *extra)
{
	token.subject = extra;
	known_update();
}

static void
plain_assign(const char *value, void *extra)
{
	plain.subject = extra;
	known_update();
}

/*
 * Works out claims_known after a value changed. Foreign settings change without calling a hook
 * of ours, so that nothing is known in advance as soon as the answer depends on one: then
 * claims_known is NULL and claims_subject_look_up() decides anew each time.
 */
static void
known_update(void)
{
	if (token.foreign)
		claims_known = NULL;
	else if (token.subject != NULL || plain.foreign)
		claims_known = token.subject;
	else
		claims_known = plain.subject;
}

/*
 * Defines the setting, unless another library did. A value that was set before this library was
 * loaded lives in a placeholder, which guc.c replaces, calling the hooks with its value.
 */
static void
setting_define(ClaimsSetting *setting)
{
	struct config_generic *known = compat_setting(setting->name);

	setting->foreign = known != NULL && (known->flags & GUC_CUSTOM_PLACEHOLDER) == 0;
	if (!setting->foreign)
		DefineCustomStringVariable(
			setting->name, setting->description, NULL, &setting->value, NULL, PGC_USERSET,
			GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | COMPAT_GUC_ALLOW_IN_PARALLEL, setting->check,
			setting->assign, NULL);
}

/* The subject of the setting's present value; NULL if the value is absent or empty. */
static const Subject *
setting_subject(ClaimsSetting *setting)
{
	if (setting->foreign)
		foreign_read(setting);
	return setting->subject;
}

/* Parses a foreign setting, if its text is not the one that was parsed last. */
static void
foreign_read(ClaimsSetting *setting)
{
	const char *value = GetConfigOption(setting->name, true, false);
	void *subject = NULL;
	char *seen;

	if (value == NULL)
		value = "";
	if (setting->seen != NULL && strcmp(setting->seen, value) == 0)
		return;
	seen = compat_setting_extra(strlen(value) + 1);
	if (seen == NULL || !subject_make(setting->read, value, &subject))
	{
		compat_setting_extra_free(seen);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	strcpy(seen, value);
	compat_setting_extra_free((void *) setting->subject);
	compat_setting_extra_free(setting->seen);
	setting->subject = subject;
	setting->seen = seen;
}

/*
 * Makes the Subject of a value; false only if memory runs out. An absent or empty value has no
 * Subject at all (the other setting then counts), unlike a value that names nobody, whose
 * Subject has size 0 (and the other setting does not count).
 */
static bool
subject_make(SubjectReader read, const char *value, void **subject)
{
	static uint64 serial = 0;
	char bytes[SUBJECT_MAX];
	Subject *made;
	int size;

	if (value == NULL || *value == '\0')
		return true;
	size = read(value, bytes);
	made = compat_setting_extra(offsetof(Subject, bytes) + size);
	if (made == NULL)
		return false;
	made->serial = ++serial;
	made->size = size;
	memcpy(made->bytes, bytes, size);
	*subject = made;
	return true;
}
