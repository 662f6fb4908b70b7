/*
 * name_of_file.c: no course has the file name of a manifest or of a protected file, and no two
 * manifests have names that differ in case alone.
 *
 * Invariant: of the names of manifests and of the setting protected_manifests none is that of a
 * course's document (sync/entries.c: yoga-101.json, or the id of a course without a code), and
 * manifests of one name spell it alike: ignoring case, because phones may keep files where case
 * does not count. There the two would be one file, which every handshake would send again.
 *
 * Locks: none of its own. The trigger fires after the one that moves the version of the
 * catalogue, whose row is then locked; it reads what is committed by now, so that of two
 * writers at both ends the second one is refused. Rights: those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"

#define NAMES_OF(value) "regexp_split_to_array(" value ", '[[:space:],]+')"

/* $1: what the course's file is named by. Answers it, and the other file's name. */
static KeptPlan find_file = {
	.sql =
		"SELECT $1, f.name FROM (SELECT m.name FROM coursebase.master_manifests m"
		" UNION ALL SELECT unnest(" NAMES_OF(
			"coalesce(s.value, s.default_value)") ")"
												  "  FROM coursebase.settings s WHERE s.name = "
												  "'protected_manifests') f (name)"
												  " WHERE lower(f.name COLLATE \"C\") = "
												  "lower($1 COLLATE \"C\") || '.json' LIMIT 1",
	.nargs = 1,
	.types = {TEXTOID},
};
/* $1: a name; with $2 the value of the setting, which is many. Answers the same. */
static KeptPlan find_course = {
	.sql = "WITH files AS (SELECT f.name, substring(lower(f.name COLLATE \"C\")"
		   "   FROM '^(.+)[.]json$') AS stem"
		   "  FROM unnest(CASE WHEN $2 THEN " NAMES_OF(
			   "$1") " ELSE ARRAY[$1] END) f (name))"
					 " SELECT c.course_code, f.name FROM files f"
					 " JOIN coursebase.courses c ON lower(c.course_code COLLATE \"C\") = f.stem"
					 " UNION ALL SELECT c.id::text, f.name FROM files f"
					 " JOIN coursebase.courses c ON c.course_code IS NULL AND c.id = CASE WHEN "
					 "f.stem"
					 "   ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN f.stem::uuid END"
					 " LIMIT 1",
	.nargs = 2,
	.types = {TEXTOID, BOOLOID},
};

/* $1: the name of a manifest. Answers another spelling of it. */
static KeptPlan find_spelling = {
	.sql =
		"SELECT m.name FROM coursebase.master_manifests m"
		" WHERE lower(m.name COLLATE \"C\") = lower($1 COLLATE \"C\") AND m.name <> $1 LIMIT 1",
	.nargs = 1,
	.types = {TEXTOID},
};

static uint64 file_find(TriggerData *data);
static void spelling_require(TriggerData *data);

PG_FUNCTION_INFO_V1(coursebase_tg_any__name_of_file);

/* SQL function: tg_any__name_of_file() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__name_of_file(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__name_of_file", ROW_AFTER_WRITE);

	/* a dump brings what was there, and check_integrity() names it */
	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (file_find(data) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("a course and another file of the phones would have one name"),
				 errdetail("The document of the course \"%s\" is a file, and so is \"%s\".",
						   plan_text_required(0, 1), plan_text_required(0, 2)),
				 errhint("Give the course another code, or the file another name.")));
	if (strcmp(RelationGetRelationName(data->tg_relation), "master_manifests") == 0)
		spelling_require(data);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * Looks from the row that is written for a file of the same name: from a course among the other
 * files, from a manifest or the setting among the courses. Two rows that clashed already are
 * not looked at.
 */
static uint64
file_find(TriggerData *data)
{
	const char *table = RelationGetRelationName(data->tg_relation);
	HeapTuple row = trigger_written_row(data);
	PlanValues values = {0};
	char *name;

	if (strcmp(table, "courses") == 0)
	{
		name = trigger_text_or_null(data, row, "course_code");
		plan_bind_text(&values, name != NULL ? name : trigger_text(data, row, "id"));
		return owner_execute_latest(&find_file, values.datums, values.nulls);
	}
	if (strcmp(table, "settings") == 0)
	{
		name = trigger_text_or_null(data, row, "value");
		if (name == NULL)
			name = trigger_text(data, row, "default_value");
	}
	else
		name = trigger_text(data, row, "name");
	plan_bind_text(&values, name);
	plan_bind_bool(&values, strcmp(table, "settings") == 0);
	return owner_execute_latest(&find_course, values.datums, values.nulls);
}

/* Rows of one UPDATE are judged when all of them are written: so a name may change its spelling
 * for everybody and every cohort at once. */
static void
spelling_require(TriggerData *data)
{
	char *name = trigger_text(data, trigger_written_row(data), "name");
	PlanValues values = {0};

	plan_bind_text(&values, name);
	if (owner_execute_latest(&find_spelling, values.datums, values.nulls) > 0)
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("two manifests would be one file on phones that ignore case"),
						errdetail("One is named \"%s\", and another one \"%s\".", name,
								  plan_text_required(0, 1)),
						errhint("Spell the name alike, or rename both in one UPDATE.")));
}
