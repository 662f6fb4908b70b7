/*
 * http_errors.c: errors of class KB reach PostgREST with the HTTP status of errors.h.
 *
 * PostgREST answers 400 for a SQLSTATE that it does not know. What it does know is the SQLSTATE
 * PGRST: the message is then a JSON object with code, message, details and hint, which it
 * answers as it stands, and the detail an object with the status. While the setting
 * coursebase.http_errors is on, an error of class KB that is on its way to the client is
 * written into that form.
 *
 * Only what leaves the session is rewritten. An EXCEPTION block has caught its error before, a
 * parallel worker hands its error to the leader as it is, and the server's log gets the error
 * as it was raised. The library is loaded before any of its errors is raised, so that the first
 * error of a session is rewritten as well.
 *
 * The hook runs while an error is being reported: it reads no table, waits for nothing and
 * raises nothing. Where memory is short, or the error very long, it goes out as it is.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/http_errors.h"

/* A code and its status: a line of errors.h. */
typedef struct HttpStatus
{
	int sqlstate;
	int status;
} HttpStatus;

static const HttpStatus statuses[] = {
/* made of errors.h by the build */
#include "http_status.h"
};

/* An error is not to take a multiple of its own size; none of ours is near this. */
#define MESSAGE_SIZE_MAX ((Size) 16 * 1024 * 1024)

static bool http_errors = false;
static emit_log_hook_type previous_hook = NULL;

static void on_error(ErrorData *error);
static bool goes_to_client(const ErrorData *error);
static int status_of(int sqlstate);
static void log_as_raised(ErrorData *error);
static char *message_json(const ErrorData *error);
static char *member_put(char *end, const char *name, const char *value);
static Size member_size(const char *name, const char *value);

void
http_errors_init(void)
{
	DefineCustomBoolVariable(
		"coursebase.http_errors",
		"Gives errors of class KB to the client in PostgREST's form, with their HTTP status.",
		"For the role that PostgREST logs in as: ALTER ROLE ... SET coursebase.http_errors = "
		"on. Inside the database and in its log the SQLSTATE stays KB....",
		&http_errors, false, PGC_USERSET, COMPAT_GUC_ALLOW_IN_PARALLEL, NULL, NULL, NULL);
	previous_hook = emit_log_hook;
	emit_log_hook = on_error;
}

/* Runs for each message that goes to the server's log, before it does. */
static void
on_error(ErrorData *error)
{
	int status;
	char *message;
	char *detail;

	if (previous_hook)
		previous_hook(error);
	if (!http_errors || !goes_to_client(error))
		return;
	status = status_of(error->sqlerrcode);
	if (status == 0)
		return;
	message = message_json(error);
	detail = palloc_extended(64, MCXT_ALLOC_NO_OOM);
	if (message == NULL || detail == NULL)
		return;
	log_as_raised(error);
	snprintf(detail, 64, "{\"status\":%d,\"headers\":{}}", status);
	/* what it replaces goes with the context of errors, as all of the error does */
	error->sqlerrcode = MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T');
	error->message = message;
	error->detail = detail;
	error->hint = NULL;
}

/* FATAL ends the session, and a gateway tells of that by itself. */
static bool
goes_to_client(const ErrorData *error)
{
	return error->elevel == ERROR && error->output_to_client && MyBackendType == B_BACKEND &&
		   whereToSendOutput == DestRemote && !IsParallelWorker();
}

/* 0 for an error that is none of ours. */
static int
status_of(int sqlstate)
{
	for (int i = 0; i < lengthof(statuses); i++)
		if (statuses[i].sqlstate == sqlstate)
			return statuses[i].status;
	return 0;
}

/*
 * The server would log what the client gets. The error is reported to the log alone first, past
 * every hook: those before this one have had it, those behind it get it when this one is done.
 */
static void
log_as_raised(ErrorData *error)
{
	emit_log_hook_type hook = emit_log_hook;

	if (!error->output_to_server)
		return;
	error->output_to_client = false;
	emit_log_hook = NULL;
	EmitErrorReport();
	emit_log_hook = hook;
	error->output_to_client = true;
	error->output_to_server = false;
}

/* The object that PostgREST answers; NULL where memory is short, or the object too long. */
static char *
message_json(const ErrorData *error)
{
	const char *code = unpack_sql_state(error->sqlerrcode);
	Size size = 2 + member_size("code", code) + member_size("message", error->message) +
				member_size("details", error->detail) + member_size("hint", error->hint);
	char *json;
	char *end;

	/* the allocator raises where it is asked for more than a string may have */
	if (size > MESSAGE_SIZE_MAX)
		return NULL;
	json = palloc_extended(size, MCXT_ALLOC_NO_OOM);
	end = json;
	if (json == NULL)
		return NULL;
	end = member_put(end, "{\"code\":", code);
	end = member_put(end, ",\"message\":", error->message);
	end = member_put(end, ",\"details\":", error->detail);
	end = member_put(end, ",\"hint\":", error->hint);
	strcpy(end, "}");
	return json;
}

/*
 * Writes a member of an object whose value is a string, or null for NULL. Bytes from 0x80 on
 * belong to characters of the database's encoding, which the server converts for the client.
 */
static char *
member_put(char *end, const char *name, const char *value)
{
	end = stpcpy(end, name);
	if (value == NULL)
		return stpcpy(end, "null");
	*end++ = '"';
	for (; *value != '\0'; value++)
		if ((unsigned char) *value < ' ')
			end += sprintf(end, "\\u%04x", *value);
		else
		{
			if (*value == '"' || *value == '\\')
				*end++ = '\\';
			*end++ = *value;
		}
	*end++ = '"';
	return end;
}

/* The most that member_put() writes of it: six bytes for one, the name and what is around it.
 */
static Size
member_size(const char *name, const char *value)
{
	return strlen(name) + 8 + (value != NULL ? 6 * strlen(value) : 0);
}
