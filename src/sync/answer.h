/*
 * answer.h: the answer, made from request and state alone.
 */
#ifndef COURSEBASE_SYNC_ANSWER_H
#define COURSEBASE_SYNC_ANSWER_H

#include "lib/stringinfo.h"

#include "sync/request.h"
#include "sync/state.h"

/* Whether the answer sends no document: then, without purchases, it needs no SPI_connect(). */
extern bool handshake_keeps_all(const HandshakeRequest *request, const HandshakeState *state);

/*
 * Appends the answer; kept is whether everything that the phone reported is stored by now.
 * Reads with the active snapshot, which must be the one that the state was computed with, or
 * one that sees the same versions. Raises XX001 if a document is gone all the same.
 */
extern void handshake_answer_write(StringInfo out, const HandshakeRequest *request,
								   const HandshakeState *state, const pg_uuid_t *user,
								   bool kept);

#endif
