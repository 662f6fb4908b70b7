/*
 * handshake.c: the call with which a phone begins: what it reports is kept, and it learns which
 * documents it lacks.
 *
 * Only a server may call it (EXECUTE is granted to nobody else), for any user. It reads and
 * writes with the rights of the tables' owner. In a read-only transaction, a hot standby's
 * included, it answers the same and writes nothing.
 *
 * Most calls bring nothing new and find a cached state: these are answered by direct reads
 * alone. Only what needs a statement pays for SPI and for a search_path of its own, which is
 * why the function carries none.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/owner.h"
#include "core/schema.h"
#include "sync/handshake.h"

/*
 * Between begin and end: SPI, the owner's rights, a search_path that nobody chose, and plans
 * that go by indexes: they are kept by the session and must not remember how small a table once
 * was.
 */
typedef struct Statements
{
	int settings_level;
	OwnerRights rights;
} Statements;

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
	const pg_uuid_t *user = PG_GETARG_UUID_P(0);
	text *sent = PG_GETARG_TEXT_PP(1);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(2);
	HandshakeRequest request;
	StringInfoData answer;

	schema_require_current();
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time of a handshake must be finite")));
	handshake_request_parse(&request, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	initStringInfo(&answer);
	appendStringInfoSpaces(&answer, VARHDRSZ);
	if (!answer_directly(&answer, &request, user, at))
		answer_by_statements(&answer, &request, user, at);
	SET_VARSIZE(answer.data, answer.len);
	PG_RETURN_TEXT_P((text *) answer.data);
}

bool
handshake_is_current(const HandshakeRequest *request, const HandshakeState *state)
{
	return request->digest.bytes != NULL && request->digest.size == strlen(state->digest) &&
		   memcmp(request->digest.bytes, state->digest, request->digest.size) == 0;
}

/* False, and nothing written, when a statement is needed after all. */
static bool
answer_directly(StringInfo answer, const HandshakeRequest *request, const pg_uuid_t *user,
				TimestampTz at)
{
	HandshakeState state;

	if (request->npurchases > 0 || !handshake_cache_read(&state, request, user, at))
		return false;
	if (!handshake_is_current(request, &state) &&
		(!handshake_state_expand(&state) || !handshake_keeps_all(request, &state)))
		return false;
	if (!XactReadOnly && !handshake_is_recorded(request, user, at))
		return false;
	handshake_answer_write(answer, request, &state, user);
	return true;
}

static void
answer_by_statements(StringInfo answer, const HandshakeRequest *request, const pg_uuid_t *user,
					 TimestampTz at)
{
	Statements statements = statements_begin();
	HandshakeState state;
	bool newer = state_load(&state, request, user, at);

	if (!XactReadOnly && !handshake_is_recorded(request, user, at))
		handshake_record(request, user, at);
	handshake_answer_write(answer, request, &state, user);
	if (newer)
		PopActiveSnapshot();
	statements_end(statements);
}

/* True when the state was computed with a newer snapshot, which is the active one now: the
 * documents of the state may be there in no older one. */
static bool
state_load(HandshakeState *state, const HandshakeRequest *request, const pg_uuid_t *user,
		   TimestampTz at)
{
	HandshakeVersions versions;
	bool assigned;

	if (handshake_cache_read(state, request, user, at) &&
		(handshake_is_current(request, state) || handshake_state_expand(state)))
		return false;
	/* what was assigned just now, and the version it moved, only a newer snapshot sees */
	assigned = !XactReadOnly && handshake_discounts_assign(user, at);
	if (assigned)
	{
		CommandCounterIncrement();
		PushCopiedSnapshot(GetTransactionSnapshot());
		UpdateActiveSnapshotCommandId();
	}
	handshake_state_compute(state, &versions, user, at);
	handshake_cache_write(state, &versions, user, at);
	return assigned;
}

/* As a function with SET runs; an error undoes all of it at the end of the (sub)transaction. */
static Statements
statements_begin(void)
{
	Statements statements;

	SPI_connect();
	statements.settings_level = NewGUCNestLevel();
	set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
					  GUC_ACTION_SAVE, true, 0, false);
	set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
					  true, 0, false);
	statements.rights = owner_enter();
	return statements;
}

static void
statements_end(Statements statements)
{
	owner_leave(statements.rights);
	AtEOXact_GUC(true, statements.settings_level);
	SPI_finish();
}
