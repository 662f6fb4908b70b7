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

#include "identity/audit.h"
#include "sales/access_end.h"
#include "sales/adopt.h"
#include "sales/sale.h"

/* Purchases that have given nothing yet. One from which somebody took the grants on purpose
 * stays without. */
#define UNGRANTED                                                                              \
	"NOT EXISTS (SELECT FROM coursebase.course_grants g WHERE g.purchase_id = s.id)"           \
	" AND NOT EXISTS (SELECT FROM coursebase.audit_events e"                                   \
	"  WHERE e.action = 'course_grant_taken' AND e.object = 'purchases/' || s.id)"

/*
 * Days are counted from the sale. A sale that is infinitely long ago or ahead gives no end, nor
 * does one whose end is behind the last timestamp: check_sales() names it, which has the same
 * time (test/tools/contract compares).
 */
#define HAS_END                                                                                \
	"(s.access_days IS NULL OR s.created_at > '-infinity'"                                     \
	" AND s.created_at < '294000-01-01 00:00+00')"

/* As for a purchase that plain SQL inserts, which comes without terms of its own. */
static KeptPlan take_terms = {
	.sql = "UPDATE coursebase.purchases s"
		   " SET access_days = p.access_days, access_until = p.access_until"
		   " FROM coursebase.products p WHERE p.id = s.product_id"
		   "  AND num_nonnulls(s.access_days, s.access_until) = 0"
		   "  AND num_nonnulls(p.access_days, p.access_until) > 0 AND " UNGRANTED,
};
/*
 * The times are those of the sale, so that access begins when it was bought. The end is that of
 * a first purchase: access_ends_write_all() counts those that extend another.
 */
static KeptPlan grant_purchases = {
	.sql = "INSERT INTO coursebase.course_grants"
		   " (user_id, course_id, purchase_id, expires_at, created_at, updated_at)"
		   " SELECT j.user_id, j.course_id, j.id, least(j.created_at"
		   "   + j.access_days * interval '24 hours', j.access_until),"
		   "  j.created_at, j.created_at FROM ("
		   "  SELECT b.*, bool_or(b.told) OVER (PARTITION BY b.id) AS any_told FROM ("
		   "   SELECT s.id, s.user_id, s.created_at, s.access_days, s.access_until,"
		   "    l.course_id, l.created_at <= s.created_at OR a.user_id IS NOT NULL AS told"
		   "   FROM coursebase.purchases s"
		   "   JOIN coursebase.users u ON u.id = s.user_id"
		   "   JOIN coursebase.course_products l ON l.product_id = s.product_id"
		   "   JOIN coursebase.courses c ON c.id = l.course_id"
		   "   LEFT JOIN coursebase.user_course_access a"
		   "    ON a.user_id = s.user_id AND a.course_id = l.course_id"
		   "    AND s.refunded_at IS NULL"
		   "   WHERE " HAS_END " AND " UNGRANTED ") b) j WHERE j.told OR NOT j.any_told"
		   " ORDER BY j.user_id, j.course_id",
};
static KeptPlan mark_courses = {
	.sql = "UPDATE coursebase.courses c SET grants_may_end = true WHERE NOT c.grants_may_end"
		   " AND c.id IN (SELECT g.course_id FROM coursebase.course_grants g"
		   "  WHERE g.expires_at IS NOT NULL)",
};
/* The grants that count and never end, as in course_grant.c. */
#define COUNTING                                                                               \
	"coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id"      \
	" WHERE g.expires_at IS NULL"                                                              \
	"  AND (g.purchase_id IS NULL OR s.id IS NOT NULL AND s.refunded_at IS NULL)"

/* user_course_access holds what never ends: access that came for a purchase with an end is that
 * purchase's. */
static KeptPlan drop_access = {
	.sql = "DELETE FROM coursebase.user_course_access a WHERE EXISTS ("
		   "  SELECT FROM coursebase.course_grants t"
		   "  JOIN coursebase.purchases p ON p.id = t.purchase_id AND p.refunded_at IS NULL"
		   "  WHERE t.user_id = a.user_id AND t.course_id = a.course_id"
		   "   AND t.expires_at IS NOT NULL)"
		   " AND NOT EXISTS (SELECT FROM " COUNTING
		   "  AND g.user_id = a.user_id AND g.course_id = a.course_id)",
};
/*
 * Access that no grant explains: a direct grant that had an end becomes one without, where
 * there is one, and else is made. The UPDATE comes first, so that the INSERT meets no conflict:
 * an INSERT that has to look for one reads the key a second time for each row.
 */
#define UNEXPLAINED                                                                            \
	" NOT EXISTS (SELECT FROM " COUNTING                                                       \
	"  AND g.user_id = a.user_id AND g.course_id = a.course_id)"

static KeptPlan lengthen_access = {
	.sql = "UPDATE coursebase.course_grants t SET expires_at = NULL, updated_at = now()"
		   " FROM coursebase.user_course_access a"
		   " JOIN coursebase.users u ON u.id = a.user_id"
		   " JOIN coursebase.courses c ON c.id = a.course_id"
		   " WHERE t.user_id = a.user_id AND t.course_id = a.course_id"
		   "  AND t.purchase_id IS NULL AND t.expires_at IS NOT NULL AND" UNEXPLAINED,
};
/* Rows come in the order of the index on people, which then grows leaf by leaf. */
static KeptPlan grant_access = {
	.sql = "INSERT INTO coursebase.course_grants"
		   " (user_id, course_id, created_at, updated_at)"
		   " SELECT a.user_id, a.course_id, a.created_at, a.created_at"
		   " FROM coursebase.user_course_access a"
		   " JOIN coursebase.users u ON u.id = a.user_id"
		   " JOIN coursebase.courses c ON c.id = a.course_id"
		   " WHERE" UNEXPLAINED " ORDER BY a.user_id, a.course_id",
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
		   "  WHERE a.user_id = p.user_id AND a.course_id = p.course_id)"
		   " ORDER BY p.user_id, p.course_id",
};

static void adopt(Adoption *adoption);

const AdoptionPart sales_adoption = {
	.tables = "coursebase.purchases, coursebase.course_grants, coursebase.user_course_access",
	.adopt = adopt,
};

/*
 * The order matters: terms before grants, which end by them; grants of purchases before access,
 * so that access which a purchase gave is no direct grant and goes with its refund; the rows of
 * user_course_access last, from all grants.
 */
static void
adopt(Adoption *adoption)
{
	uint64 direct;

	adoption_make(adoption, "terms of purchases", &take_terms);
	if (adoption_make(adoption, "grants of purchases", &grant_purchases) > 0)
		access_ends_write_all();
	plan_execute_latest(&mark_courses, NULL, NULL);
	adoption_make(adoption, "access that ends with its purchase", &drop_access);
	direct = adoption_make(adoption, "direct grants of access", &lengthen_access);
	direct += adoption_make(adoption, "direct grants of access", &grant_access);
	if (direct > 0)
		audit_write("course_grants_adopted", "course_grants", NULL,
					psprintf("{\"direct_grants\": " UINT64_FORMAT "}", direct));
	adoption_make(adoption, "access of grants", &project_grants);
	/* no trigger has seen the direct grants */
	sale_follows_gift();
}
