/*
 * keys.c: what the operator entered to prove notifications with.
 *
 * Rights: set_store_key() is granted to nobody, so that the owner of the tables alone calls it;
 * reading goes with the owner's rights, and no function answers a material.
 *
 * Invariant: a material that cannot be read is never stored. Locks none: a rotation keeps the
 * old key beside the new one until both sides have changed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "notifications/keys.h"
#include "notifications/signature.h"

/* Valid at that time: a rotation and a revocation are entered ahead. */
static KeptPlan read_keys = {
	.sql = "SELECT k.key_id, k.material FROM coursebase.store_keys k"
		   " WHERE k.provider = $1 AND k.kind = $2 AND k.environment IN ($3, 'any')"
		   " AND k.valid_from <= $4 AND k.valid_until > $4"
		   " ORDER BY k.environment = 'any', k.key_id",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
/* Entered again, a key is replaced with its bounds. */
static KeptPlan write_key = {
	.sql = "INSERT INTO coursebase.store_keys"
		   " (provider, kind, material, key_id, environment, valid_from, valid_until)"
		   " VALUES ($1, $2, $3, $4, $5, coalesce($6, '-infinity'), coalesce($7, 'infinity'))"
		   " ON CONFLICT (provider, environment, kind, key_id) DO UPDATE"
		   " SET material = EXCLUDED.material, valid_from = EXCLUDED.valid_from,"
		   "  valid_until = EXCLUDED.valid_until",
	.nargs = 7,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
};
static KeptPlan delete_key = {
	.sql = "DELETE FROM coursebase.store_keys"
		   " WHERE provider = $1 AND kind = $2 AND key_id = $3 AND environment = $4",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

/* The order of the arguments of set_store_key(). */
enum
{
	ARG_PROVIDER,
	ARG_KIND,
	ARG_MATERIAL,
	ARG_KEY_ID,
	ARG_ENVIRONMENT,
	ARG_VALID_FROM,
	ARG_VALID_UNTIL,
};

/* The kinds of a key, by provider; a material of some must be readable. */
typedef enum MaterialForm
{
	MATERIAL_TEXT,
	MATERIAL_CERTIFICATE,
	MATERIAL_PUBLIC_KEY,
} MaterialForm;

static const struct
{
	const char *provider;
	const char *kind;
	MaterialForm form;
} key_kinds[] = {
	{"app_store", "root", MATERIAL_CERTIFICATE},
	{"app_store", "bundle_id", MATERIAL_TEXT},
	{"google_play", "push_key", MATERIAL_PUBLIC_KEY},
	{"google_play", "push_audience", MATERIAL_TEXT},
	{"google_play", "push_email", MATERIAL_TEXT},
	{"google_play", "licence_key", MATERIAL_PUBLIC_KEY},
	{"google_play", "package_name", MATERIAL_TEXT},
	{"stripe", "signing_secret", MATERIAL_TEXT},
	{"revenuecat", "authorization", MATERIAL_TEXT},
	{"revenuecat", "app_id", MATERIAL_TEXT},
};

static MaterialForm form_require(const char *provider, const char *kind);
static void material_require(MaterialForm form, text *material);

PG_FUNCTION_INFO_V1(coursebase_set_store_key);

/*
 * SQL function: set_store_key(provider text, kind text, material text, key_id text, environment
 * text, valid_from timestamptz, valid_until timestamptz) returns boolean
 *
 * The audit trail tells that a key was entered or taken out, and never its material.
 */
PGDLLEXPORT Datum
coursebase_set_store_key(PG_FUNCTION_ARGS)
{
	static const char *const environments[] = {"any", "production", "sandbox"};
	char *provider, *kind, *key_id;
	PlanValues values = {0};
	bool changed;

	/* nothing is looked up before the words are known: the errors name the argument */
	args_require(fcinfo, ARG_PROVIDER);
	args_require(fcinfo, ARG_KIND);
	args_require(fcinfo, ARG_KEY_ID);
	args_word(fcinfo, ARG_ENVIRONMENT, environments, lengthof(environments));
	provider = args_text_or_null(fcinfo, ARG_PROVIDER);
	kind = args_text_or_null(fcinfo, ARG_KIND);
	key_id = args_text_or_null(fcinfo, ARG_KEY_ID);
	if (!PG_ARGISNULL(ARG_MATERIAL))
		material_require(form_require(provider, kind), PG_GETARG_TEXT_PP(ARG_MATERIAL));
	else
		form_require(provider, kind);
	schema_require_current();
	SPI_connect();
	args_bind(&values, fcinfo, ARG_PROVIDER);
	args_bind(&values, fcinfo, ARG_KIND);
	/*
	 * without a material the key is deleted: after a rotation the old key is taken out at once
	 */
	if (PG_ARGISNULL(ARG_MATERIAL))
	{
		args_bind(&values, fcinfo, ARG_KEY_ID);
		args_bind(&values, fcinfo, ARG_ENVIRONMENT);
		changed = owner_execute(&delete_key, values.datums, values.nulls, false) > 0;
	}
	else
	{
		for (int i = ARG_MATERIAL; i <= ARG_VALID_UNTIL; i++)
			args_bind(&values, fcinfo, i);
		changed = owner_execute(&write_key, values.datums, values.nulls, false) > 0;
	}
	/* that a key changed is for everybody who reads the trail; what it is, for nobody */
	if (changed)
		audit_write(PG_ARGISNULL(ARG_MATERIAL) ? "store_key_removed" : "store_key_set",
					psprintf("store_keys/%s/%s/%s", provider, kind, key_id), NULL, NULL);
	SPI_finish();
	PG_RETURN_BOOL(changed);
}

/* The form of a kind of key; raises 22023 for a provider or kind that does not exist. */
static MaterialForm
form_require(const char *provider, const char *kind)
{
	for (int i = 0; i < lengthof(key_kinds); i++)
		if (strcmp(key_kinds[i].provider, provider) == 0 &&
			strcmp(key_kinds[i].kind, kind) == 0)
			return key_kinds[i].form;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("provider \"%s\" has no kind of key \"%s\"", provider, kind),
					errhint("app_store has root and bundle_id; google_play push_key, "
							"push_audience, push_email, "
							"licence_key and package_name; stripe signing_secret; revenuecat "
							"authorization and "
							"app_id.")));
}

/* A key that cannot be read is refused when it is entered, not when the first notification
 * comes. */
static void
material_require(MaterialForm form, text *material)
{
	JsonSlice bytes = {VARDATA_ANY(material), VARSIZE_ANY_EXHDR(material)};

	if (form == MATERIAL_CERTIFICATE)
		signature_require_certificate(bytes);
	else if (form == MATERIAL_PUBLIC_KEY)
		signature_require_public_key(bytes);
}

/* Keys of the environment come before those of any: the more exact one is tried first. */
int
store_keys_read(const char *provider, const char *kind, NoticeEnvironment environment,
				TimestampTz at, StoreKey **keys)
{
	enum
	{
		KEY_ID = 1,
		MATERIAL,
	};
	Datum values[] = {
		CStringGetTextDatum(provider),
		CStringGetTextDatum(kind),
		CStringGetTextDatum(notice_environment_names[environment]),
		TimestampTzGetDatum(at),
	};
	uint64 count = owner_execute(&read_keys, values, NULL, false);

	*keys = palloc(sizeof(StoreKey) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		char *material = plan_text_required(i, MATERIAL);

		(*keys)[i].key_id = plan_text_required(i, KEY_ID);
		(*keys)[i].material = (JsonSlice){material, strlen(material)};
	}
	return (int) count;
}
