/*
 * export.c: everything that is held about a person, as one document.
 *
 * Invariants: the document has a member for each table that holds something of a person's own:
 * an array of the person's rows, under the name of the table, empty if there are none. No row
 * of another person is in it, and of a row that two people share only this person's side. What
 * is left out is a copy (the cached answer of a handshake) or a counter (versions).
 *
 * Rights: identity_resolve_user() decides about whom the caller may ask; the statements run
 * with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"
#include "identity/guest.h"

typedef struct Member
{
	const char *table;
	KeptPlan rows; /* $1 is the user; gives one value, null for no row */
} Member;

/*
 * A member from the rows t of any FROM clause; from rows of the table that have the user's id;
 * and from what a query takes of rows that tell of other people too.
 */
#define ROWS(name, from, order)                                                                \
	{                                                                                          \
		name,                                                                                  \
		{                                                                                      \
			.sql = "SELECT json_agg(t ORDER BY " order ") FROM " from, .nargs = 1, .types = {  \
				UUIDOID                                                                        \
			}                                                                                  \
		}                                                                                      \
	}
/* The person, and accounts that were merged into it, with which some rows stay. */
#define PERSON                                                                                 \
	"ANY (ARRAY(SELECT $1 UNION ALL"                                                           \
	" SELECT m.id FROM coursebase.users m WHERE m.merged_into = $1))"
/* The same as texts, and as objects of the audit trail. */
#define PERSON_TEXTS(before)                                                                   \
	"ANY (ARRAY(SELECT " before "$1 UNION ALL"                                                 \
	" SELECT " before "m.id FROM coursebase.users m WHERE m.merged_into = $1))"
#define PERSON_TEXT    PERSON_TEXTS("'' || ")
#define PERSON_AUDITED PERSON_TEXTS("'users/' || ")
/* What the audit trail tells of a row of the person, or of the person; of a transfer only this
 * side. */
#define AUDITED(content)                                                                       \
	"CASE WHEN a.object = " PERSON_AUDITED " OR a." content " ->> 'user_id' = " PERSON_TEXT    \
	" THEN a." content " END AS " content
#define OWN(name, order) ROWS(name, "coursebase." name " t WHERE t.user_id = $1", order)
#define PART(name, columns, from, order)                                                       \
	ROWS(name, "(SELECT " columns " FROM coursebase." from ") t", order)

static Member members[] = {
	ROWS("users", "coursebase.users t WHERE t.id = " PERSON, "t.id"),
	/* not who brought the person: that is another person */
	PART("user_profile",
		 "p.user_id, p.first_name, p.last_name, p.phone_number, p.country, p.lead_source, "
		 "p.email, p.time_zone, p.devices, p.referral_code, "
		 "p.referred_by IS NOT NULL OR EXISTS (SELECT FROM coursebase.referral_deliveries d "
		 "WHERE d.user_id = p.user_id) AS referred, p.role, p.created_at, p.updated_at",
		 "user_profile p WHERE p.user_id = $1", "t.user_id"),
	PART("user_cohorts", "u.*, c.code AS cohort_code, c.name AS cohort_name",
		 "user_cohorts u JOIN coursebase.cohorts c ON c.id = u.cohort_id WHERE u.user_id = $1",
		 "t.user_id"),
	PART("memberships", "m.*, o.name AS organization_name",
		 "memberships m JOIN coursebase.organizations o ON o.id = m.organization_id "
		 "WHERE m.user_id = $1",
		 "t.created_at, t.id"),
	PART("discount_codes", "c.code, c.product_type, c.is_active, c.created_at",
		 "discount_codes c WHERE c.referrer_id = $1", "t.code"),
	/* the terms of the quote are those of a redemption: not whose code it is */
	PART("user_discounts",
		 "d.user_id, d.discount_code_id, d.assigned_at, d.expires_at, d.status, "
		 "d.reserved_until, d.order_ref, d.created_at, d.updated_at, "
		 "d.quote #- '{terms,referrer_id}' AS quote, c.code",
		 "user_discounts d JOIN coursebase.discount_codes c ON c.id = d.discount_code_id "
		 "WHERE d.user_id = " PERSON,
		 "t.assigned_at, t.discount_code_id"),
	/* not whose code it was */
	PART("discount_redemptions",
		 "r.id, r.user_id, r.discount_code_id, r.order_ref, r.base_in_cents, "
		 "r.discount_in_cents, r.final_in_cents, r.currency, r.terms - 'referrer_id' AS terms, "
		 "r.redeemed_at, r.reversed_at",
		 "discount_redemptions r WHERE r.user_id = " PERSON, "t.redeemed_at, t.id"),
	/* not for whom the credit was paid */
	PART("referral_credits",
		 "r.id, r.amount_in_cents, r.spent_in_cents, r.currency, r.source, r.earned_at, "
		 "r.available_at, r.expires_at, r.revoked_at, r.created_at, r.updated_at",
		 "referral_credits r WHERE r.user_id = " PERSON, "t.earned_at, t.id"),
	ROWS("referral_spendings", "coursebase.referral_spendings t WHERE t.user_id = " PERSON,
		 "t.spent_at, t.order_ref, t.referral_credit_id"),
	OWN("purchases", "t.created_at, t.id"),
	PART("purchase_refunds", "r.*",
		 "purchase_refunds r JOIN coursebase.purchases p ON p.id = r.purchase_id "
		 "WHERE p.user_id = $1",
		 "t.refunded_at, t.refund_ref"),
	OWN("course_grants", "t.created_at, t.id"),
	OWN("user_course_access", "t.created_at, t.course_id"),
	OWN("user_lesson_complete", "t.created_at, t.lesson_id"),
	OWN("store_receipts", "t.created_at, t.id"),
	PART("store_refunds", "f.*",
		 "store_refunds f JOIN coursebase.store_receipts r ON r.source = f.source "
		 "AND r.environment = f.environment AND r.purchase_id = f.purchase_id "
		 "WHERE r.user_id = $1",
		 "t.refunded_at, t.purchase_id, t.refund_ref"),
	/* a transfer between two people names both: it is told without its document */
	PART("store_notifications",
		 "n.id, n.provider, n.environment, n.notification_id, n.kind, n.proof, "
		 "CASE WHEN n.kind <> 'TRANSFER' THEN n.body END AS body, "
		 "CASE WHEN n.kind <> 'TRANSFER' THEN n.details END AS details, "
		 "n.user_id, n.outcome, n.detail, n.result, n.needs, n.happened_at, n.received_at, "
		 "n.applied_at, n.created_at, n.updated_at, "
		 "CASE WHEN n.kind <> 'TRANSFER' THEN n.waits_for END AS waits_for, n.settles_review",
		 "store_notifications n WHERE n.user_id = $1", "t.received_at, t.id"),
	OWN("course_purchases", "t.purchased_at, t.id"),
	OWN("custom_courses", "t.created_at, t.id"),
	PART("custom_course_versions", "v.*",
		 "custom_course_versions v JOIN coursebase.custom_courses c "
		 "ON c.id = v.custom_course_id WHERE c.user_id = $1",
		 "t.created_at, t.custom_course_id, t.base_checksum"),
	PART("custom_course_purchases", "p.*",
		 "custom_course_purchases p JOIN coursebase.custom_courses c ON c.id = p.course_id "
		 "WHERE c.user_id = $1",
		 "t.created_at, t.id"),
	OWN("subscriptions", "t.id"),
	OWN("subscription_lines", "t.store, t.original_transaction_id"),
	OWN("subscription_events", "t.event_time, t.id"),
	OWN("ai_usage", "t.user_id"),
	OWN("ai_credit_purchases", "t.purchased_at, t.id"),
	OWN("credit_log", "t.position"),
	OWN("payment_transactions", "t.created_at, t.id"),
	OWN("course_entitlements", "t.created_at, t.id"),
	PART("course_workout_completions", "k.*",
		 "course_workout_completions k JOIN coursebase.course_entitlements e "
		 "ON e.id = k.entitlement_id WHERE e.user_id = $1",
		 "t.completed_at, t.id"),
	/* the transaction that told is the server's business */
	PART("access_events", "e.id, e.at, e.kind, e.user_id, e.subject, e.source, e.until",
		 "access_events e WHERE e.user_id = " PERSON, "t.id"),
	OWN("analytics", "t.user_id"),
	OWN("audio_usage", "t.course_code, t.audio_key"),
	OWN("app_logs", "t.created_at, t.id"),
	OWN("server_logs", "t.created_at, t.id"),
	/* what the person did to others is told without them, and what others did to the person
	 * without who did it */
	PART("audit_events",
		 "a.id, a.action, coalesce(a.actor_id = " PERSON
		 ", false) AS by_oneself, " AUDITED("old") ", " AUDITED("new") ", a.created_at",
		 "audit_events a WHERE a.actor_id = " PERSON " OR a.object = " PERSON_AUDITED
		 " OR coalesce(a.new, a.old) ->> 'user_id' = " PERSON_TEXT,
		 "t.created_at, t.id"),
};

/* What home has of somebody who lives in another cell (identity/guest.h). */
static const char *const of_guests[] = {
	"users",
	"memberships",
	"store_notifications",
	"payment_transactions",
	"course_entitlements",
	"course_workout_completions",
	"access_events",
	"server_logs",
	"audit_events",
};

static KeptPlan find_guest = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = $1 AND u.is_guest",
	.nargs = 1,
	.types = {UUIDOID},
};

static Datum export_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, bool guest);
static bool is_of_guests(const char *table);
static bool member_append(StringInfo out, Member *member, Datum user);

PG_FUNCTION_INFO_V1(coursebase_export_user);
PG_FUNCTION_INFO_V1(coursebase_export_guest);

/*
 * SQL function: export_user(user_id uuid) returns json
 *
 * NULL for nobody, and for a person without a row: the first member is that of users.
 */
PGDLLEXPORT Datum
coursebase_export_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;

	if (!identity_resolve_user(args_uuid_or_null(fcinfo, 0), &user))
		PG_RETURN_NULL();
	return export_return(fcinfo, &user, false);
}

/*
 * SQL function: export_guest(user_id uuid) returns json
 *
 * NULL for nobody, and for whoever is no guest here.
 */
PGDLLEXPORT Datum
coursebase_export_guest(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);
	bool known;

	organizations_require_home();
	known = identity_resolve_anywhere(args_uuid_or_null(fcinfo, 0), &user);
	SPI_connect();
	known = known && owner_execute(&find_guest, &key, NULL, true) > 0;
	SPI_finish();
	if (!known)
		PG_RETURN_NULL();
	return export_return(fcinfo, &user, true);
}

/* The document; NULL for a person without a row. */
static Datum
export_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, bool guest)
{
	StringInfoData out;
	bool known = true;

	initStringInfo(&out);
	SPI_connect();
	for (int i = 0; i < lengthof(members) && known; i++)
		if ((!guest || is_of_guests(members[i].table)) &&
			!member_append(&out, &members[i], UUIDPGetDatum(user)) && i == 0)
			known = false;
	SPI_finish();
	if (!known)
		PG_RETURN_NULL();
	appendStringInfoChar(&out, '}');
	PG_RETURN_DATUM(PointerGetDatum(cstring_to_text_with_len(out.data, out.len)));
}

static bool
is_of_guests(const char *table)
{
	for (int i = 0; i < lengthof(of_guests); i++)
		if (strcmp(of_guests[i], table) == 0)
			return true;
	return false;
}

/* Appends the member; false if the table holds nothing about the user. */
static bool
member_append(StringInfo out, Member *member, Datum user)
{
	char *rows;

	owner_execute(&member->rows, &user, NULL, true);
	rows = plan_text(0, 1);
	appendStringInfo(out, "%s\"%s\": %s", out->len == 0 ? "{" : ",\n ", member->table,
					 rows != NULL ? rows : "[]");
	if (rows == NULL)
		return false;
	pfree(rows);
	return true;
}
