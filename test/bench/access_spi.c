/*
 * access_spi.c: what the benchmark compares has_course_access() with: the same question in C,
 * by the statement of bench_peer.access_sql() as a kept plan of SPI. Nothing of coursebase;
 * built and thrown away by test/bench/run.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

static const char *const question =
	"SELECT EXISTS (SELECT FROM coursebase.courses c WHERE c.id = $1 AND c.is_free)"
	" OR EXISTS ("
	"  SELECT FROM coursebase.users u"
	"  WHERE u.id = $2 AND u.deleted_at IS NULL AND ("
	"   u.role = 'admin' AND EXISTS (SELECT FROM coursebase.courses c WHERE c.id = $1)"
	"   OR EXISTS (SELECT FROM coursebase.user_course_access a"
	"    WHERE a.user_id = u.id AND a.course_id = $1)"
	"   OR EXISTS (SELECT FROM coursebase.course_purchases p WHERE p.user_id = u.id"
	"    AND p.course_id = $1 AND p.status = 'valid' AND p.source <> 'premium_slot')"
	"   OR EXISTS (SELECT FROM coursebase.subscriptions s WHERE s.user_id = u.id"
	"    AND $3 < CASE"
	"     WHEN s.status IN ('active', 'trialing', 'on_hold', 'paused') THEN s.expires_at"
	"     WHEN s.status IN ('canceled', 'in_grace') THEN greatest(s.expires_at, s.grace_until) "
	"END)"
	"    AND (EXISTS (SELECT FROM coursebase.course_purchases p WHERE p.user_id = u.id"
	"      AND p.course_id = $1 AND p.status = 'valid')"
	"     OR EXISTS (SELECT FROM coursebase.courses c, coursebase.entitlements n"
	"      WHERE c.id = $1 AND c.in_premium AND n.name = 'premium'"
	"      AND n.covers_every_course))))";
static SPIPlanPtr plan = NULL;

PG_FUNCTION_INFO_V1(access_spi);

/* SQL function: access_spi(of_course uuid, of_user uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
access_spi(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	Datum answer;
	bool isnull;

	SPI_connect();
	if (plan == NULL)
	{
		Oid types[] = {UUIDOID, UUIDOID, TIMESTAMPTZOID};

		plan = SPI_prepare(question, 3, types);
		SPI_keepplan(plan);
	}
	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the question was not asked");
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}
