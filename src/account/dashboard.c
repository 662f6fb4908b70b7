/*
 * dashboard.c: the figures that an administrator sees first: sales, refunds, counts.
 *
 * All figures come from one statement, so that they are of one snapshot and add up. Sales are
 * those of the table purchases; what the app stores sold has no price here.
 *
 * Rights: administrators and the server; the statement runs with the rights of the tables'
 * owner, past row security.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

/* One row with one value, also without any sale: the sums of no row are 0. */
static KeptPlan read_dashboard = {
	.sql = "SELECT json_build_object("
		   " 'sales_in_cents', coalesce(sum(s.price_paid_in_cents), 0),"
		   " 'refunded_in_cents', coalesce(sum(s.refunded_in_cents), 0),"
		   " 'net_sales_in_cents',"
		   "  coalesce(sum(s.price_paid_in_cents - s.refunded_in_cents), 0),"
		   " 'purchases', count(s.id),"
		   " 'refunded_purchases', count(s.refunded_at),"
		   " 'net_purchases', count(s.id) - count(s.refunded_at),"
		   " 'customers', count(DISTINCT s.user_id) FILTER (WHERE s.refunded_at IS NULL),"
		   " 'students', (SELECT count(*) FROM ("
		   "   SELECT a.user_id FROM coursebase.user_course_access a"
		   "   UNION SELECT g.user_id FROM coursebase.course_grants g"
		   "   LEFT JOIN coursebase.purchases o ON o.id = g.purchase_id"
		   "   WHERE g.expires_at > now() AND o.refunded_at IS NULL) w),"
		   " 'users', (SELECT count(*) FROM coursebase.users u WHERE u.deleted_at IS NULL),"
		   " 'products', (SELECT count(*) FROM coursebase.products),"
		   " 'courses', (SELECT count(*) FROM coursebase.courses),"
		   " 'sections', (SELECT count(*) FROM coursebase.course_sections),"
		   " 'lessons', (SELECT count(*) FROM coursebase.lessons),"
		   " 'per_product', coalesce((SELECT json_agg(json_build_object("
		   "   'product_id', p.id, 'name', p.name, 'status', p.status,"
		   "   'sales_in_cents', t.sales, 'refunded_in_cents', t.refunded,"
		   "   'net_sales_in_cents', t.sales - t.refunded, 'purchases', t.purchases,"
		   "   'refunded_purchases', t.refunds, 'customers', t.customers)"
		   "   ORDER BY t.sales - t.refunded DESC, p.name, p.id)"
		   "  FROM coursebase.products p CROSS JOIN LATERAL ("
		   "   SELECT coalesce(sum(o.price_paid_in_cents), 0) AS sales,"
		   "    coalesce(sum(o.refunded_in_cents), 0) AS refunded, count(*) AS purchases,"
		   "    count(o.refunded_at) AS refunds,"
		   "    count(DISTINCT o.user_id) FILTER (WHERE o.refunded_at IS NULL) AS customers"
		   "   FROM coursebase.purchases o WHERE o.product_id = p.id) t), '[]'))"
		   " FROM coursebase.purchases s",
};

PG_FUNCTION_INFO_V1(coursebase_admin_dashboard);

/* SQL function: admin_dashboard() returns json */
PGDLLEXPORT Datum
coursebase_admin_dashboard(PG_FUNCTION_ARGS)
{
	Datum dashboard;

	if (!identity_is_admin() && !has_bypassrls_privilege(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the dashboard is for administrators"), errhint("Sign in as one.")));
	SPI_connect();
	owner_execute(&read_dashboard, NULL, NULL, true);
	dashboard = plan_transfer_as(0, 1, JSONOID);
	SPI_finish();
	PG_RETURN_DATUM(dashboard);
}
