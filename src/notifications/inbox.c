/*
 * inbox.c: every notification once, with what became of it.
 *
 * Invariants: a notification is known by provider, environment and the provider's id. An answer
 * is final when it is applied or noted, and whoever sends the notification again is told the
 * same. One that waits or was refused is tried again with what a later call brings. Content
 * that was proven does not give way to content that was proven less. A notification that is
 * forged or cannot be read raises and leaves nothing.
 *
 * What a notification does runs in a subtransaction: a rule that refuses it leaves the row of
 * the inbox with its reason, and nothing else. An error that goes away by itself is raised, so
 * that the provider sends again: a serialization failure, a deadlock, a lock that could not be
 * had, a lack of resources, an end that an operator ordered.
 *
 * Lock order: the row of the inbox, then the person. Whoever holds a person already, and brings
 * what a row waits for, locks the row by SKIP LOCKED alone.
 *
 * Rights: take_notification() is the server's, the statements run with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/attempt.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "notifications/apply.h"
#include "notifications/members.h"
#include "notifications/proof.h"
#include "notifications/review.h"
#include "notifications/takeup.h"

/* The order of the arguments of take_notification(). */
enum
{
	ARG_PROVIDER,
	ARG_BODY,
	ARG_SIGNATURE,
	ARG_DETAILS,
	ARG_USER,
	ARG_AT,
};

/* A row of the inbox. */
typedef struct InboxRow
{
	pg_uuid_t id;
	NoticeProof proof;
	bool is_final;
	bool is_woken;     /* by who brought one of its names, and shares them */
	bool home_is_away; /* it waits for home, of several cells */
	const char *kind;
	NoticeEffect effect;
} InboxRow;

/*
 * The rows that this session is settling, the innermost first. While a row is settled, a row of
 * another table may get the very names that this row waits for, and a trigger then takes up
 * whatever waits for them: row_replay() finds its own row here and leaves it alone. The list
 * lives on the stack of row_settle().
 */
typedef struct Settling
{
	const pg_uuid_t *id;
	struct Settling *outer;
} Settling;
static Settling *settling;

/* What a notification means, and where its effect is told. */
typedef struct Effecting
{
	const NoticeCall *call;
	NoticeEffect *effect;
} Effecting;

#define ROW_COLUMNS                                                                            \
	"n.id, n.proof, n.outcome, n.kind, n.user_id, n.detail, n.needs, "                         \
	"n.result::pg_catalog.text"
enum
{
	ROW_ID = 1,
	ROW_PROOF,
	ROW_OUTCOME,
	ROW_KIND,
	ROW_USER,
	ROW_DETAIL,
	ROW_NEEDS,
	ROW_RESULT,
};

/*
 * Two deliveries at once meet in the unique key: the second waits for the first, inserts
 * nothing and gets no row.
 */
static KeptPlan insert_row = {
	.sql =
		"INSERT INTO coursebase.store_notifications AS n (provider, environment, "
		"notification_id,"
		" kind, proof, body, details, outcome, detail, happened_at, received_at,"
		" settles_review)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7::pg_catalog.json, 'waiting', 'received', $8, $9,"
		" $10)"
		" ON CONFLICT (provider, environment, notification_id) DO NOTHING"
		" RETURNING " ROW_COLUMNS,
	.nargs = 10,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
			  TIMESTAMPTZOID, TEXTOID},
};
/*
 * The second of two deliveries locks the row that the first one made, and so sees what became
 * of it.
 */
static KeptPlan lock_row = {
	.sql = "SELECT " ROW_COLUMNS " FROM coursebase.store_notifications n"
		   " WHERE n.provider = $1 AND n.environment = $2 AND n.notification_id = $3"
		   " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* Content that was proven, and was not purged. */
static KeptPlan read_content = {
	.sql = "SELECT n.body, n.details::pg_catalog.text FROM coursebase.store_notifications n"
		   " WHERE n.id = $1 AND n.body IS NOT NULL",
	.nargs = 1,
	.types = {UUIDOID},
};
enum
{
	CONTENT_BODY = 1,
	CONTENT_DETAILS,
};
/*
 * A later delivery may bring details that the first one lacked, or a better proof. Details that
 * it does not bring stay.
 */
static KeptPlan renew_row = {
	.sql = "UPDATE coursebase.store_notifications n SET body = $2, proof = $3,"
		   " details = coalesce($4::pg_catalog.json, n.details) WHERE n.id = $1",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
/*
 * applied_at is the time of what took effect; an outcome that is not final keeps the names that
 * it waits for (waits_for). What is settled of a closed account loses its content, as what had
 * come before did when the account was closed: RevenueCat sends names and addresses along.
 */
static KeptPlan settle_row = {
	.sql =
		"UPDATE coursebase.store_notifications n SET outcome = $2, detail = $3, needs = $4,"
		" result = $5::pg_catalog.json, user_id = coalesce($6, n.user_id),"
		" applied_at = CASE WHEN $2 = 'applied' THEN $7 END, waits_for = $8,"
		" (body, details) = (SELECT n.body, n.details"
		"  WHERE $2 NOT IN ('applied', 'noted') OR NOT EXISTS (SELECT FROM coursebase.users u"
		"   WHERE u.id = coalesce($6, n.user_id) AND u.deleted_at IS NOT NULL))"
		" WHERE n.id = $1",
	.nargs = 8,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, TIMESTAMPTZOID,
			  TEXTARRAYOID},
};
#define OPEN_OF_PROVIDER                                                                       \
	"SELECT n.id FROM coursebase.store_notifications n"                                        \
	" WHERE n.outcome IN ('waiting', 'refused') AND n.body IS NOT NULL"                        \
	"  AND ($1 IS NULL OR n.provider = $1)"
/* Oldest first: an event that another one waits for has come before it, as a rule. */
static KeptPlan open_rows = {
	.sql = OPEN_OF_PROVIDER " ORDER BY n.happened_at, n.received_at, n.id LIMIT $3",
	.nargs = 3,
	.types = {TEXTOID, UUIDOID, INT4OID},
};
/* The one with the id $2: a statement of its own, which reads no other open ones. */
static KeptPlan open_row = {
	.sql = OPEN_OF_PROVIDER " AND n.id = $2 LIMIT $3",
	.nargs = 3,
	.types = {TEXTOID, UUIDOID, INT4OID},
};
/*
 * SKIP LOCKED: a row that another session holds is being settled there. Looking again at the
 * outcome leaves out what was settled since open_rows read it.
 */
static KeptPlan lock_open = {
	.sql = "SELECT " ROW_COLUMNS
		   ", n.provider, n.body, n.details::pg_catalog.text, n.notification_id"
		   " FROM coursebase.store_notifications n WHERE n.id = $1 AND n.body IS NOT NULL"
		   " AND n.outcome IN ('waiting', 'refused') FOR NO KEY UPDATE SKIP LOCKED",
	.nargs = 1,
	.types = {UUIDOID},
};
enum
{
	OPEN_PROVIDER = ROW_RESULT + 1,
	OPEN_BODY,
	OPEN_DETAILS,
	OPEN_NOTIFICATION,
};

/*
 * The row stays, so that a repetition of an old notification is still known; what may be
 * personal in it goes. Rows that wait or were refused keep their body, without which they could
 * not be tried again.
 */
static KeptPlan purge_rows = {
	.sql =
		"UPDATE coursebase.store_notifications SET body = NULL, details = NULL, result = NULL"
		" WHERE id = ANY (ARRAY(SELECT n.id FROM coursebase.store_notifications n"
		"  WHERE n.received_at < $1 AND n.body IS NOT NULL AND n.outcome IN ('applied', "
		"'noted')"
		"  ORDER BY n.received_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT4OID},
};

static void received_read(FunctionCallInfo fcinfo, Received *received);
static JsonSlice slice_of(text *value);
static TimestampTz freshness_clock(TimestampTz at);
static void row_find(Received *received, StoreNotice *notice, NoticeProof *proof,
					 const char *id, TimestampTz at, InboxRow *row);
static void row_read(uint64 index, InboxRow *row);
static void content_keep(const InboxRow *row, Received *received, StoreNotice *notice,
						 NoticeProof *proof);
static JsonSlice slice_from(const char *text);
static void row_renew(const Received *received, NoticeProof proof, InboxRow *row);
static bool row_replay(const pg_uuid_t *id, TimestampTz at, bool woken, InboxRow *row);
static bool row_lock_open(const pg_uuid_t *id, bool woken);
static void row_settle(InboxRow *row, const NoticeCall *call);
static bool is_claim(const InboxRow *row, const NoticeCall *call);
static void row_claim(InboxRow *row, const NoticeCall *call);
static void row_write(const InboxRow *row, Datum names, TimestampTz at);
static bool effect_is_final(const NoticeEffect *effect);
static bool effect_try(const NoticeCall *call, NoticeEffect *effect);
static bool effect_run(void *argument);
static bool is_answer(int sqlstate);
static bool is_answer_here(int sqlstate);
static char *notification_id(const Received *received, const StoreNotice *notice);
static char *kind_of(const StoreNotice *notice);
static char *text_from(JsonSlice slice);
static void row_return(FunctionCallInfo fcinfo, const InboxRow *row);

PG_FUNCTION_INFO_V1(coursebase_take_notification);
PG_FUNCTION_INFO_V1(coursebase_replay_notifications);
PG_FUNCTION_INFO_V1(coursebase_purge_notifications);

/*
 * SQL function: take_notification(provider text, body text, signature text, details json,
 * user_id uuid, at timestamptz) returns table (notification_id uuid, kind text, user_id uuid,
 * outcome text, detail text, result json)
 */
PGDLLEXPORT Datum
coursebase_take_notification(PG_FUNCTION_ARGS)
{
	Received received;
	StoreNotice notice;
	NoticeProof proof;
	InboxRow row;
	NoticeCall call;
	pg_uuid_t user;

	args_require(fcinfo, ARG_BODY);
	received_read(fcinfo, &received);
	/* before SPI: what is wrong with the arguments needs no tables */
	call.at = args_time(fcinfo, ARG_AT);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	/* raises for what is forged or cannot be read: nothing is written yet */
	proof = proof_read(&received, freshness_clock(call.at), &notice);
	call.provider = received.provider;
	call.notice = &notice;
	call.id = notification_id(&received, &notice);
	call.user = NULL;
	if (!PG_ARGISNULL(ARG_USER))
	{
		user = *PG_GETARG_UUID_P(ARG_USER);
		identity_follow(&user);
		call.user = &user;
	}
	call.is_delivery = true;
	/* from here on the notification is ours: whatever becomes of it stands in its row */
	row_find(&received, &notice, &proof, call.id, call.at, &row);
	call.verified = proof != PROOF_NONE;
	call.proven = proof == PROOF_SIGNED;
	if (!row.is_final)
		row_settle(&row, &call);
	else if (is_claim(&row, &call))
		row_claim(&row, &call);
	row_return(fcinfo, &row);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: replay_notifications(provider text, notification_id uuid, most integer, at
 * timestamptz) returns table (notification_id uuid, kind text, user_id uuid, outcome text,
 * detail text, result json)
 *
 * What was checked when it came is not checked again: keys and freshness are of that day.
 */
PGDLLEXPORT Datum
coursebase_replay_notifications(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	TimestampTz at;
	pg_uuid_t *ids;
	uint64 count;

	args_require(fcinfo, 2);
	at = args_time(fcinfo, 3);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	args_bind(&values, fcinfo, 0);
	args_bind(&values, fcinfo, 1);
	args_bind(&values, fcinfo, 2);
	count = owner_execute(PG_ARGISNULL(1) ? &open_rows : &open_row, values.datums, values.nulls,
						  false);
	ids = palloc(sizeof(pg_uuid_t) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		ids[i] = plan_uuid(i, 1);
	for (uint64 i = 0; i < count; i++)
	{
		InboxRow row;

		CHECK_FOR_INTERRUPTS();
		if (!row_replay(&ids[i], at, false, &row))
			continue;
		row_return(fcinfo, &row);
		/*
		 * home of the cells does not answer: each further row would wait for the whole time-out
		 */
		if (row.home_is_away)
			break;
	}
	SPI_finish();
	return (Datum) 0;
}

/* SQL function: purge_notifications(before timestamptz, batch integer) returns bigint */
PGDLLEXPORT Datum
coursebase_purge_notifications(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64 count;

	schema_require_current();
	SPI_connect();
	count = owner_execute(&purge_rows, values, NULL, false);
	SPI_finish();
	PG_RETURN_INT64((int64) count);
}

/* Reads the arguments; what is absent is an empty slice. */
static void
received_read(FunctionCallInfo fcinfo, Received *received)
{
	memset(received, 0, sizeof(*received));
	received->provider =
		(NoticeProvider) args_word(fcinfo, ARG_PROVIDER, notice_provider_names, PROVIDERS);
	received->body = slice_of(PG_GETARG_TEXT_PP(ARG_BODY));
	if (!PG_ARGISNULL(ARG_SIGNATURE))
		received->signature = slice_of(PG_GETARG_TEXT_PP(ARG_SIGNATURE));
	/* a json value holds the bytes of its text */
	if (!PG_ARGISNULL(ARG_DETAILS))
		received->details = slice_of(PG_GETARG_TEXT_PP(ARG_DETAILS));
}

/* The bytes of a text, where they are. */
static JsonSlice
slice_of(text *value)
{
	return (JsonSlice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* Whoever holds a server key must not choose the time: `at` serves the owner of the tables
 * alone, for tests. */
static TimestampTz
freshness_clock(TimestampTz at)
{
	return has_privs_of_role(GetUserId(), owner_of_tables()) ? at : GetCurrentTimestamp();
}

/* Inserts the notification, or locks the row that is there and takes what this delivery brings;
 * received, notice and proof are then those of the content that counts. */
static void
row_find(Received *received, StoreNotice *notice, NoticeProof *proof, const char *id,
		 TimestampTz at, InboxRow *row)
{
	PlanValues values = {0};

	plan_bind_text(&values, notice_provider_names[received->provider]);
	plan_bind_text(&values, notice_environment_names[notice->environment]);
	plan_bind_text(&values, id);
	plan_bind_text(&values, kind_of(notice));
	plan_bind_text(&values, notice_proof_names[*proof]);
	plan_bind_text(&values, text_from(received->body));
	plan_bind_text(&values, text_from(received->details));
	plan_bind_time_unless(&values, notice->time, NOTICE_NO_TIME);
	plan_bind_time(&values, at);
	plan_bind_text(&values, notice_text(review_settled(received->provider, notice)));
	if (owner_execute(&insert_row, values.datums, values.nulls, false) == 1)
	{
		row_read(0, row);
		return;
	}
	if (owner_execute(&lock_row, values.datums, NULL, false) == 0)
		row_kept_raise("store_notifications", "the notification was not recorded");
	row_read(0, row);
	content_keep(row, received, notice, proof);
	if (!row->is_final)
		row_renew(received, *proof, row);
}

/* Reads a row of ROW_COLUMNS. */
static void
row_read(uint64 index, InboxRow *row)
{
	bool null;
	Datum user = plan_value_as(index, ROW_USER, UUIDOID, &null);

	memset(row, 0, sizeof(*row));
	row->id = plan_uuid(index, ROW_ID);
	row->proof = plan_word(index, ROW_PROOF, notice_proof_names, PROOFS);
	row->effect.outcome = plan_word(index, ROW_OUTCOME, notice_outcome_names, OUTCOMES);
	row->is_final = effect_is_final(&row->effect);
	row->kind = plan_text_required(index, ROW_KIND);
	row->effect.has_user = !null;
	if (!null)
		row->effect.user = *DatumGetUUIDP(user);
	row->effect.detail = plan_text(index, ROW_DETAIL);
	row->effect.needs = plan_text(index, ROW_NEEDS);
	row->effect.result = plan_text(index, ROW_RESULT);
}

/*
 * The proofs are ordered: where the row's content was proven better than this delivery's, the
 * row's counts, or it would tell a proof of what nobody proved. The delivery's document counts
 * all the same, for no provider signs it.
 */
static void
content_keep(const InboxRow *row, Received *received, StoreNotice *notice, NoticeProof *proof)
{
	Datum key = UUIDPGetDatum(&row->id);

	if (*proof >= row->proof || owner_execute(&read_content, &key, NULL, false) == 0)
		return;
	received->body = slice_from(plan_text_required(0, CONTENT_BODY));
	if (received->details.bytes == NULL)
		received->details = slice_from(plan_text(0, CONTENT_DETAILS));
	proof_reread(received, notice);
	*proof = row->proof;
}

/* Of what was purged the proof stays: a lesser one does not replace it. */
static void
row_renew(const Received *received, NoticeProof proof, InboxRow *row)
{
	PlanValues values = {0};

	if (proof < row->proof)
		return;
	plan_bind_uuid(&values, &row->id);
	plan_bind_text(&values, text_from(received->body));
	plan_bind_text(&values, notice_proof_names[proof]);
	plan_bind_text(&values, text_from(received->details));
	owner_execute(&renew_row, values.datums, values.nulls, false);
	row->proof = proof;
}

/*
 * Tries a notification again that waits or was refused. False for one that is settled, that
 * another session holds, that this session is settling just now, or that is woken while another
 * session has its accounts. The stored body was checked when it came, and is only read again.
 */
static bool
row_replay(const pg_uuid_t *id, TimestampTz at, bool woken, InboxRow *row)
{
	Received received = {0};
	StoreNotice notice;
	NoticeCall call;
	pg_uuid_t user;

	for (const Settling *outer = settling; outer != NULL; outer = outer->outer)
		if (uuid_equal(outer->id, id))
			return false;
	if (!row_lock_open(id, woken))
		return false;
	row_read(0, row);
	row->is_woken = woken;
	received.provider = plan_word(0, OPEN_PROVIDER, notice_provider_names, PROVIDERS);
	call.id = plan_text_required(0, OPEN_NOTIFICATION);
	received.body = slice_from(plan_text_required(0, OPEN_BODY));
	received.details = slice_from(plan_text(0, OPEN_DETAILS));
	proof_reread(&received, &notice);
	/* who wakes has locked a person, and accounts come before people */
	if (woken && !takeup_accounts_try(&notice))
		return false;
	call.provider = received.provider;
	call.notice = &notice;
	/* a copy: the effect is begun anew before anybody looks for the person */
	user = row->effect.user;
	call.user = row->effect.has_user ? &user : NULL;
	call.verified = row->proof != PROOF_NONE;
	call.proven = row->proof == PROOF_SIGNED;
	call.is_delivery = false;
	call.at = at;
	row_settle(row, &call);
	return true;
}

/*
 * Locks an open row and reads it. Who wakes must not leave a row to another session that may
 * have looked before this one's name came: either that session waits for this one and looks
 * again, or it has ended, and the second try has the row.
 */
static bool
row_lock_open(const pg_uuid_t *id, bool woken)
{
	Datum key = UUIDPGetDatum(id);

	if (owner_execute(&lock_open, &key, NULL, false) > 0)
		return true;
	if (!woken)
		return false;
	takeup_missed_share(id);
	return owner_execute(&lock_open, &key, NULL, false) > 0;
}

/*
 * Tries what the notification means, records what became of it, and then takes up what waited
 * for it. The order is fixed: the locks of RevenueCat's accounts come before the person, those
 * of names after.
 */
static void
row_settle(InboxRow *row, const NoticeCall *call)
{
	Settling self = {&row->id, settling};
	Datum names = takeup_names(call->notice);

	settling = &self;
	PG_TRY();
	{
		/*
		 * under this lock a transfer looks for purchases to move, and a purchase for transfers
		 * that moved it already: without it each could miss the other
		 */
		takeup_accounts_lock(call->notice);
		row->home_is_away = !effect_try(call, &row->effect);
		/*
		 * what it waits for may be committed between the first look and the writing of the row:
		 * under the lock of the names the second look finds it, or its writer finds this row;
		 * of one that is woken its own lock does the same
		 */
		if (row->effect.outcome == OUTCOME_WAITING && row->effect.needs == NULL &&
			!row->home_is_away)
		{
			if (row->is_woken)
				takeup_woken_lock(&row->id);
			else
				takeup_lock(names);
			/* who brings a name has locked the person before, and must not be ended */
			anchor_go_back();
			row->home_is_away = !effect_try(call, &row->effect);
		}
		row_write(row, names, call->at);
		/*
		 * the row is written before what waited is taken up: a notification that waits for this
		 * one must see it as settled
		 */
		if (effect_is_final(&row->effect) && call->notice->subject != NOTICE_NOTHING)
			takeup_names_came(names, call->at);
	}
	PG_FINALLY();
	{
		settling = self.outer;
	}
	PG_END_TRY();
}

/* Whether the caller names another person than the one whose the settled notification is. */
static bool
is_claim(const InboxRow *row, const NoticeCall *call)
{
	pg_uuid_t user = row->effect.user;

	if (call->user == NULL || !row->effect.has_user)
		return false;
	identity_follow(&user);
	return !uuid_equal(&user, call->user);
}

/* Tries a settled notification for another person, who gets an own answer: the first one is
 * that of somebody else. A rule refuses it and leaves the row as it is, or it is a restore,
 * whose purchase and notification are the caller's from then on. */
static void
row_claim(InboxRow *row, const NoticeCall *call)
{
	(void) effect_try(call, &row->effect);
	if (effect_is_final(&row->effect))
		row_write(row, takeup_names(call->notice), call->at);
}

/* Records what became of the notification. */
static void
row_write(const InboxRow *row, Datum names, TimestampTz at)
{
	const NoticeEffect *effect = &row->effect;
	PlanValues values = {0};

	plan_bind_uuid(&values, &row->id);
	plan_bind_text(&values, notice_outcome_names[effect->outcome]);
	plan_bind_text(&values, effect->detail);
	plan_bind_text(&values, effect->needs);
	plan_bind_text(&values, effect->result);
	plan_bind_uuid(&values, effect->has_user ? &effect->user : NULL);
	plan_bind_time(&values, at);
	plan_bind_nullable(&values, names, effect_is_final(effect));
	owner_execute(&settle_row, values.datums, values.nulls, false);
}

/*
 * Waiting and refused are not final: the missing sale may come, and an operator may change the
 * rule.
 */
static bool
effect_is_final(const NoticeEffect *effect)
{
	return effect->outcome == OUTCOME_APPLIED || effect->outcome == OUTCOME_NOTED;
}

/*
 * Each notification that is taken up may be what another one waits for, hence the recursion and
 * check_stack_depth(). It ends: a row that still waits takes up nothing.
 */
void
takeup_names_came(Datum names, TimestampTz at)
{
	pg_uuid_t *ids;
	uint64 count;

	check_stack_depth();
	takeup_share(names);
	ids = takeup_find(names, &count);
	for (uint64 i = 0; i < count; i++)
	{
		InboxRow row;

		CHECK_FOR_INTERRUPTS();
		row_replay(&ids[i], at, true, &row);
	}
}

/* Runs what the notification means; a rule's refusal becomes its answer, and the row of the
 * inbox stays. After any other error (a deadlock, a cancel, a full disk) nothing is kept, and
 * the provider sends again. False where the sale is to be claimed on home, which does not
 * answer: the notification waits, and a replay takes it up. */
static bool
effect_try(const NoticeCall *call, NoticeEffect *effect)
{
	ErrorData *error = attempt(effect_run, &(Effecting){.call = call, .effect = effect},
							   call->is_delivery ? is_answer_here : is_answer);
	bool away;

	if (error == NULL)
		return true;
	memset(effect, 0, sizeof(*effect));
	away = error->sqlerrcode == ERRCODE_CB_HOME_AWAY;
	effect->outcome = away ? OUTCOME_WAITING : OUTCOME_REFUSED;
	effect->detail = attempt_words(error);
	return !away;
}

/*
 * Answers true, so that attempt() keeps what was done: a refusal of notice_apply() itself wrote
 * nothing.
 */
static bool
effect_run(void *argument)
{
	const Effecting *effecting = argument;

	notice_apply(effecting->call, effecting->effect);
	return true;
}

/* Errors of our own class, of data (22) and of constraints (23) are what a rule says; a product
 * that is unknown waits, which replay sees by itself. Everything else passes, as what is in the
 * way of another transaction does, or is a fault that must be seen. */
static bool
is_answer(int sqlstate)
{
	int class = ERRCODE_TO_CATEGORY(sqlstate);

	if (sqlstate == ERRCODE_CB_IN_THE_WAY)
		return false;
	return class == ERRCODE_TO_CATEGORY(ERRCODE_CB_NOT_FOUND) ||
		   class == ERRCODE_DATA_EXCEPTION || class == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* Whose person lives in another cell, or is on the way to one, belongs there: nothing of it is
 * kept here, and the sender is told where, or to send it again. A replay has no sender, so that
 * the row says it. */
static bool
is_answer_here(int sqlstate)
{
	return sqlstate != ERRCODE_CB_LIVES_ELSEWHERE && sqlstate != ERRCODE_CB_MOVING &&
		   is_answer(sqlstate);
}

/* The provider's id, or what stands for one. A purchase of Google Play has no id of its own as
 * a notification, but a state. */
static char *
notification_id(const Received *received, const StoreNotice *notice)
{
	char *id = notice_text(notice->id);

	if (id != NULL && notice->subject == NOTICE_PURCHASE &&
		received->provider == PROVIDER_GOOGLE_PLAY)
		return psprintf("%s/%d", id, (int) notice->state);
	if (id != NULL)
		return id;
	/*
	 * a transaction of Apple's that a phone sent alone has no notification's id: Apple signs it
	 * anew each time that it changes, so that the date of the signature makes the id
	 */
	return psprintf("%s/" INT64_FORMAT, notice_text(notice->transaction), notice->signed_at);
}

/* The provider's type with its subtype, for people who look at the inbox. */
static char *
kind_of(const StoreNotice *notice)
{
	char *type = notice_text(notice->type);
	char *subtype = notice_text(notice->subtype);

	if (type == NULL)
		type = pstrdup("transaction");
	return subtype == NULL ? type : psprintf("%s/%s", type, subtype);
}

/* A text as a slice; an absent one for NULL. */
static JsonSlice
slice_from(const char *text)
{
	return (JsonSlice){text, text == NULL ? 0 : strlen(text)};
}

/* A slice as a text that ends with a zero byte; NULL for an absent one. */
static char *
text_from(JsonSlice slice)
{
	return slice.bytes == NULL ? NULL : pnstrdup(slice.bytes, slice.size);
}

/* One row of the answer. */
static void
row_return(FunctionCallInfo fcinfo, const InboxRow *row)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	const NoticeEffect *effect = &row->effect;
	Datum values[] = {
		UUIDPGetDatum(&row->id),
		CStringGetTextDatum(row->kind),
		UUIDPGetDatum(&effect->user),
		CStringGetTextDatum(notice_outcome_names[effect->outcome]),
		effect->detail == NULL ? (Datum) 0 : CStringGetTextDatum(effect->detail),
		effect->result == NULL ? (Datum) 0 : CStringGetTextDatum(effect->result),
	};
	bool nulls[] = {
		false, false, !effect->has_user, false, effect->detail == NULL, effect->result == NULL};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}
