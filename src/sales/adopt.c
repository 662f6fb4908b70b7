/*
 * adopt.c: grants of purchases and access, for rows that came without triggers.
 *
 * Invariants: those of plain_sale.c and course_grant.c: a purchase has the grants of its
 * product, and a person has a row of user_course_access for a course exactly while a grant of
 * it counts. What a purchase gave is told by the links that its product had at the sale, and by
 * the access that came with it. Where neither tells of any course, the links of today do: the
 * links came without their times, and the access did not come at all.
 *
 * Access that no grant explains is a direct grant, as for an INSERT of plain SQL; one row of
 * the audit says how many there were.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "identity/audit.h"
#include "sales/access_end.h"
#include "sales/adopt.h"

/*
 * Purchases from which somebody took the grants on purpose stay without. The times are those of
 * the sale, so that access begins when it was bought.
 */
static KeptPlan grant_purchases = {
	.sql = "INSERT INTO coursebase.course_grants"
		   " (user_id, course_id, purchase_id, created_at, updated_at, expires_at)"
		   " SELECT j.user_id, j.course_id, j.id, j.created_at, j.created_at, j.ends_at FROM ("
		   "  SELECT b.*, bool_or(b.told) OVER (PARTITION BY b.id) AS any_told FROM ("
		   "   SELECT s.id, s.user_id, s.created_at, l.course_id,"
		   "    least(s.created_at + s.access_days * interval '24 hours', s.access_until)"
		   "     AS ends_at,"
		   "    l.created_at <= s.created_at OR a.user_id IS NOT NULL AS told"
		   "   FROM coursebase.purchases s"
		   "   JOIN coursebase.users u ON u.id = s.user_id"
		   "   JOIN coursebase.course_products l ON l.product_id = s.product_id"
		   "   JOIN coursebase.courses c ON c.id = l.course_id"
		   "   LEFT JOIN coursebase.user_course_access a"
		   "    ON a.user_id = s.user_id AND a.course_id = l.course_id"
		   "    AND s.refunded_at IS NULL"
		   "   WHERE NOT EXISTS (SELECT FROM coursebase.course_grants g"
		   "     WHERE g.purchase_id = s.id)"
		   "    AND NOT EXISTS (SELECT FROM coursebase.audit_events e"
		   "     WHERE e.action = 'course_grant_taken' AND e.object = 'purchases/' || s.id)"
		   "  ) b) j WHERE j.told OR NOT j.any_told",
};
/* The grants without an end that count, as in course_grant.c. */
#define COUNTING                                                                               \
	"coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id"      \
	" WHERE g.expires_at IS NULL"                                                              \
	" AND (g.purchase_id IS NULL OR s.id IS NOT NULL AND s.refunded_at IS NULL)"

static KeptPlan grant_access = {
	.sql = "INSERT INTO coursebase.course_grants"
		   " (user_id, course_id, created_at, updated_at)"
		   " SELECT a.user_id, a.course_id, a.created_at, a.created_at"
		   " FROM coursebase.user_course_access a"
		   " JOIN coursebase.users u ON u.id = a.user_id"
		   " JOIN coursebase.courses c ON c.id = a.course_id"
		   " WHERE NOT EXISTS (SELECT FROM " COUNTING
		   "  AND g.user_id = a.user_id AND g.course_id = a.course_id)",
};
static KeptPlan project_grants = {
	.sql = "INSERT INTO coursebase.user_course_access"
		   " (user_id, course_id, created_at, updated_at)"
		   " SELECT p.user_id, p.course_id, p.began_at, p.began_at FROM ("
		   "  SELECT g.user_id, g.course_id, min(g.created_at) AS began_at"
		   "  FROM " COUNTING " GROUP BY g.user_id, g.course_id) p"
		   " JOIN coursebase.users u ON u.id = p.user_id"
		   " JOIN coursebase.courses c ON c.id = p.course_id"
		   " WHERE NOT EXISTS (SELECT FROM coursebase.user_course_access a"
		   "  WHERE a.user_id = p.user_id AND a.course_id = p.course_id)",
};

static KeptPlan write_may_end = {
	.sql = "UPDATE coursebase.courses c SET grants_may_end = true WHERE NOT c.grants_may_end"
		   " AND EXISTS (SELECT FROM coursebase.course_grants g"
		   "  WHERE g.course_id = c.id AND g.expires_at IS NOT NULL)",
};

static void adopt(Adoption *adoption);

const AdoptionPart sales_adoption = {
	.tables = "coursebase.purchases, coursebase.course_grants, coursebase.user_course_access",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	uint64 direct;

	/* first: access that a purchase gives is no direct grant, and goes with its refund */
	adoption_make(adoption, "grants of purchases", &grant_purchases);
	direct = adoption_make(adoption, "direct grants of access", &grant_access);
	if (direct > 0)
		audit_write("course_grants_adopted", "course_grants", NULL,
					psprintf("{\"direct_grants\": " UINT64_FORMAT "}", direct));
	adoption_make(adoption, "courses whose grants may end", &write_may_end);
	access_ends_write_all();
	adoption_make(adoption, "access of grants", &project_grants);
}
