/*
 * handshake.c: the call with which a phone begins: the database keeps what the phone reports,
 * and the phone learns which documents it lacks.
 *
 * A handshake is request → state (cached or computed) → record of what the phone reported →
 * answer. The answer is made from request and state alone.
 *
 * Rights: only a server may call the function (EXECUTE is granted to nobody else), for any
 * user; statements run with the rights of the tables' owner. In a read-only transaction, also
 * on a standby, nothing is written; the answer is the same, but for saying so where the phone
 * reported something new, which it then reports again.
 *
 * A statement may call it again and again, and change things in between: what the transaction
 * has written is seen, also by the very statement that calls.
 *
 * Most calls bring nothing new and find a cached state: direct reads alone answer these. Only a
 * call that needs a statement pays for SPI and for a search_path of its own, which is why the
 * function carries no SET.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"

#include "core/args.h"
#include "core/owner.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "sync/answer.h"
#include "sync/cache.h"
#include "sync/discounts.h"
#include "sync/record.h"
#include "sync/request.h"
#include "sync/state.h"

/*
 * Between begin and end: SPI, the rights of the tables' owner, a search_path that no caller
 * chose, and plans that use indexes, because a session keeps its plans, and a plan that was
 * made while a table was small would scan it for ever.
 */
typedef struct Statements
{
	int settings_level;
	OwnerRights rights;
} Statements;

static bool snapshot_renew(void);
static bool answer_directly(StringInfo answer, const HandshakeRequest *request,
							const pg_uuid_t *user, TimestampTz at);
static void answer_by_statements(StringInfo answer, const HandshakeRequest *request,
								 const pg_uuid_t *user, TimestampTz at);
static bool state_load(HandshakeState *state, const HandshakeRequest *request,
					   const pg_uuid_t *user, TimestampTz at);
static Statements statements_begin(void);
static void statements_end(Statements statements);

PG_FUNCTION_INFO_V1(coursebase_handshake);

/* SQL function: handshake(user_id uuid, request json, at timestamptz) returns json */
PGDLLEXPORT Datum
coursebase_handshake(PG_FUNCTION_ARGS)
{
	pg_uuid_t user = *PG_GETARG_UUID_P(0);
	text *sent = PG_GETARG_TEXT_PP(1);
	TimestampTz at = args_time(fcinfo, 2);
	HandshakeRequest request;
	StringInfoData answer;
	bool renewed;

	schema_require_current();
	handshake_request_parse(&request, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	initStringInfo(&answer);
	appendStringInfoSpaces(&answer, VARHDRSZ);
	renewed = snapshot_renew();
	/* a phone may still have the id of an account that was merged */
	identity_follow(&user);
	if (!answer_directly(&answer, &request, &user, at))
		answer_by_statements(&answer, &request, &user, at);
	if (renewed)
		PopActiveSnapshot();
	SET_VARSIZE(answer.data, answer.len);
	PG_RETURN_TEXT_P((text *) answer.data);
}

/*
 * The snapshot of the statement that calls does not see what an earlier call in it has kept:
 * what the phone reports next would be taken for known. False where the transaction has written
 * nothing.
 */
static bool
snapshot_renew(void)
{
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

/* Answers without a statement; false, and nothing written, if one is needed after all. */
static bool
answer_directly(StringInfo answer, const HandshakeRequest *request, const pg_uuid_t *user,
				TimestampTz at)
{
	HandshakeState state;
	bool kept;

	if (request->npurchases > 0 || !handshake_cache_read(&state, request, user, at))
		return false;
	if (!handshake_is_current(request, state.digest) &&
		(!handshake_state_expand(&state) || !handshake_keeps_all(request, &state)))
		return false;
	kept = handshake_is_recorded(request, user, at);
	if (!kept && !XactReadOnly)
		return false;
	handshake_answer_write(answer, request, &state, user, kept);
	return true;
}

/*
 * The state comes first: if it was computed with a newer snapshot, that snapshot then also says
 * what is recorded already. kept tells the phone that it may forget what it reported.
 */
static void
answer_by_statements(StringInfo answer, const HandshakeRequest *request, const pg_uuid_t *user,
					 TimestampTz at)
{
	Statements statements = statements_begin();
	HandshakeState state;
	bool newer;
	bool kept;

	/* it writes without a lock of the person, who may be locked by the transaction's next call
	 */
	anchor_go_back();
	newer = state_load(&state, request, user, at);
	kept = handshake_is_recorded(request, user, at);
	if (!kept && !XactReadOnly)
	{
		handshake_record(request, user, at);
		kept = true;
	}
	handshake_answer_write(answer, request, &state, user, kept);
	if (newer)
		PopActiveSnapshot();
	statements_end(statements);
}

/* Finds the state in the cache or computes it. True if it was computed with a newer snapshot,
 * which is the active one now: no older snapshot need see the documents of the state. */
static bool
state_load(HandshakeState *state, const HandshakeRequest *request, const pg_uuid_t *user,
		   TimestampTz at)
{
	HandshakeVersions versions;
	Assignment assignment = ASSIGNMENT_NONE;
	/* what the assignment writes is none of the catalogue's */
	bool has_written = TransactionIdIsValid(GetTopTransactionIdIfAny());

	if (handshake_cache_read(state, request, user, at) &&
		(handshake_is_current(request, state->digest) || handshake_state_expand(state)))
		return false;
	/* only a newer snapshot sees what was assigned just now, and the version that this moved */
	if (!XactReadOnly)
		assignment = handshake_discounts_assign(user, at);
	if (assignment == ASSIGNMENT_MADE)
	{
		CommandCounterIncrement();
		PushCopiedSnapshot(GetTransactionSnapshot());
		UpdateActiveSnapshotCommandId();
	}
	handshake_state_compute(state, &versions, user, at, has_written);
	/* a cached state would hide from the next handshake that something is due */
	if (assignment != ASSIGNMENT_LATER)
		handshake_cache_write(state, &versions, user);
	return assignment == ASSIGNMENT_MADE;
}

/*
 * What a function with SET in its definition would have; see the head of the file for why it is
 * done here. After an error the end of the (sub)transaction undoes it.
 */
static Statements
statements_begin(void)
{
	Statements statements;

	SPI_connect();
	statements.settings_level = session_settings_begin();
	session_setting_set("search_path", "pg_catalog, pg_temp");
	session_setting_set("enable_seqscan", "off");
	statements.rights = owner_enter();
	return statements;
}

/* In the opposite order of statements_begin(): the rights last taken go first. */
static void
statements_end(Statements statements)
{
	owner_leave(statements.rights);
	session_settings_end(statements.settings_level);
	SPI_finish();
}
