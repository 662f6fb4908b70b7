/*
 * link.c: the session's connection to home.
 *
 * Invariants: there is one connection or none. After an error of any kind but home's own answer
 * it is closed, so that no later question reads the answer to an earlier one. Nothing waits
 * without a limit, and every wait ends when the session is canceled.
 *
 * The conninfo is that of the subscription, whoever asks: it is read past the rights of
 * pg_subscription. Errors tell what the client's library says, which names the server and the
 * role, and never a password.
 */
#include "postgres.h"

#include <libpq-fe.h>

#include "catalog/pg_subscription.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "cells/home.h"
#include "cells/link.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/setting.h"

/* The functions of the client's library, found in the library that the server loads for
 * subscriptions: this one is not linked with it, or every session would load it. */
static struct
{
	PGconn *(*start)(const char *const *keywords, const char *const *values, int expand);
	PostgresPollingStatusType (*poll)(PGconn *connection);
	ConnStatusType (*status)(const PGconn *connection);
	int (*socket)(const PGconn *connection);
	char *(*error)(const PGconn *connection);
	void (*finish)(PGconn *connection);
	PQnoticeProcessor (*set_notices)(PGconn *connection, PQnoticeProcessor to, void *argument);
	int (*set_nonblocking)(PGconn *connection, int on);
	int (*send)(PGconn *connection, const char *sql, int count, const Oid *types,
				const char *const *values, const int *lengths, const int *formats, int format);
	int (*flush)(PGconn *connection);
	int (*consume)(PGconn *connection);
	int (*is_busy)(PGconn *connection);
	PGresult *(*result)(PGconn *connection);
	ExecStatusType (*result_status)(const PGresult *result);
	char *(*result_field)(const PGresult *result, int field);
	int (*rows)(const PGresult *result);
	int (*columns)(const PGresult *result);
	char *(*value)(const PGresult *result, int row, int column);
	int (*is_null)(const PGresult *result, int row, int column);
	void (*clear)(PGresult *result);
} pq;

static const struct
{
	const char *name;
	void *function;
} pq_names[] = {
	{"PQconnectStartParams", &pq.start},
	{"PQconnectPoll", &pq.poll},
	{"PQstatus", &pq.status},
	{"PQsocket", &pq.socket},
	{"PQerrorMessage", &pq.error},
	{"PQfinish", &pq.finish},
	{"PQsetNoticeProcessor", &pq.set_notices},
	{"PQsetnonblocking", &pq.set_nonblocking},
	{"PQsendQueryParams", &pq.send},
	{"PQflush", &pq.flush},
	{"PQconsumeInput", &pq.consume},
	{"PQisBusy", &pq.is_busy},
	{"PQgetResult", &pq.result},
	{"PQresultStatus", &pq.result_status},
	{"PQresultErrorField", &pq.result_field},
	{"PQntuples", &pq.rows},
	{"PQnfields", &pq.columns},
	{"PQgetvalue", &pq.value},
	{"PQgetisnull", &pq.is_null},
	{"PQclear", &pq.clear},
};

static PGconn *connection; /* NULL: none */
static char *connected_by; /* its conninfo, in TopMemoryContext */

static bool question_sent(const char *sql, int nvalues, const char *const *values);
static PGresult *answer_take(TimestampTz until);
static void link_open(const char *conninfo, TimestampTz until);
static void link_close(void);
static char *conninfo_read(void);
static void library_load(void);
static void notice_ignore(void *argument, const char *message);
static void socket_wait(int events, TimestampTz until);
static bool rows_read(const PGresult *result, int ncolumns, List **rows);
pg_noreturn static void raise_answer(PGresult *result);
pg_noreturn static void raise_away(const char *why);

List *
link_ask(const char *sql, int nvalues, const char *const *values, int ncolumns)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													Max(setting_integer("home_timeout_ms"), 1));
	PGresult *volatile result = NULL;
	char *conninfo = conninfo_read();
	List *rows;
	bool read;

	/*
	 * first of all: everything below, closing a connection too, calls functions of the library,
	 * which are NULL until it is loaded
	 */
	library_load();
	/* home may have moved, as join_home() was told */
	if (connection != NULL && strcmp(conninfo, connected_by) != 0)
		link_close();
	PG_TRY();
	{
		bool kept = connection != NULL;

		if (!kept)
			link_open(conninfo, until);
		if (question_sent(sql, nvalues, values))
			result = answer_take(until);
		/*
		 * A kept connection may have been ended by home (a restart) or by a proxy on the way,
		 * which is noticed only when it is used. Then the question is asked once more on a new
		 * connection; link_ask() is for statements that may run twice. A fresh connection that
		 * breaks is an error.
		 */
		if (kept && pq.status(connection) != CONNECTION_OK)
		{
			pq.clear(result);
			result = NULL;
			link_close();
			link_open(conninfo, until);
			if (question_sent(sql, nvalues, values))
				result = answer_take(until);
		}
		if (result == NULL || pq.status(connection) != CONNECTION_OK)
			raise_away(pq.error(connection));
	}
	/*
	 * whatever ended the question, an answer to it may still arrive: no later question may read
	 * that one
	 */
	PG_CATCH();
	{
		pq.clear(result);
		link_close();
		PG_RE_THROW();
	}
	PG_END_TRY();
	/* home's own error leaves the connection as it is: its answer is complete */
	if (pq.result_status(result) != PGRES_TUPLES_OK)
		raise_answer(result);
	read = rows_read(result, ncolumns, &rows);
	pq.clear(result);
	if (!read)
		raise_away("What answered in its place is not home.");
	return rows;
}

/* False, without a word, where the connection is broken. */
static bool
question_sent(const char *sql, int nvalues, const char *const *values)
{
	return pq.send(connection, sql, nvalues, NULL, values, NULL, NULL, 0) == 1;
}

/* The last result of a statement, which says what became of it; NULL where the connection
 * broke. The caller clears it. */
static PGresult *
answer_take(TimestampTz until)
{
	PGresult *result;
	PGresult *more;
	int unsent;

	/*
	 * A large question fills the socket's buffer. While it waits for room it also reads: home
	 * may be sending something that it must get rid of before it takes more.
	 */
	while ((unsent = pq.flush(connection)) == 1)
	{
		socket_wait(WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, until);
		if (!pq.consume(connection))
			return NULL;
	}
	if (unsent < 0)
		return NULL;
	while (pq.is_busy(connection))
	{
		socket_wait(WL_SOCKET_READABLE, until);
		if (!pq.consume(connection))
			return NULL;
	}
	result = pq.result(connection);
	/*
	 * NULL ends a statement in the protocol, and only then may the next one be sent; home
	 * flushes it together with the answer, so that this waits for no work of home. An error may
	 * come before it: the rows are sent before home commits, and if the commit fails they are
	 * not the answer.
	 */
	while (result != NULL && (more = pq.result(connection)) != NULL)
	{
		pq.clear(result);
		result = more;
	}
	return result;
}

/*
 * The steps of a connection are taken by hand, because the client's library would wait in
 * poll() without noticing that the session is canceled or the time over. The server counts the
 * socket among its open files (AcquireExternalFD), so that it does not run out of them.
 * connected_by is set first: whatever fails, link_close() frees it.
 */
static void
link_open(const char *conninfo, TimestampTz until)
{
	const char *keywords[] = {"dbname", "client_encoding", "fallback_application_name", NULL};
	const char *values[] = {conninfo, GetDatabaseEncodingName(), "coursebase", NULL};
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	connected_by = MemoryContextStrdup(TopMemoryContext, conninfo);
	if (!AcquireExternalFD())
		raise_away("This session has too many files open.");
	/* expands conninfo, as it stands for the name of a database */
	connection = pq.start(keywords, values, 1);
	if (connection == NULL)
	{
		ReleaseExternalFD();
		raise_away("There is no memory for a connection.");
	}
	pq.set_notices(connection, notice_ignore, NULL);
	while (state != PGRES_POLLING_OK)
	{
		if (pq.status(connection) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
			raise_away(pq.error(connection));
		socket_wait(state == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE,
					until);
		state = pq.poll(connection);
	}
	/* or a large question would wait for home without a limit */
	pq.set_nonblocking(connection, 1);
}

/* May be called at any point of link_open(), and when there is no connection. */
static void
link_close(void)
{
	if (connection != NULL)
	{
		pq.finish(connection);
		connection = NULL;
		ReleaseExternalFD();
	}
	if (connected_by != NULL)
		pfree(connected_by);
	connected_by = NULL;
}

/*
 * The conninfo of the subscription, read from the catalogue's cache and so past the rights on
 * that column, which only superusers have. Raises KBC12 in a cell that has not joined.
 */
static char *
conninfo_read(void)
{
	HeapTuple subscription = SearchSysCache2(SUBSCRIPTIONNAME, ObjectIdGetDatum(MyDatabaseId),
											 CStringGetDatum(SUBSCRIPTION));
	bool null = true;
	Datum value = (Datum) 0;
	char *conninfo;

	if (HeapTupleIsValid(subscription))
		value = SysCacheGetAttr(SUBSCRIPTIONNAME, subscription,
								Anum_pg_subscription_subconninfo, &null);
	if (null)
		ereport(ERROR,
				(errcode(ERRCODE_CB_HOME_AWAY), errmsg("this cell does not know where home is"),
				 errdetail("It has no subscription \"%s\" with a conninfo.", SUBSCRIPTION),
				 errhint("Call coursebase.join_home() first.")));
	conninfo = TextDatumGetCString(value);
	ReleaseSysCache(subscription);
	return conninfo;
}

/*
 * Looks the functions up once a session. libpqwalreceiver is linked with the client's library,
 * and the look-up in a library finds the functions of those that it is linked with. pq.clear is
 * the last of the table: while it is NULL some may be missing.
 */
static void
library_load(void)
{
	if (pq.clear != NULL)
		return;
	for (int i = 0; i < lengthof(pq_names); i++)
	{
		void *function =
			load_external_function("libpqwalreceiver", pq_names[i].name, true, NULL);

		memcpy(pq_names[i].function, &function, sizeof(function));
	}
}

/*
 * Drops NOTICEs and WARNINGs of home: they would go to the standard error of the server, where
 * nobody expects them.
 */
static void
notice_ignore(void *argument, const char *message)
{
}

/*
 * Until the socket is ready; raises KBC12 when it is too late. Whatever else wakes the session
 * is no answer of the socket: the client's library, asked too early, would wait by itself.
 */
static void
socket_wait(int events, TimestampTz until)
{
	int happened;

	do
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		if (left <= 0)
			raise_away("It did not answer within the setting home_timeout_ms.");
		happened =
			WaitLatchOrSocket(MyLatch, events | WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							  pq.socket(connection), left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	} while ((happened & events) == 0);
}

/*
 * Copies the answer into the current context: what the client's library holds is gone at
 * pq.clear(). False for an answer of another form, whose columns nobody may look for.
 */
static bool
rows_read(const PGresult *result, int ncolumns, List **rows)
{
	*rows = NIL;
	if (pq.columns(result) != ncolumns)
		return false;
	for (int i = 0; i < pq.rows(result); i++)
	{
		const char **row = palloc(sizeof(char *) * ncolumns);

		for (int column = 0; column < ncolumns; column++)
		{
			if (pq.is_null(result, i, column))
				return false;
			row[column] = pstrdup(pq.value(result, i, column));
		}
		*rows = lappend(*rows, row);
	}
	return true;
}

/* Home's rule is this cell's rule. Any other error is home's trouble: the caller's own
 * SQLSTATEs (rights, locks) would say something wrong of this server. */
static void
raise_answer(PGresult *result)
{
	const char *state = pq.result_field(result, PG_DIAG_SQLSTATE);
	const char *message = pq.result_field(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = pq.result_field(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = pq.result_field(result, PG_DIAG_MESSAGE_HINT);
	bool rule = state != NULL && strlen(state) == 5 && strncmp(state, "KB", 2) == 0;
	char *why = pstrdup(message == NULL ? "" : message);

	if (!rule)
	{
		pq.clear(result);
		raise_away(psprintf("It answered: %s", why));
	}
	/*
	 * copied, because the words belong to the result, which no error may leave behind: nothing
	 * but pq.clear() frees it
	 */
	detail = detail == NULL ? NULL : pstrdup(detail);
	hint = hint == NULL ? NULL : pstrdup(hint);
	state = pstrdup(state);
	pq.clear(result);
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
			 errmsg_internal("%s", why), detail == NULL ? 0 : errdetail_internal("%s", detail),
			 hint == NULL ? 0 : errhint("%s", hint)));
}

/* why: a sentence, or what the client's library said, with a newline at its end. */
static void
raise_away(const char *why)
{
	char *said = pstrdup(why);
	Size length = strlen(said);

	while (length > 0 && said[length - 1] == '\n')
		said[--length] = '\0';
	ereport(ERROR, (errcode(ERRCODE_CB_HOME_AWAY), errmsg("home does not answer"),
					errdetail_internal("%s", said),
					errhint("Nothing was done. Call again when home is back.")));
}
