/*
 * rules.c: the rules of programs over several rows, and what is said when one is broken.
 *
 * Statements of the triggers (curriculum.c, config.c) name the rule that they find broken; the
 * table here has its SQLSTATE and its words, so that a rule reads alike whatever path breaks
 * it.
 *
 * Rights: a trigger before the row comes before row security, so that no message tells a writer
 * anything about rows of others.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "identity/membership.h"
#include "programs/rules.h"

typedef struct Rule
{
	const char *name;
	int code;
	const char *message;
	const char *hint;
} Rule;

static const Rule rules[] = {
	{"unconfigured", ERRCODE_CB_COURSE_CONFIGURED, "the program is not configured as a course",
	 "Make courses with create_course()."},
	{"configured", ERRCODE_CB_COURSE_CONFIGURED,
	 "the program is configured as a course and stays one",
	 "Make another program for another way of delivery."},
	{"live", ERRCODE_CB_COURSE_CONFIGURED,
	 "only a program that is a course is configured as one",
	 "Make courses with create_course()."},
	{"curriculum", ERRCODE_CB_COURSE_CONFIGURED, "the course has a curriculum",
	 "Empty its days first, or delete the program."},
	{"sold", ERRCODE_CB_COURSE_CONFIGURED, "the course has buyers",
	 "Archive a course that is not to be sold; its buyers keep it."},
	{"day", ERRCODE_CB_CURRICULUM_INVALID, "a day of the curriculum lies beyond the course",
	 "Use days from 0 to duration_days - 1, or give the course more days."},
	{"rest", ERRCODE_CB_CURRICULUM_INVALID, "a day of rest has nothing else",
	 "Take the rest or the workouts away."},
	{"deleted", ERRCODE_CB_CURRICULUM_INVALID, "the workout is deleted",
	 "Use another, or set its deleted_at to null first."},
	{"empty", ERRCODE_CB_COURSE_EMPTY, "a published course has a workout that is not rest",
	 "Add workouts, or archive the course."},
	{"preview", ERRCODE_CB_WORKOUT_IN_USE, "the preview workout stands in the curriculum",
	 "Choose another preview first, or one of the curriculum's workouts."},
	{"tier", ERRCODE_CB_TIER_REFUSED, "organisations on tier lite cannot sell courses",
	 "Move the organisation to pro or elite."},
};

void
rules_require(KeptPlan *plan, Datum *values)
{
	if (owner_execute_latest(plan, values, NULL) > 0)
		rule_raise(plan_text_required(0, 1));
}

void
rule_raise(const char *name)
{
	for (int i = 0; i < lengthof(rules); i++)
		if (strcmp(name, rules[i].name) == 0)
			ereport(ERROR, (errcode(rules[i].code), errmsg("%s", rules[i].message),
							errhint("%s", rules[i].hint)));
	elog(ERROR, "unknown rule %s", name);
}

/*
 * The keys refuse an organisation that is not the program's as well, but a unique key is judged
 * before a foreign key, and its message would tell staff of one organisation what a program of
 * another has. Writers without row security, and rows that row security will refuse, are left
 * to the keys.
 */
void
rule_require_organization(TriggerData *data, HeapTuple row, const pg_uuid_t *organization)
{
	pg_uuid_t named;

	if (!trigger_uuid(data, row, "organization_id", &named) ||
		(organization != NULL && uuid_equal(&named, organization)) ||
		check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) !=
			RLS_ENABLED ||
		!membership_holds(&named, MEMBERSHIP_COACH))
		return;
	ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					errmsg("the organisation has no such program"),
					errhint("Give a program with its own organisation, or none.")));
}

/*
 * Without a program the row gets the program's id as its organisation, which no organisation
 * has: the keys then refuse the row in the same words as one with another's program.
 */
HeapTuple
rule_set_organization(TriggerData *data, HeapTuple row, const pg_uuid_t *organization)
{
	pg_uuid_t value;

	if (trigger_uuid(data, row, "organization_id", &value))
		return row;
	if (organization != NULL)
		value = *organization;
	else
		trigger_uuid(data, row, "program_id", &value);
	return trigger_set_as(data, row, "organization_id", UUIDOID, UUIDPGetDatum(&value), false);
}
