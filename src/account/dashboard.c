/*
 * dashboard.c: the figures that an administrator sees first: sales, refunds, counts.
 *
 * All figures are of the caller's snapshot, so that they add up. Sales are those of the table
 * purchases; what the app stores sold has no price here. The sales are read in one pass
 * (turnover.c), everything else by one statement.
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
#include "utils/array.h"

#include "account/turnover.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

/* The columns of what was sold, as arrays: a product has the same place in each. */
enum
{
	SOLD_PRODUCT,
	SOLD_SALES,
	SOLD_REFUNDED,
	SOLD_PURCHASES,
	SOLD_REFUNDS,
	SOLD_CUSTOMERS,
	SOLD_COLUMNS,
};

/* $1 to $6 are what was sold of each product, $7 to $11 of all, $12 those who have a course
 * for ever: students have one now. */
static KeptPlan read_dashboard = {
	.sql = "SELECT json_build_object("
		   " 'sales_in_cents', $7, 'refunded_in_cents', $8, 'net_sales_in_cents', $7 - $8,"
		   " 'purchases', $9, 'refunded_purchases', $10, 'net_purchases', $9 - $10,"
		   " 'customers', $11, 'students', $12 + (SELECT count(DISTINCT g.user_id)"
		   "  FROM coursebase.course_grants g"
		   "  LEFT JOIN coursebase.purchases o ON o.id = g.purchase_id"
		   "  WHERE g.expires_at > now() AND o.refunded_at IS NULL AND NOT EXISTS ("
		   "   SELECT FROM coursebase.user_course_access a WHERE a.user_id = g.user_id)),"
		   " 'users', (SELECT count(*) FROM coursebase.users u WHERE u.deleted_at IS NULL"
		   "  AND NOT u.is_guest),"
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
		   "  FROM coursebase.products p LEFT JOIN unnest($1, $2, $3, $4, $5, $6)"
		   "   AS s (product_id, sales, refunded, purchases, refunds, customers)"
		   "   ON s.product_id = p.id"
		   "  CROSS JOIN LATERAL (SELECT coalesce(s.sales, 0) AS sales,"
		   "   coalesce(s.refunded, 0) AS refunded, coalesce(s.purchases, 0) AS purchases,"
		   "   coalesce(s.refunds, 0) AS refunds, coalesce(s.customers, 0) AS customers) t),"
		   "  '[]'))",
	.nargs = SOLD_COLUMNS + 6,
	.types = {UUIDARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
			  INT8ARRAYOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID},
};

static void dashboard_bind(PlanValues *values, const Turnovers *turnovers);
static Datum column_array(const Turnovers *turnovers, int column);
static int64 turnover_column(const Turnover *turnover, int column);

PG_FUNCTION_INFO_V1(coursebase_admin_dashboard);

/* SQL function: admin_dashboard() returns json */
PGDLLEXPORT Datum
coursebase_admin_dashboard(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	Turnovers turnovers;
	Datum dashboard;

	/* by hand, for the figures are read past row security */
	if (!identity_is_admin() && !has_bypassrls_privilege(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the dashboard is for administrators"), errhint("Sign in as one.")));
	turnovers_read(&turnovers);
	dashboard_bind(&values, &turnovers);
	plan_bind_int64(&values, turnover_students());
	SPI_connect();
	owner_execute(&read_dashboard, values.datums, values.nulls, true);
	dashboard = plan_transfer_as(0, 1, JSONOID);
	SPI_finish();
	PG_RETURN_DATUM(dashboard);
}

/* One array a column, in the order of the products, then the sums over all of them. */
static void
dashboard_bind(PlanValues *values, const Turnovers *turnovers)
{
	for (int column = 0; column < SOLD_COLUMNS; column++)
		plan_bind(values, column_array(turnovers, column));
	for (int column = SOLD_SALES; column < SOLD_COLUMNS; column++)
		plan_bind_int64(values, turnover_column(&turnovers->all, column));
}

/* A column of the turnovers as an array, so that the statement that names the products takes
 * all in one call. */
static Datum
column_array(const Turnovers *turnovers, int column)
{
	Oid type = column == SOLD_PRODUCT ? UUIDOID : INT8OID;
	ArrayBuildState *array = initArrayResult(type, CurrentMemoryContext, false);

	for (int i = 0; i < turnovers->count; i++)
	{
		const Turnover *turnover = &turnovers->products[i];

		accumArrayResult(array,
						 column == SOLD_PRODUCT
							 ? UUIDPGetDatum(&turnover->product)
							 : Int64GetDatum(turnover_column(turnover, column)),
						 false, type, CurrentMemoryContext);
	}
	return makeArrayResult(array, CurrentMemoryContext);
}

/* The columns in the order of the enum, which is that of the statement's parameters. */
static int64
turnover_column(const Turnover *turnover, int column)
{
	switch (column)
	{
		case SOLD_SALES:
			return turnover->sales_in_cents;
		case SOLD_REFUNDED:
			return turnover->refunded_in_cents;
		case SOLD_PURCHASES:
			return turnover->purchases;
		case SOLD_REFUNDS:
			return turnover->refunds;
		default:
			return turnover->customers;
	}
}
