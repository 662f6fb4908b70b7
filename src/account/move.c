/*
 * move.c: a person moves from one cell to another.
 *
 * Invariants: a person is served in one cell at most. take_person() takes all rows out of the
 * tables of the cell, in the transaction that keeps them as a document: whoever calls about the
 * person finds nobody, and is told so (cells/directory.h). Home decides once for each move
 * where the person lives then (move_person()); only there put_person() writes the rows, and
 * only for the latest move. The document stays until the other cell has answered its receipt,
 * so that after a crash between any two steps every step can be called again.
 *
 * Each move of a person has a greater number than the one before. The directory of a cell lags
 * behind home's, and never says that a person lives here who has been taken out since: what was
 * taken out stands in moving_people until the directory here has heard where to.
 *
 * Who brought or was brought by somebody of this cell moves alone: what is between the two is
 * from then on between two cells, as discounts/delivery.c has it.
 *
 * Rows of organisations stay on home, and the person as their guest (identity/guest.h), until
 * put_person() makes a person of the guest again. Whoever is a guest changes nothing there by
 * moving between two other cells.
 *
 * Locks: the notifications of the person, as the inbox locks them before people; the rows of
 * users, and of who is bound to the person by a referral, the lesser uuid first; then the
 * person's FOR UPDATE: a transaction that inserts a row about the person waits, or is waited
 * for; then the person's rows of the directory. put_person() and
 * release_person() begin with the directory.
 *
 * Rights: the server's alone; the statements run with those of the tables' owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "account/move_rows.h"
#include "cells/cell.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"

/* The person $1 and the accounts that were merged. */
#define PEOPLE                                                                                 \
	"SELECT u.id FROM coursebase.users u"                                                      \
	" WHERE NOT u.is_guest"                                                                    \
	"  AND (u.id = $1 AND u.merged_into IS NULL OR u.merged_into = $1)"

static KeptPlan lock_inbox = {
	.sql = "SELECT FROM coursebase.store_notifications n WHERE n.user_id IN (" PEOPLE ")"
		   " ORDER BY n.id FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The person's, and of those who brought or were brought by one of them. Calls about one of two
 * such people wait here before they need the other one. */
static KeptPlan lock_related = {
	.sql = "WITH locked AS (SELECT u.id FROM coursebase.users u WHERE u.id IN (" PEOPLE
		   " UNION SELECT p.user_id FROM coursebase.user_profile p"
		   "  WHERE p.referred_by IN (" PEOPLE ")"
		   " UNION SELECT p.referred_by FROM coursebase.user_profile p"
		   "  WHERE p.user_id IN (" PEOPLE ")) ORDER BY u.id FOR NO KEY UPDATE)"
		   " SELECT coalesce(array_agg(l.id), '{}') FROM locked l",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_users = {
	.sql = PEOPLE " ORDER BY u.id FOR UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan list_people = {
	.sql = "SELECT coalesce(array_agg(u.id ORDER BY u.id), '{}') FROM (" PEOPLE ") u",
	.nargs = 1,
	.types = {UUIDOID},
};
/* How many of the accounts $1 the directory has, and the number of the last move; in which
 * cell, if it is one. */
static KeptPlan lock_directory = {
	.sql = "WITH locked AS (SELECT p.cell, p.moves FROM coursebase.people p"
		   "  WHERE p.user_id = ANY ($1) ORDER BY p.user_id FOR NO KEY UPDATE)"
		   " SELECT count(*)::integer, coalesce(max(l.moves), 0), coalesce(min(l.moves), 0),"
		   "  coalesce(min(l.cell), -1) FROM locked l",
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
/* The columns of lock_directory. */
enum
{
	DIRECTORY_COUNT = 1,
	DIRECTORY_MOVES,
	DIRECTORY_LEAST_MOVES,
	DIRECTORY_CELL,
};

static KeptPlan find_leaving = {
	.sql = "SELECT v.move, v.document FROM coursebase.moving_people v WHERE v.user_id = $1"
		   " FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_leaving = {
	.sql = "INSERT INTO coursebase.moving_people (user_id, person_id, move, document)"
		   " SELECT u, $1, $3, CASE u WHEN $1 THEN $4 END FROM unnest($2) u",
	.nargs = 4,
	.types = {UUIDOID, UUIDARRAYOID, INT4OID, TEXTOID},
};
static KeptPlan delete_leaving = {
	.sql = "DELETE FROM coursebase.moving_people WHERE person_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* What an earlier move of one of the accounts left: each was a person before it was merged. */
static KeptPlan delete_arrived = {
	.sql = "DELETE FROM coursebase.moving_people WHERE person_id = ANY ($1)",
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
static KeptPlan write_document = {
	.sql = "SELECT concat('{\"user_id\": ', to_json($1), E',\\n \"people\": ', to_json($2),"
		   " E',\\n \"from\": ', $3, E',\\n \"move\": ', $4,"
		   " E',\\n \"product_courses\": ', $5, E',\\n \"tables\": ', $6, '}')",
	.nargs = 6,
	.types = {UUIDOID, UUIDARRAYOID, INT4OID, INT4OID, TEXTOID, TEXTOID},
};
/* The person is one of the accounts, or nobody. */
static KeptPlan read_document = {
	.sql = "SELECT (SELECT p::uuid FROM json_array_elements_text($1 -> 'people') p"
		   "  WHERE p = $1 ->> 'user_id' LIMIT 1), ARRAY(SELECT p::uuid"
		   "  FROM json_array_elements_text($1 -> 'people') p), ($1 ->> 'move')::bigint",
	.nargs = 1,
	.types = {JSONOID},
};
static KeptPlan make_receipt = {
	.sql = "SELECT encode(sha256(convert_to($1::jsonb::text, getdatabaseencoding())), 'hex')",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan find_user = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = $1 AND NOT u.is_guest",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A document that was read; its people live until SPI_finish(). */
typedef struct Move
{
	pg_uuid_t user;
	Datum people; /* uuid[] */
	int32 number;
} Move;

static void mover_require(const char *call, Cell *here);
static char *person_take(const pg_uuid_t *user, const Cell *here);
static Datum people_lock(const pg_uuid_t *user, Datum *related);
static int32 move_number(const pg_uuid_t *user, Datum people, const Cell *here);
static int accounts_count(Datum people);
static char *document_make(const pg_uuid_t *user, Datum people, const Cell *here, int32 number);
static Move document_read(Datum document);
static void arrival_require(const Move *move, const Cell *here);
static bool leaving_find(const pg_uuid_t *user, int32 *number, char **document);
static char *receipt_of(Datum document);
pg_noreturn static void raise_not_yet(const pg_uuid_t *user, const char *hint);

PG_FUNCTION_INFO_V1(coursebase_take_person);
PG_FUNCTION_INFO_V1(coursebase_put_person);
PG_FUNCTION_INFO_V1(coursebase_release_person);

/* SQL function: take_person(user_id uuid) returns json */
PGDLLEXPORT Datum
coursebase_take_person(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	const pg_uuid_t *user;
	OwnerRights rights;
	char *document;
	Datum answer;
	Cell here;

	schema_require_current();
	args_require_all(fcinfo);
	user = PG_GETARG_UUID_P(0);
	mover_require("take_person()", &here);
	SPI_connect();
	rights = owner_enter();
	document = person_take(user, &here);
	owner_leave(rights);
	MemoryContextSwitchTo(caller);
	answer = CStringGetTextDatum(document);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}

/*
 * SQL function: put_person(document json) returns text
 *
 * A person who is here already came by this move: arrival_require() lets no other one pass.
 */
PGDLLEXPORT Datum
coursebase_put_person(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum document;
	Datum answer;
	OwnerRights rights;
	Datum user;
	Move move;
	char *receipt;
	Cell here;

	schema_require_current();
	args_require_all(fcinfo);
	document = PG_GETARG_DATUM(0);
	mover_require("put_person()", &here);
	SPI_connect();
	rights = owner_enter();
	move = document_read(document);
	arrival_require(&move, &here);
	user = UUIDPGetDatum(&move.user);
	if (plan_execute_latest(&find_user, &user, NULL) == 0)
	{
		move_rows_write(document, move.people, &move.user);
		plan_execute_latest(&delete_arrived, &move.people, NULL);
	}
	receipt = receipt_of(document);
	owner_leave(rights);
	MemoryContextSwitchTo(caller);
	answer = CStringGetTextDatum(receipt);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}

/* SQL function: release_person(moved_user uuid, receipt text) returns boolean */
PGDLLEXPORT Datum
coursebase_release_person(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *user;
	Datum key;
	OwnerRights rights;
	Residence residence;
	char *document;
	int32 number;
	Cell here;
	bool found;

	schema_require_current();
	args_require_all(fcinfo);
	user = PG_GETARG_UUID_P(0);
	key = UUIDPGetDatum(user);
	mover_require("release_person()", &here);
	SPI_connect();
	rights = owner_enter();
	found = leaving_find(user, &number, &document);
	if (found)
	{
		if (!directory_find(user, &residence) || residence.moves < number ||
			residence.cell == here.number)
			raise_not_yet(user, "Call coursebase.move_person() on home, then try again here.");
		if (strcmp(receipt_of(CStringGetTextDatum(document)),
				   text_to_cstring(PG_GETARG_TEXT_PP(1))) != 0)
			ereport(ERROR, (errcode(ERRCODE_CB_MOVE_REFUSED),
							errmsg("the receipt is of another document"),
							errdetail("The rows of user %s stand nowhere else yet, as far as "
									  "this cell knows.",
									  uuid_text(user)),
							errhint("Give what coursebase.put_person() answered to the "
									"document of coursebase.take_person().")));
		plan_execute_latest(&delete_leaving, &key, NULL);
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_BOOL(found);
}

/* Raises 55000 for the only server, and 25001 at an isolation level at which a statement does
 * not see what was committed while it waited. */
static void
mover_require(const char *call, Cell *here)
{
	if (!cell_here(here))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s needs cells", call),
						errdetail("This server is the only one: nobody can move."),
						errhint("Call coursebase.set_cell() first.")));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("%s runs at READ COMMITTED only", call),
						errhint("Begin the transaction at READ COMMITTED.")));
}

/* A person who has left already is answered as before. */
static char *
person_take(const pg_uuid_t *user, const Cell *here)
{
	PlanValues values = {0};
	Datum people;
	Datum related;
	char *document;
	int32 number;

	if (leaving_find(user, &number, &document))
		return document;
	people = people_lock(user, &related);
	/* the call that was waited for may have taken the person */
	if (leaving_find(user, &number, &document))
		return document;
	if (people == (Datum) 0)
		anchor_raise_missing(user);
	number = move_number(user, people, here);
	move_rows_untie(people, related);
	move_rows_require_free(people);
	document = document_make(user, people, here, number);
	move_rows_delete(people);
	plan_bind_uuid(&values, user);
	plan_bind(&values, people);
	plan_bind_int32(&values, number);
	plan_bind_text(&values, document);
	plan_execute_latest(&write_leaving, values.datums, values.nulls);
	return document;
}

/* Locks them, and answers them as a uuid[]; 0 where there is no such person. *related: they and
 * who is bound to them by a referral, who are locked too. Until SPI_finish(). */
static Datum
people_lock(const pg_uuid_t *user, Datum *related)
{
	Datum key = UUIDPGetDatum(user);

	plan_execute_latest(&lock_inbox, &key, NULL);
	plan_execute_latest(&lock_related, &key, NULL);
	*related = plan_value_as(0, 1, UUIDARRAYOID, NULL);
	if (plan_execute_latest(&lock_users, &key, NULL) == 0)
		return (Datum) 0;
	plan_execute_latest(&list_people, &key, NULL);
	return plan_value_as(0, 1, UUIDARRAYOID, NULL);
}

/* The next move's. Raises KBC05 unless the directory has all accounts here. */
static int32
move_number(const pg_uuid_t *user, Datum people, const Cell *here)
{
	plan_execute_latest(&lock_directory, &people, NULL);
	if (plan_int32(0, DIRECTORY_COUNT) != accounts_count(people) ||
		plan_int32(0, DIRECTORY_CELL) != here->number)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_PLACED),
						errmsg("the directory does not have the person in this cell yet"),
						errdetail("User %s, or an account that was merged, is not in its rows "
								  "of cell %d.",
								  uuid_text(user), here->number),
						errhint("Call coursebase.place_person() on home, then try again.")));
	return plan_int32(0, DIRECTORY_MOVES) + 1;
}

static int
accounts_count(Datum people)
{
	return ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(people)),
						  ARR_DIMS(DatumGetArrayTypeP(people)));
}

static char *
document_make(const pg_uuid_t *user, Datum people, const Cell *here, int32 number)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind(&values, people);
	plan_bind_int32(&values, here->number);
	plan_bind_int32(&values, number);
	plan_bind_text(&values, move_rows_product_courses(people));
	plan_bind_text(&values, move_rows_read(people));
	plan_execute_latest(&write_document, values.datums, values.nulls);
	return TextDatumGetCString(plan_value_as(0, 1, TEXTOID, NULL));
}

static Move
document_read(Datum document)
{
	Move move;
	bool without;

	plan_execute_latest(&read_document, &document, NULL);
	without = !plan_uuid_or_null(0, 1, &move.user);
	move.people = plan_value_as(0, 2, UUIDARRAYOID, NULL);
	move.number = (int32) plan_int64_or(0, 3, 0);
	if (without || move.number <= 0)
		ereport(ERROR, (errcode(ERRCODE_CB_MOVE_REFUSED),
						errmsg("the document is not of a person who moves"),
						errhint("Give what coursebase.take_person() answered.")));
	return move;
}

/*
 * Raises KBC01 where home decided for another cell, KBC21 before this cell has heard of the
 * decision, and KBC22 for the document of an earlier move: the person has been elsewhere since.
 */
static void
arrival_require(const Move *move, const Cell *here)
{
	Residence residence = {.user = move->user};
	char *document;
	int32 leaving;
	int32 last;

	plan_execute_latest(&lock_directory, unconstify(Datum *, &move->people), NULL);
	last = plan_int32(0, DIRECTORY_MOVES);
	residence.cell = plan_int32(0, DIRECTORY_CELL);
	if (plan_int32(0, DIRECTORY_LEAST_MOVES) < move->number ||
		plan_int32(0, DIRECTORY_COUNT) != accounts_count(move->people))
		raise_not_yet(&move->user, "Call coursebase.move_person() on home, and try again when "
								   "its answer has come here.");
	if (last > move->number ||
		(leaving_find(&move->user, &leaving, &document) && leaving > move->number))
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_MOVE_REFUSED), errmsg("the document is of an earlier move"),
			 errdetail("It is of move %d of user %s.", move->number, uuid_text(&move->user)),
			 errhint("Give the document that coursebase.take_person() answers "
					 "now.")));
	if (residence.cell != here->number)
		directory_raise_elsewhere(here, &residence);
}

/* Locks the row; the document lives until SPI_finish(). */
static bool
leaving_find(const pg_uuid_t *user, int32 *number, char **document)
{
	Datum key = UUIDPGetDatum(user);
	Datum value;
	bool null;

	if (plan_execute_latest(&find_leaving, &key, NULL) == 0)
		return false;
	*number = plan_int32(0, 1);
	value = plan_value_as(0, 2, TEXTOID, &null);
	/* an account that was merged is not taken by itself */
	if (null)
		anchor_raise_missing(user);
	*document = TextDatumGetCString(value);
	return true;
}

/* Of the document as jsonb, so that a program may have read and written it. Until SPI_finish().
 */
static char *
receipt_of(Datum document)
{
	plan_execute_latest(&make_receipt, &document, NULL);
	return TextDatumGetCString(plan_value_as(0, 1, TEXTOID, NULL));
}

static void
raise_not_yet(const pg_uuid_t *user, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_MOVING),
			 errmsg("the directory does not say yet where the person lives after the move"),
			 errdetail("It is about user %s.", uuid_text(user)), errhint("%s", hint)));
}
