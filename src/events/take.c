/*
 * take.c: hands events to consumers, and hears that they were acted on.
 *
 * Order: (xid, id). An event may be given once its xid is below every transaction that is still
 * open (pg_snapshot_xmin): no event that stands before it can appear any more. Events are
 * therefore never given in the order of their ids alone, in which a transaction that commits
 * late would be passed by.
 *
 * What a consumer has done is a place in that order (event_consumers) and rows of event_claims.
 * Every event up to the place was acknowledged, or has a row; an event beyond it has a row once
 * it was taken. So an event that is never acknowledged holds back its person and nobody else:
 * the place moves past it, and what follows of that person gets rows that wait. A claim lapses;
 * until then none of the person's other events is given, so that the events of one person are
 * acted on in their order by however many sessions.
 *
 * Locks: sessions that take for one consumer at once share the people among them by advisory
 * locks, which last to the end of the transaction: who finds a person locked goes on to the
 * next (SKIP LOCKED, for rows that do not exist yet). What a lock's former holder did is seen,
 * because the events are picked by a new statement after the lock. Rows of event_claims are
 * locked in the order of their event_id. Only the first call after a restore, which mends the
 * order, locks a table: whoever tells waits for it.
 *
 * Rights: the server's alone; the statements run with the owner's rights.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"

#define BATCH_MAX    1000
#define CONSUMER_MAX 100

/* The arguments of take_events(). */
enum
{
	TAKE_CONSUMER,
	TAKE_BATCH,
	TAKE_CLAIM,
	TAKE_AT,
};

/* A place in the order. */
typedef struct Place
{
	Datum xid; /* xid8 */
	Datum id;
} Place;

static KeptPlan write_consumer = {
	.sql = "INSERT INTO coursebase.event_consumers (name) VALUES ($1) ON CONFLICT DO NOTHING",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan find_consumer = {
	.sql = "SELECT FROM coursebase.event_consumers n WHERE n.name = $1",
	.nargs = 1,
	.types = {TEXTOID},
};

/*
 * What the consumer $1 may be given at $2: what lapsed or waits, and what was never taken, of
 * people none of whose events another session has in hand.
 */
#define FREE_PERSON(person)                                                                    \
	" AND NOT EXISTS (SELECT FROM coursebase.event_claims h WHERE h.consumer = $1"             \
	"  AND h.user_id = " person " AND h.claimed_until > $2)"
#define UNTAKEN                                                                                \
	" AND NOT EXISTS (SELECT FROM coursebase.event_claims d WHERE d.consumer = $1"             \
	"  AND d.event_id = e.id)"
/*
 * The place is read by the same statement, with its snapshot. A place that an earlier statement
 * read may be behind one that another session has moved since; the claims up to there are
 * deleted, and their events would be given again.
 */
#define PLACE                                                                                  \
	"((SELECT n.done_xid FROM coursebase.event_consumers n WHERE n.name = $1),"                \
	" (SELECT n.done_id FROM coursebase.event_consumers n WHERE n.name = $1))"
#define BELOW_OPEN "e.xid < pg_snapshot_xmin(pg_current_snapshot())"
#define WAITING(people)                                                                        \
	"(SELECT c.xid, c.event_id AS id, c.user_id FROM coursebase.event_claims c"                \
	"  JOIN coursebase.access_events o ON o.xid = c.xid AND o.id = c.event_id"                 \
	"  WHERE c.consumer = $1 AND c.claimed_until <= $2 AND c.user_id" people FREE_PERSON(      \
		"c.user_id") " ORDER BY c.xid, c.event_id LIMIT $4)"                                   \
					 " UNION ALL (SELECT e.xid, e.id, e.user_id FROM "                         \
					 "coursebase.access_events e"                                              \
					 "  WHERE (e.xid, e.id) > " PLACE " AND " BELOW_OPEN UNTAKEN               \
					 " AND e.user_id" people FREE_PERSON(                                      \
						 "e.user_id") " ORDER BY e.xid, e.id LIMIT $4)"                        \
									  " ORDER BY xid, id LIMIT $4"
#define WAITING_TYPES TEXTOID, TIMESTAMPTZOID, UUIDARRAYOID, INT8OID

/* What says whether another session has the person, until the end of the transaction: by such a
 * lock, or because it closes the account, for which the foreign key of a claim would wait. */
#define TRY_LOCK                                                                               \
	"pg_try_advisory_xact_lock(hashtextextended("                                              \
	" 'coursebase.event_claims ' || $1 || ' ' || f.user_id, 0))"                               \
	" AND EXISTS (SELECT FROM coursebase.users u WHERE u.id = f.user_id"                       \
	"  FOR KEY SHARE SKIP LOCKED)"

/* Whose the next events are, but for people who were tried, and who of them is free. */
static KeptPlan lock_people = {
	.sql = "SELECT f.user_id, " TRY_LOCK
		   " FROM (SELECT DISTINCT w.user_id FROM (" WAITING(" <> ALL ($3)") ") w) f",
	.nargs = 4,
	.types = {WAITING_TYPES},
};
/* A claim that lapsed and was acknowledged after all stays acknowledged. Days are those of UTC:
 * a claim is as long in every session's time zone. */
static KeptPlan write_claims = {
	.sql = "WITH picked AS MATERIALIZED (" WAITING(
		" = ANY ($3)") ")"
					   " INSERT INTO coursebase.event_claims AS c"
					   "  (consumer, xid, event_id, user_id, claimed_until)"
					   " SELECT $1, p.xid, p.id, p.user_id,"
					   "  (($2 AT TIME ZONE 'UTC') + $5) AT TIME ZONE 'UTC'"
					   " FROM picked p ORDER BY p.id"
					   " ON CONFLICT (consumer, event_id) DO UPDATE SET"
					   "  claimed_until = excluded.claimed_until, attempts = c.attempts + 1"
					   " WHERE c.claimed_until IS NOT NULL"
					   " RETURNING c.event_id",
	.nargs = 5,
	.types = {WAITING_TYPES, INTERVALOID},
};
static KeptPlan read_taken = {
	.sql = "SELECT e.id, e.at, e.kind::text, e.user_id, e.subject, e.source, e.until,"
		   "  c.attempts"
		   " FROM coursebase.event_claims c JOIN coursebase.access_events e"
		   "  ON e.xid = c.xid AND e.id = c.event_id"
		   " WHERE c.consumer = $1 AND c.event_id = ANY ($2) ORDER BY e.xid, e.id",
	.nargs = 2,
	.types = {TEXTOID, INT8ARRAYOID},
};

/*
 * Locks in the order of event_id before it writes, so that two sessions that acknowledge
 * overlapping lists wait in turn. An id that is not claimed is passed over: acknowledging twice
 * is no error, and counts nothing.
 */
static KeptPlan write_acknowledged = {
	.sql = "WITH held AS MATERIALIZED (SELECT c.event_id"
		   "  FROM coursebase.event_claims c WHERE c.consumer = $1"
		   "  AND c.event_id = ANY ($2) AND c.claimed_until IS NOT NULL"
		   "  ORDER BY c.event_id FOR NO KEY UPDATE)"
		   " UPDATE coursebase.event_claims c SET claimed_until = NULL WHERE c.consumer = $1"
		   " AND c.event_id = ANY (ARRAY(SELECT h.event_id FROM held h))",
	.nargs = 2,
	.types = {TEXTOID, INT8ARRAYOID},
};
/*
 * SKIP LOCKED: if another session is moving the place, this one leaves it. What this session
 * acknowledged is passed when the place moves next.
 */
static KeptPlan lock_place = {
	.sql = "SELECT n.done_xid, n.done_id FROM coursebase.event_consumers n WHERE n.name = $1"
		   " FOR NO KEY UPDATE SKIP LOCKED",
	.nargs = 1,
	.types = {TEXTOID},
};

/* The place ($2, $3) moves up to the first event that may be given and was not taken. */
static KeptPlan find_stop = {
	.sql = "SELECT e.xid, e.id FROM coursebase.access_events e WHERE (e.xid, e.id) > ($2, $3)"
		   " AND NOT (" BELOW_OPEN " AND (EXISTS (SELECT FROM coursebase.event_claims d"
		   "   WHERE d.consumer = $1 AND d.event_id = e.id)"
		   "  OR EXISTS (SELECT FROM coursebase.event_claims h WHERE h.consumer = $1"
		   "   AND h.user_id = e.user_id AND h.claimed_until IS NOT NULL)))"
		   " ORDER BY e.xid, e.id LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, XID8OID, INT8OID},
};
/*
 * Events that the place would pass although nobody took them, because an earlier event of their
 * person is still held: these get rows that wait. ($4, $5) is where the place stops.
 */
#define PASSED                                                                                 \
	" FROM coursebase.access_events e WHERE (e.xid, e.id) > ($2, $3)"                          \
	" AND (e.xid, e.id) < ($4, $5) AND " BELOW_OPEN UNTAKEN
#define PASSED_TYPES TEXTOID, XID8OID, INT8OID, XID8OID, INT8OID

static KeptPlan lock_passed = {
	.sql = "SELECT f.user_id, " TRY_LOCK " FROM (SELECT DISTINCT e.user_id" PASSED ") f",
	.nargs = 5,
	.types = {PASSED_TYPES},
};
static KeptPlan find_taken_elsewhere = {
	.sql = "SELECT e.xid, e.id" PASSED " AND e.user_id = ANY ($6)"
		   " ORDER BY e.xid, e.id LIMIT 1",
	.nargs = 6,
	.types = {PASSED_TYPES, UUIDARRAYOID},
};
static KeptPlan write_waiting = {
	.sql = "INSERT INTO coursebase.event_claims"
		   "  (consumer, xid, event_id, user_id, claimed_until, attempts)"
		   " SELECT $1, e.xid, e.id, e.user_id, '-infinity', 0" PASSED
		   " ON CONFLICT (consumer, event_id) DO NOTHING",
	.nargs = 5,
	.types = {PASSED_TYPES},
};
/* Asked anew, because transactions have committed since the stop was found: the place moves
 * past no event that nobody has, and to none before which one can still appear. */
static KeptPlan write_place = {
	.sql = "UPDATE coursebase.event_consumers n SET done_xid = p.xid, done_id = p.id"
		   " FROM (SELECT o.xid, o.id FROM coursebase.access_events o"
		   "  WHERE (o.xid, o.id) > ($2, $3) AND (o.xid, o.id) < ($4, $5)"
		   "  AND o.xid < pg_snapshot_xmin(pg_current_snapshot())"
		   "  AND NOT EXISTS (SELECT FROM"
		   "   (SELECT e.xid, e.id" PASSED " ORDER BY e.xid, e.id LIMIT 1) u"
		   "   WHERE (u.xid, u.id) <= (o.xid, o.id))"
		   "  ORDER BY o.xid DESC, o.id DESC LIMIT 1) p WHERE n.name = $1",
	.nargs = 5,
	.types = {PASSED_TYPES},
};
/*
 * SKIP LOCKED in the inner query, so that the DELETE waits for nobody: what another session
 * holds is deleted next time.
 */
static KeptPlan delete_done = {
	.sql = "DELETE FROM coursebase.event_claims c WHERE c.ctid = ANY (ARRAY(SELECT d.ctid"
		   "  FROM coursebase.event_claims d JOIN coursebase.event_consumers n"
		   "   ON n.name = d.consumer AND (d.xid, d.event_id) <= (n.done_xid, n.done_id)"
		   "  WHERE d.consumer = $1 AND d.claimed_until IS NULL FOR UPDATE OF d SKIP LOCKED))",
	.nargs = 1,
	.types = {TEXTOID},
};

/*
 * An xid that is yet to come is that of another server: a dump brought it, or a subscription.
 * $1 is the first xid that no transaction here had completed when this was asked, $2 that of
 * this transaction, NULL if it had none: its own events are of here although their xid is not
 * below $1. Both are asked for once, because writing gives the transaction an xid, which may be
 * that of an event of the other server. Of a place of the other server, what was told here
 * since lies behind it by its id, whatever its xid: the dump brought the sequence along.
 */
static KeptPlan lock_events = {
	.sql = "LOCK TABLE coursebase.access_events IN SHARE ROW EXCLUSIVE MODE",
};

#define IS_FOREIGN(xid) xid " >= $1 AND " xid " IS DISTINCT FROM $2"

static KeptPlan find_foreign = {
	.sql = "SELECT pg_snapshot_xmax(s.now), pg_current_xact_id_if_assigned()"
		   " FROM (SELECT pg_current_snapshot()) AS s (now)"
		   " WHERE EXISTS (SELECT FROM coursebase.access_events e"
		   "   WHERE e.xid >= pg_snapshot_xmax(s.now)"
		   "   AND e.xid IS DISTINCT FROM pg_current_xact_id_if_assigned())"
		   "  OR EXISTS (SELECT FROM coursebase.event_consumers n"
		   "   WHERE n.done_xid >= pg_snapshot_xmax(s.now))",
};
static KeptPlan adopt_foreign[] = {
	{.sql = "SELECT FROM coursebase.event_consumers n ORDER BY n.name FOR NO KEY UPDATE"},
	{.sql = "INSERT INTO coursebase.event_claims"
			"  (consumer, xid, event_id, user_id, claimed_until)"
			" SELECT n.name, e.xid, e.id, e.user_id, NULL"
			" FROM coursebase.event_consumers n JOIN coursebase.access_events e"
			"  ON (e.xid, e.id) <= (n.done_xid, n.done_id)"
			"  AND (n.done_xid < $1 OR " IS_FOREIGN(
				"e.xid") " OR e.id <= n.done_id)"
						 " ON CONFLICT (consumer, event_id) DO NOTHING",
	 .nargs = 2,
	 .types = {XID8OID, XID8OID}},
	{.sql = "UPDATE coursebase.event_claims c SET xid = '0' WHERE " IS_FOREIGN("c.xid"),
	 .nargs = 2,
	 .types = {XID8OID, XID8OID}},
	{.sql = "UPDATE coursebase.access_events e SET xid = '0' WHERE " IS_FOREIGN("e.xid"),
	 .nargs = 2,
	 .types = {XID8OID, XID8OID}},
	{.sql = "UPDATE coursebase.event_consumers SET done_xid = '0', done_id = 0"},
};

/* One call of take_events(). */
typedef struct Take
{
	Datum consumer;
	Datum at;
	Datum claim;
	int32 room;             /* how many more events may be given */
	ArrayBuildState *tried; /* people, whether or not they were free */
	ArrayBuildState *ids;   /* events that are claimed */
} Take;

static void consumer_require(FunctionCallInfo fcinfo, int argument);
static void take_read(Take *take, FunctionCallInfo fcinfo);
static void consumer_make(Take *take);
static void order_mend(void);
static ArrayBuildState *people_lock(Take *take);
static void events_claim(Take *take, ArrayBuildState *people);
static void taken_return(Take *take, FunctionCallInfo fcinfo);
static void place_move(Datum consumer);
static bool passed_lock(Datum *values, Datum *elsewhere);
static Place place_found(uint64 row);
static void waiting_bind(PlanValues *values, const Take *take);
static Datum list_datum(ArrayBuildState *list, Oid element);

PG_FUNCTION_INFO_V1(coursebase_take_events);
PG_FUNCTION_INFO_V1(coursebase_acknowledge_events);

/*
 * SQL function: take_events(consumer text, batch integer, claim interval, taken_at timestamptz)
 * returns table (id bigint, at timestamptz, kind text, user_id uuid, subject text, source text,
 * until timestamptz, attempt integer)
 */
PGDLLEXPORT Datum
coursebase_take_events(PG_FUNCTION_ARGS)
{
	ArrayBuildState *people;
	Take take;

	take_read(&take, fcinfo);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	order_mend();
	consumer_make(&take);
	/*
	 * a round that finds people but no free one tries the next people; tried ones are left out,
	 * so that the loop ends
	 */
	while (take.room > 0 && (people = people_lock(&take)) != NULL)
		events_claim(&take, people);
	taken_return(&take, fcinfo);
	SPI_finish();
	return (Datum) 0;
}

/* SQL function: acknowledge_events(consumer text, ids bigint[]) returns bigint */
PGDLLEXPORT Datum
coursebase_acknowledge_events(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), (Datum) 0};
	int64 acknowledged;

	consumer_require(fcinfo, 0);
	values[1] = PointerGetDatum(args_array(fcinfo, 1));
	schema_require_current();
	SPI_connect();
	acknowledged = (int64) owner_execute_latest(&write_acknowledged, values, NULL);
	if (acknowledged > 0)
		place_move(values[0]);
	SPI_finish();
	PG_RETURN_INT64(acknowledged);
}

static void
consumer_require(FunctionCallInfo fcinfo, int argument)
{
	char *name;
	int length;

	args_require(fcinfo, argument);
	name = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	length = pg_mbstrlen(name);
	if (length < 1 || length > CONSUMER_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("consumer must have 1 to %d characters", CONSUMER_MAX),
						errdetail("It has %d.", length),
						errhint("Give the program that takes events a name of its own.")));
}

static void
take_read(Take *take, FunctionCallInfo fcinfo)
{
	args_require_all(fcinfo);
	consumer_require(fcinfo, TAKE_CONSUMER);
	memset(take, 0, sizeof(*take));
	take->consumer = PG_GETARG_DATUM(TAKE_CONSUMER);
	take->room = PG_GETARG_INT32(TAKE_BATCH);
	take->claim = PG_GETARG_DATUM(TAKE_CLAIM);
	take->at = TimestampTzGetDatum(args_time(fcinfo, TAKE_AT));
	/* in this context: makeArrayResult() frees a context of the list's own, and people are
	 * added to the list after it was read as an array */
	take->tried = initArrayResult(UUIDOID, CurrentMemoryContext, false);
	if (take->room < 1 || take->room > BATCH_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("batch must be from 1 to %d", BATCH_MAX),
						errdetail("It is %d.", take->room), errhint("Call again for more.")));
}

/* The first call of a consumer makes its row. */
static void
consumer_make(Take *take)
{
	if (owner_execute_latest(&find_consumer, &take->consumer, NULL) == 0)
	{
		owner_execute_latest(&write_consumer, &take->consumer, NULL);
		if (owner_execute_latest(&find_consumer, &take->consumer, NULL) == 0)
			row_kept_raise("event_consumers", "the consumer was not recorded");
	}
}

/*
 * Gives events of another server's order a place before all others, where their ids order
 * them. What a consumer has done up to its place becomes a claim that was acknowledged, for
 * each event, and the consumer begins anew: what was done stays done, and what was told here
 * since is passed by nowhere.
 */
static void
order_mend(void)
{
	Datum values[2];
	bool null;
	char nulls[] = "  ";

	if (owner_execute_latest(&find_foreign, NULL, NULL) == 0)
		return;
	/*
	 * whoever writes an event waits now: an event that was written meanwhile would have an xid
	 * above $1 as well, and be taken for one of the other server. Then the question is asked
	 * again, for another session may have mended the order while this one waited
	 */
	owner_execute_latest(&lock_events, NULL, NULL);
	if (owner_execute_latest(&find_foreign, NULL, NULL) == 0)
		return;
	values[0] = plan_value_as(0, 1, XID8OID, NULL);
	values[1] = plan_value_as(0, 2, XID8OID, &null);
	if (null)
		nulls[1] = 'n';
	for (int i = 0; i < lengthof(adopt_foreign); i++)
		if (adopt_foreign[i].nargs > 0)
			owner_execute_latest(&adopt_foreign[i], values, nulls);
		else
			owner_execute_latest(&adopt_foreign[i], NULL, NULL);
}

/* Those of the next people whom no other session has; NULL when nothing is left to take. */
static ArrayBuildState *
people_lock(Take *take)
{
	ArrayBuildState *people = initArrayResult(UUIDOID, CurrentMemoryContext, false);
	PlanValues values = {0};
	uint64 found;

	waiting_bind(&values, take);
	plan_bind(&values, list_datum(take->tried, UUIDOID));
	plan_bind_int64(&values, take->room);
	found = owner_execute_latest(&lock_people, values.datums, values.nulls);
	for (uint64 row = 0; row < found; row++)
	{
		Datum person = plan_value_as(row, 1, UUIDOID, NULL);

		accumArrayResult(take->tried, person, false, UUIDOID, CurrentMemoryContext);
		if (plan_bool(row, 2))
			accumArrayResult(people, person, false, UUIDOID, CurrentMemoryContext);
	}
	return found > 0 ? people : NULL;
}

/* Claims, for the people whose advisory locks this transaction has, their next events. */
static void
events_claim(Take *take, ArrayBuildState *people)
{
	PlanValues values = {0};
	uint64 claimed;

	if (people->nelems == 0)
		return;
	waiting_bind(&values, take);
	plan_bind(&values, list_datum(people, UUIDOID));
	plan_bind_int64(&values, take->room);
	plan_bind(&values, take->claim);
	/*
	 * a new snapshot, taken after the locks: it shows what the former holder of a lock has
	 * committed
	 */
	claimed = owner_execute_latest(&write_claims, values.datums, values.nulls);
	for (uint64 row = 0; row < claimed; row++)
		take->ids = accumArrayResult(take->ids, plan_value_as(row, 1, INT8OID, NULL), false,
									 INT8OID, CurrentMemoryContext);
	take->room -= (int32) claimed;
}

/* Reads the claimed events in their order: the claims were made person by person. */
static void
taken_return(Take *take, FunctionCallInfo fcinfo)
{
	Datum keys[] = {take->consumer, (Datum) 0};

	if (take->ids == NULL)
		return;
	keys[1] = list_datum(take->ids, INT8OID);
	plan_rows_return(fcinfo, owner_execute_latest(&read_taken, keys, NULL));
}

/*
 * Moves the consumer's place as far as it goes, and forgets what it passes that was
 * acknowledged. Events of people who are held back by an earlier one get rows that wait; where
 * another session has such a person, the place stops.
 */
static void
place_move(Datum consumer)
{
	Datum values[6] = {consumer};
	Place place;
	Datum elsewhere;

	if (owner_execute_latest(&lock_place, &consumer, NULL) == 0)
		return;
	place = place_found(0);
	values[1] = place.xid;
	values[2] = place.id;
	place = (Place){FullTransactionIdGetDatum(FullTransactionIdFromU64(PG_UINT64_MAX)),
					Int64GetDatum(PG_INT64_MAX)};
	/* without a stop the place may go to the end of all that can be given */
	if (owner_execute_latest(&find_stop, values, NULL) > 0)
		place = place_found(0);
	values[3] = place.xid;
	values[4] = place.id;
	/*
	 * the rows that wait may be written only while nobody else takes the events of these
	 * people; where somebody has one, the place stops before that person's first event
	 */
	if (passed_lock(values, &elsewhere))
	{
		values[5] = elsewhere;
		if (owner_execute_latest(&find_taken_elsewhere, values, NULL) > 0)
		{
			place = place_found(0);
			values[3] = place.xid;
			values[4] = place.id;
		}
		owner_execute_latest(&write_waiting, values, NULL);
	}
	owner_execute_latest(&write_place, values, NULL);
	owner_execute_latest(&delete_done, &consumer, NULL);
}

/* Whether the place passes events that were not taken; of which people, as an array, another
 * session has some. */
static bool
passed_lock(Datum *values, Datum *elsewhere)
{
	ArrayBuildState *people = NULL;
	uint64 found = owner_execute_latest(&lock_passed, values, NULL);

	for (uint64 row = 0; row < found; row++)
		if (!plan_bool(row, 2))
			people = accumArrayResult(people, plan_value_as(row, 1, UUIDOID, NULL), false,
									  UUIDOID, CurrentMemoryContext);
	*elsewhere = list_datum(people, UUIDOID);
	return found > 0;
}

/*
 * Where xid8 is passed by reference the datum points into SPI's memory: it is good until
 * SPI_finish().
 */
static Place
place_found(uint64 row)
{
	return (Place){plan_value_as(row, 1, XID8OID, NULL), plan_value_as(row, 2, INT8OID, NULL)};
}

static void
waiting_bind(PlanValues *values, const Take *take)
{
	plan_bind(values, take->consumer);
	plan_bind(values, take->at);
}

/* The list as an array, empty for NULL. A list with a memory context of its own is freed by it.
 */
static Datum
list_datum(ArrayBuildState *list, Oid element)
{
	return list == NULL ? PointerGetDatum(construct_empty_array(element))
						: makeArrayResult(list, CurrentMemoryContext);
}
