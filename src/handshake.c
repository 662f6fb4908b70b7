/*
 * handshake.c: the call with which a phone begins: what it reports is kept, and it learns which
 * documents it lacks.
 *
 * Only a server may call it (EXECUTE is granted to nobody else), for any user. It reads and
 * writes with the rights of the tables' owner. In a read-only transaction, a hot standby's
 * included, it answers the same and writes nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "handshake.h"
#include "owner.h"
#include "schema.h"

static void state_load(HandshakeState *state, const HandshakeRequest *request,
					   const pg_uuid_t *user, TimestampTz at);
static bool state_reuse(HandshakeState *state, const HandshakeRequest *request,
						const pg_uuid_t *user, TimestampTz at);

PG_FUNCTION_INFO_V1(coursebase_handshake);

/* SQL function: handshake(user_id uuid, request json, at timestamptz) returns json */
PGDLLEXPORT Datum
coursebase_handshake(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *user = PG_GETARG_UUID_P(0);
	text *sent = PG_GETARG_TEXT_PP(1);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(2);
	HandshakeRequest request;
	HandshakeState state;
	StringInfoData answer;
	OwnerRights rights;

	schema_require_current();
	initStringInfo(&answer);
	appendStringInfoSpaces(&answer, VARHDRSZ);
	SPI_connect();
	handshake_request_parse(&request, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	rights = owner_enter();
	state_load(&state, &request, user, at);
	if (!XactReadOnly)
		handshake_record(&request, user, at);
	handshake_answer_write(&answer, &request, &state, user);
	owner_leave(rights);
	SPI_finish();
	SET_VARSIZE(answer.data, answer.len);
	PG_RETURN_TEXT_P((text *) answer.data);
}

bool
handshake_is_current(const HandshakeRequest *request, const HandshakeState *state)
{
	return request->digest.bytes != NULL && request->digest.size == strlen(state->digest) &&
		   memcmp(request->digest.bytes, state->digest, request->digest.size) == 0;
}

static void
state_load(HandshakeState *state, const HandshakeRequest *request, const pg_uuid_t *user,
		   TimestampTz at)
{
	HandshakeVersions versions;

	if (state_reuse(state, request, user, at))
		return;
	handshake_state_compute(state, &versions, user, at);
	handshake_cache_write(state, &versions, user, at);
}

/* The cached state, with its entries unless the phone has them all. */
static bool
state_reuse(HandshakeState *state, const HandshakeRequest *request, const pg_uuid_t *user,
			TimestampTz at)
{
	if (!handshake_cache_read(state, user, at))
		return false;
	return handshake_is_current(request, state) || handshake_state_expand(state);
}
