/*
 * storefront.c: what everybody may see of programs.
 *
 * Invariant: a program is on offer when it is published, has an active plan of type course, and
 * its organisation's tier sells courses; nothing is shown of any other. One condition,
 * ON_OFFER, decides for the storefront and for the policies; begin_checkout() sells by the
 * same.
 *
 * Locks: none. Rights: anybody may ask; the statements run with the rights of the tables' owner
 * and show only what is on offer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/guest.h"
#include "programs/program.h"

#define ON_OFFER                                                                               \
	" FROM coursebase.course_configs c"                                                        \
	" JOIN coursebase.plans l"                                                                 \
	"  ON l.program_id = c.program_id AND l.type = 'course' AND l.is_active"                   \
	" JOIN coursebase.organizations o"                                                         \
	"  ON o.id = c.organization_id AND o.platform_tier <> 'lite'"                              \
	" JOIN coursebase.programs p ON p.id = c.program_id"                                       \
	" WHERE c.status = 'published'"

static KeptPlan read_programs = {
	.sql = "SELECT ARRAY(SELECT c.program_id" ON_OFFER ")",
};
/* Plans of other types are no offer of a program, and on sale while they are active. */
static KeptPlan read_plans = {
	.sql = "SELECT ARRAY(SELECT l.id" ON_OFFER " UNION ALL SELECT l.id FROM coursebase.plans l"
		   " WHERE l.is_active AND l.type <> 'course')",
};

static KeptPlan read_offers = {
	.sql = "SELECT p.id, o.id, o.name, o.slug, p.name, p.description, c.duration_days,"
		   " c.access_policy::text, c.preview_type::text, l.id, l.price_in_cents,"
		   " l.currency::text, c.published_at" ON_OFFER " ORDER BY c.published_at DESC, p.id",
};
/*
 * Anybody may ask, and the answer is made in memory, with a description for each place: staff
 * who give a day ten thousand places would make it hundreds of megabytes.
 */
#define PREVIEW_PLACES "1000"

/* A preview workout that stands in several places is shown at the first. */
static KeptPlan read_offer = {
	.sql = "SELECT json_build_object('program_id', p.id,"
		   " 'organization', json_build_object('id', o.id, 'name', o.name, 'slug', o.slug),"
		   " 'name', p.name, 'description', p.description, 'duration_days', c.duration_days,"
		   " 'access_policy', c.access_policy, 'plan_id', l.id,"
		   " 'price_in_cents', l.price_in_cents, 'currency', l.currency,"
		   " 'published_at', c.published_at, 'preview_type', c.preview_type,"
		   " 'preview', coalesce((SELECT json_agg(json_build_object("
		   "   'day_offset', w.day_offset, 'sort_order', w.sort_order, 'is_rest', w.is_rest,"
		   "   'workout_id', w.workout_id, 'name', k.name, 'description', k.description)"
		   "   ORDER BY w.day_offset, w.sort_order)"
		   "  FROM (SELECT w.* FROM coursebase.course_workouts w"
		   "  WHERE w.program_id = p.id AND CASE c.preview_type"
		   "   WHEN 'first_day' THEN w.day_offset = 0"
		   "   WHEN 'first_week' THEN w.day_offset < 7"
		   "   WHEN 'specific_workout' THEN w.id = (SELECT f.id"
		   "    FROM coursebase.course_workouts f"
		   "    WHERE f.program_id = p.id AND f.workout_id = c.preview_workout_id"
		   "    ORDER BY f.day_offset, f.sort_order LIMIT 1)"
		   "   ELSE false END"
		   "  ORDER BY w.day_offset, w.sort_order LIMIT " PREVIEW_PLACES ") w"
		   "  LEFT JOIN coursebase.workouts k ON k.id = w.workout_id), '[]'))" ON_OFFER
		   " AND c.program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

PG_FUNCTION_INFO_V1(coursebase_offered_program_ids);
PG_FUNCTION_INFO_V1(coursebase_offered_plan_ids);
PG_FUNCTION_INFO_V1(coursebase_offered_courses);
PG_FUNCTION_INFO_V1(coursebase_storefront_course);

/* SQL function: offered_program_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_offered_program_ids(PG_FUNCTION_ARGS)
{
	return program_ids_read(&read_programs, NULL);
}

/* SQL function: offered_plan_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_offered_plan_ids(PG_FUNCTION_ARGS)
{
	return program_ids_read(&read_plans, NULL);
}

/* SQL function: offered_courses() returns table (program_id uuid, …) */
PGDLLEXPORT Datum
coursebase_offered_courses(PG_FUNCTION_ARGS)
{
	compat_materialize(fcinfo);
	SPI_connect();
	program_rows_return(fcinfo, &read_offers, NULL);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: storefront_course(program_id uuid) returns json
 *
 * One statement makes the answer, so that program, plan and preview are of one snapshot.
 */
PGDLLEXPORT Datum
coursebase_storefront_course(PG_FUNCTION_ARGS)
{
	Datum id = PG_GETARG_DATUM(0);
	Datum offer = 0;
	bool found;

	SPI_connect();
	found = owner_execute(&read_offer, &id, NULL, true) > 0;
	if (found)
		offer = plan_transfer_as(0, 1, JSONOID);
	SPI_finish();
	if (!found)
	{
		organizations_require_home();
		PG_RETURN_NULL();
	}
	PG_RETURN_DATUM(offer);
}
