/*
 * adopt.c: progress in programs, for rows that came without triggers.
 *
 * Invariants: as in progress.c: completed_at of an entitlement is the time of its last
 * completion when each place of the program that is no rest is done, and NULL otherwise. Places
 * of one day do not share a number: the key that says so is deferrable, and with triggers off
 * the server does not hold it. A day of rest that has something else stays as it came, because
 * nobody knows which of the two was meant: check_programs() names it.
 */
#include "postgres.h"

#include "programs/adopt.h"

static KeptPlan place_workouts = {
	.sql = "UPDATE coursebase.course_workouts t SET sort_order = n.place"
		   " FROM (SELECT o.id, row_number() OVER (PARTITION BY o.program_id, o.day_offset"
		   "   ORDER BY o.sort_order, o.created_at, o.id) - 1 AS place"
		   "  FROM coursebase.course_workouts o WHERE (o.program_id, o.day_offset) IN ("
		   "   SELECT s.program_id, s.day_offset FROM coursebase.course_workouts s"
		   "   GROUP BY s.program_id, s.day_offset"
		   "   HAVING count(*) > count(DISTINCT s.sort_order) AND NOT bool_or(s.is_rest))) n"
		   " WHERE t.id = n.id AND t.sort_order <> n.place",
};
static KeptPlan derive_completed = {
	.sql = "UPDATE coursebase.course_entitlements t SET completed_at = d.done"
		   " FROM (SELECT e.id, CASE WHEN c.places > 0 AND c.places = p.places"
		   "   THEN c.last_at END AS done"
		   "  FROM coursebase.course_entitlements e"
		   "  LEFT JOIN (SELECT k.entitlement_id, count(*) AS places,"
		   "    max(k.completed_at) AS last_at FROM coursebase.course_workout_completions k"
		   "    JOIN coursebase.course_workouts w ON w.id = k.course_workout_id"
		   "     AND NOT w.is_rest GROUP BY k.entitlement_id) c ON c.entitlement_id = e.id"
		   "  LEFT JOIN (SELECT w.program_id, count(*) AS places"
		   "    FROM coursebase.course_workouts w WHERE NOT w.is_rest GROUP BY w.program_id) p"
		   "   ON p.program_id = e.program_id) d"
		   " WHERE t.id = d.id AND t.completed_at IS DISTINCT FROM d.done",
};

static void adopt(Adoption *adoption);

const AdoptionPart programs_adoption = {
	.tables = "coursebase.course_workouts, coursebase.course_entitlements,"
			  " coursebase.course_workout_completions",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "places of workouts", &place_workouts);
	adoption_make(adoption, "entitlements completed or not", &derive_completed);
}
