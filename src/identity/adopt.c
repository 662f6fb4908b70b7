/*
 * adopt.c: the profiles of people, and the record of roles, for rows that came without
 * triggers.
 *
 * Invariants: as in profile.c: everybody has a profile, with the address in lower case and a
 * referral code that nobody else has. A closed account has a profile that tells of nobody. A
 * role other than the one that was recorded last is recorded.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/row_kept.h"
#include "identity/adopt.h"
#include "identity/profile_made.h"

/*
 * Answers how many people were without a profile, and how many have one now. Two people of one
 * statement may draw the same code, or one that somebody has: these are left out, and the next
 * round draws for them again. Nobody else writes profiles meanwhile, so that no conflict is
 * left for the keys to find.
 */
static KeptPlan make_profiles = {
	.sql =
		"WITH drawn AS MATERIALIZED ("
		" SELECT u.id, u.created_at,"
		"  CASE WHEN u.deleted_at IS NULL THEN nullif(lower(translate(u.email, 'I', 'i')), '')"
		"   ELSE '' END AS email,"
		"  coursebase.draw_referral_code() AS code"
		" FROM coursebase.users u WHERE NOT u.is_guest AND NOT EXISTS ("
		"  SELECT FROM coursebase.user_profile p WHERE p.user_id = u.id)"
		"), made AS ("
		" INSERT INTO coursebase.user_profile"
		"  (user_id, email, referral_code, created_at, updated_at)"
		" SELECT d.id, d.email, d.code, d.created_at, d.created_at FROM drawn d"
		" WHERE NOT EXISTS ("
		"   SELECT FROM coursebase.user_profile p WHERE p.referral_code = d.code)"
		"  AND d.code NOT IN ("
		"   SELECT t.code FROM drawn t GROUP BY t.code HAVING count(*) > 1)"
		" RETURNING 1)"
		" SELECT (SELECT count(*) FROM drawn), (SELECT count(*) FROM made)",
};
enum
{
	PROFILES_LACKING = 1,
	PROFILES_MADE,
};

/* What BEFORE triggers do with the zone's name. UTC, which most have, is not looked up. */
#define SPELL_ZONE(table)                                                                      \
	"UPDATE coursebase." table " t SET time_zone = z.name"                                     \
	" FROM (SELECT DISTINCT o.time_zone FROM coursebase." table " o"                           \
	"  WHERE o.time_zone <> 'UTC') d"                                                          \
	" JOIN pg_timezone_names z"                                                                \
	"  ON lower(z.name COLLATE \"C\") = lower(d.time_zone COLLATE \"C\")"                      \
	" WHERE t.time_zone = d.time_zone AND z.name <> t.time_zone"

static KeptPlan spell_zones_of_people = {.sql = SPELL_ZONE("user_profile")};
static KeptPlan spell_zones_of_organizations = {.sql = SPELL_ZONE("organizations")};

/* Asked before the view of all zones is read, which parses hundreds of files whatever it is
 * joined with. */
static KeptPlan any_zone_of_people = {
	.sql = "SELECT FROM coursebase.user_profile WHERE time_zone <> 'UTC' LIMIT 1"};
static KeptPlan any_zone_of_organizations = {
	.sql = "SELECT FROM coursebase.organizations WHERE time_zone <> 'UTC' LIMIT 1"};

/*
 * The role that was recorded last is user where nothing was recorded, as in check_identity().
 * Almost everybody is a user of whom nothing was recorded: the first branch reads past them,
 * the second one joins with what was recorded, so that nobody's key is made into text in vain.
 */
static KeptPlan record_roles = {
	.sql = "WITH last AS MATERIALIZED ("
		   "  SELECT DISTINCT ON (e.object) e.object, e.new ->> 'role' AS role"
		   "  FROM coursebase.audit_events e WHERE e.action = 'role_changed'"
		   "  ORDER BY e.object, e.created_at DESC)"
		   " INSERT INTO coursebase.audit_events (action, object, old, new)"
		   " SELECT 'role_changed', 'users/' || c.id,"
		   "  CASE WHEN c.was IS NOT NULL THEN jsonb_build_object('role', c.was) END,"
		   "  jsonb_build_object('role', c.role) FROM ("
		   "  SELECT u.id, u.role, l.role AS was FROM coursebase.users u"
		   "  LEFT JOIN last l ON l.object = 'users/' || u.id"
		   "  WHERE u.role <> 'user' AND u.role::text <> coalesce(l.role, 'user')"
		   "  UNION ALL"
		   "  SELECT u.id, u.role, l.role FROM coursebase.users u"
		   "  JOIN last l ON l.object = 'users/' || u.id AND l.role <> 'user'"
		   "  WHERE u.role = 'user') c",
};

static void adopt(Adoption *adoption);

const AdoptionPart identity_adoption = {
	.tables = "coursebase.users, coursebase.user_profile, coursebase.organizations,"
			  " coursebase.audit_events",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	int64 left = 1;

	/* codes rarely meet, so that one or two rounds do */
	for (int tries = 0; left > 0; tries++)
	{
		CHECK_FOR_INTERRUPTS();
		plan_execute_latest(&make_profiles, NULL, NULL);
		left = plan_int64(0, PROFILES_LACKING) - plan_int64(0, PROFILES_MADE);
		adoption_count(adoption, "profiles of users", plan_int64(0, PROFILES_MADE));
		if (left > 0 && tries == PROFILE_TRIES)
			row_kept_raise("user_profile", "users have no profile");
	}
	if (plan_execute_latest(&any_zone_of_people, NULL, NULL) > 0)
		adoption_make(adoption, "time zones respelled", &spell_zones_of_people);
	if (plan_execute_latest(&any_zone_of_organizations, NULL, NULL) > 0)
		adoption_make(adoption, "time zones respelled", &spell_zones_of_organizations);
	adoption_make(adoption, "roles recorded in the audit", &record_roles);
}
