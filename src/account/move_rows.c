/*
 * move_rows.c: all rows of a person as one document, out of this cell and into another.
 *
 * Invariants: every value is the text that its type's output function gives, under settings
 * that do not depend on the session, so that its input function makes the same value again;
 * columns that the server generates are left out. Rows are written as a subscription writes
 * them (session_replication_role): what triggers derived moves along. The server checks no
 * foreign key of such rows, and so those to the catalogue are checked at the end.
 *
 * Of the audit trail the rows about the person are copied, because a trail loses none. Events
 * get the place before all others and a new number: each consumer of the cell that they leave
 * has acknowledged them, and those of the cell to which they come are past that place.
 *
 * Rows of organisations do not move: on home, where they are, the person stays as a guest, with
 * the accounts that were merged. put_person() finds the row of the guest there, and writes over
 * it.
 *
 * A notification that stands in the inbox of both cells is the person's afterwards.
 *
 * Places of discount codes stay with the cell that counted them (discount_codes.moved_uses).
 *
 * Locks: the caller holds the rows of users. Rights: those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/move_rows.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/session_setting.h"
#include "sales/later_course.h"

/* clang-format off */
/*
 * scope: each table whose rows go, and the condition that finds the person's, of which $1 is
 * people. A row that names a person itself is that person's, whatever else it points to.
 */
#define NAMES_A_USER(rel) "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = " rel \
	" AND a.attname = 'user_id' AND NOT a.attisdropped)"
#define COLUMNS_OF(rel, keys) "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY o.n)" \
	" FROM unnest(" keys ") WITH ORDINALITY AS o (attnum, n) JOIN pg_attribute a" \
	" ON a.attrelid = " rel " AND a.attnum = o.attnum)"
/* c: the columns of the foreign key k, of the table that points and of the one it points to. */
#define KEY_COLUMNS \
	" CROSS JOIN LATERAL (SELECT " COLUMNS_OF("k.conrelid", "k.conkey") " AS columns, " \
	COLUMNS_OF("k.confrelid", "k.confkey") " AS target) c"
#define SCOPE \
	"WITH RECURSIVE listed AS (" \
	" SELECT t.n, t.table_name, t.kind, format('coursebase.%I', t.table_name)::regclass AS rel" \
	" FROM coursebase.cell_tables() WITH ORDINALITY" \
	"  AS t (table_name, kind, is_kept, own_columns, n))," \
	" found (n, table_name, rel, condition, depth) AS (" \
	" SELECT l.n, l.table_name, l.rel, (CASE WHEN l.table_name = 'users' THEN 'id'" \
	"  ELSE 'user_id' END || ' = ANY ($1)') COLLATE \"C\", 0" \
	" FROM listed l WHERE l.kind = 'person'" \
	"  AND (l.table_name = 'users' OR " NAMES_A_USER("l.rel") ")" \
	" UNION ALL" \
	" SELECT l.n, l.table_name, l.rel, format('(%s) IN (SELECT %s FROM %s WHERE %s)'," \
	"  " COLUMNS_OF("k.conrelid", "k.conkey") ", " COLUMNS_OF("k.confrelid", "k.confkey") "," \
	"  k.confrelid::regclass, f.condition) COLLATE \"C\", f.depth + 1" \
	" FROM found f JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = f.rel" \
	"  AND k.conrelid <> k.confrelid" \
	" JOIN listed l ON l.rel = k.conrelid AND l.kind = 'person'" \
	"  AND NOT " NAMES_A_USER("l.rel") ")," \
	" scope AS (SELECT DISTINCT ON (f.n) f.* FROM found f ORDER BY f.n, f.depth, f.condition)"

/* Where organisations live: their rows stay there. */
#define ON_HOME "EXISTS (SELECT FROM coursebase.this_cell h WHERE h.number = h.home)"
/* Whether the row of users stays as a guest: a table of organisations points to one of them.
 * $1 is people. */
#define STAYS \
	"(SELECT string_agg(format('EXISTS (SELECT FROM %s WHERE %s = ANY ($1))', k.conrelid::regclass," \
	"  c.name), ' OR ' ORDER BY l.n) FROM listed l JOIN pg_constraint k ON k.contype = 'f'" \
	"  AND k.conrelid = l.rel AND k.confrelid = 'coursebase.users'::regclass" \
	"  AND k.conparentid = 0" \
	" CROSS JOIN LATERAL (SELECT " COLUMNS_OF("k.conrelid", "k.conkey") " AS name) c" \
	" WHERE l.kind = 'organization')"

/* The rows of the audit trail that an export shows. */
#define AUDITED \
	"actor_id = ANY ($1) OR object IN (SELECT 'users/' || u FROM unnest($1) u)" \
	" OR coalesce(new, old) ->> 'user_id' IN (SELECT u::text FROM unnest($1) u)"

/* A key whose rows cannot be split over two servers: a table that does not go points to one that
 * does, but for this server's own tables, which forget, and for organisations on home; or both
 * go, and the rows are of two. */
static KeptPlan read_ties = {
	.sql = SCOPE
	" SELECT string_agg(format('SELECT %L WHERE EXISTS (SELECT FROM %s WHERE (%s) IN"
	"  (SELECT %s FROM %s WHERE %s)%s)%s', format('%s of %s', k.conname, k.conrelid::regclass),"
	"  k.conrelid::regclass, c.columns, c.target, k.confrelid::regclass, s.condition,"
	"  ' AND (' || o.condition || ') IS NOT TRUE',"
	"  CASE WHEN o.rel IS NOT NULL THEN format(' OR EXISTS (SELECT FROM %s WHERE (%s) AND (%s)"
	"   IN (SELECT %s FROM %s WHERE (%s) IS NOT TRUE))', k.conrelid::regclass, o.condition,"
	"   c.columns, c.target, k.confrelid::regclass, s.condition) END), ' UNION ALL ')"
	" FROM pg_constraint k JOIN scope s ON s.rel = k.confrelid"
	" LEFT JOIN scope o ON o.rel = k.conrelid"
	" LEFT JOIN listed l ON l.rel = k.conrelid"
	KEY_COLUMNS
	" WHERE k.contype = 'f' AND k.conparentid = 0 AND l.kind IS DISTINCT FROM 'server'"
	"  AND NOT (l.kind IS NOT DISTINCT FROM 'organization'"
	"   AND k.confrelid = 'coursebase.users'::regclass AND " ON_HOME ")",
};
/*
 * A referral of which one goes and the other stays: the state of its credit becomes that of a
 * delivery, which has arrived.
 */
#define PARTED "(p.user_id = ANY ($1)) <> (p.referred_by = ANY ($1))"
static KeptPlan part_referrals = {
	.sql = "WITH told AS ("
	" INSERT INTO coursebase.referral_deliveries (referred, user_id, referrer_id, version,"
	"  delivered_version, amount_in_cents, currency, earned_at, available_at, expires_at,"
	"  revoked_at, revoked_by_refund)"
	" SELECT p.user_id, p.user_id, p.referred_by, (c.id IS NOT NULL)::integer,"
	"  (c.id IS NOT NULL)::integer, c.amount_in_cents, c.currency, c.earned_at,"
	"  c.available_at, c.expires_at, c.revoked_at, coalesce(c.revoked_by_refund, false)"
	" FROM coursebase.user_profile p"
	" LEFT JOIN coursebase.referral_credits c ON c.referred_user_id = p.user_id"
	" WHERE " PARTED " RETURNING user_id),"
	" credits AS (UPDATE coursebase.referral_credits c"
	"  SET referred_elsewhere = c.referred_user_id, referred_user_id = NULL,"
	"   delivery_version = 1, revoked_by_refund = false"
	"  FROM told t WHERE c.referred_user_id = t.user_id)"
	" UPDATE coursebase.user_profile p SET referred_by = NULL"
	" FROM told t WHERE p.user_id = t.user_id",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* Whoever has a referral to be parted, and by a merge the delivery of another account as well:
 * that one goes back to its account, because a person has one delivery. */
static KeptPlan return_deliveries = {
	.sql = "UPDATE coursebase.referral_deliveries d SET user_id = d.referred"
	" FROM coursebase.user_profile p WHERE " PARTED " AND d.user_id = p.user_id"
	"  AND d.referred <> d.user_id",
	.nargs = 1, .types = {UUIDARRAYOID},
};
static KeptPlan find_unlocked = {
	.sql = "SELECT FROM coursebase.user_profile p WHERE " PARTED
	" AND (p.user_id <> ALL ($2) OR p.referred_by <> ALL ($2)) LIMIT 1",
	.nargs = 2, .types = {UUIDARRAYOID, UUIDARRAYOID},
};
/* Events that a consumer is still to act on. */
static KeptPlan find_events = {
	.sql = "SELECT n.name FROM coursebase.event_consumers n WHERE EXISTS ("
	" SELECT FROM coursebase.access_events e WHERE e.user_id = ANY ($1)"
	"  AND (e.xid, e.id) > (n.done_xid, n.done_id) AND NOT EXISTS ("
	"   SELECT FROM coursebase.event_claims c WHERE c.consumer = n.name"
	"   AND c.event_id = e.id AND c.claimed_until IS NULL))"
	" OR EXISTS (SELECT FROM coursebase.event_claims c WHERE c.consumer = n.name"
	"  AND c.user_id = ANY ($1) AND c.claimed_until IS NOT NULL) LIMIT 1",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* One statement a table, which gives its rows. */
static KeptPlan read_readers = {
	.sql = SCOPE ", gone AS (SELECT s.n, s.table_name, s.rel, s.condition FROM scope s"
	" UNION ALL SELECT l.n, l.table_name, l.rel, " "$$" AUDITED "$$"
	" FROM listed l WHERE l.table_name = 'audit_events')"
	" SELECT g.table_name, format('SELECT coalesce(json_agg(json_object(ARRAY[%s], ARRAY[%s])),"
	"  ''[]'')::text FROM %s WHERE %s', string_agg(quote_literal(a.attname), ', '"
	"  ORDER BY a.attnum), string_agg(quote_ident(a.attname) || '::text', ', '"
	"  ORDER BY a.attnum), g.rel, g.condition)"
	" FROM gone g JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum > 0"
	"  AND NOT a.attisdropped AND a.attgenerated = ''"
	" GROUP BY g.n, g.table_name, g.rel, g.condition ORDER BY g.n",
};
/* What points to a row goes before it; at last what this server made from the rows. */
static KeptPlan read_deleters = {
	.sql = SCOPE ", statement AS ("
	" SELECT 0 AS pass, s.n, format('DELETE FROM %s WHERE %s%s', s.rel, s.condition,"
	"  CASE s.table_name WHEN 'users' THEN ' AND NOT is_guest' ELSE '' END) AS sql"
	" FROM scope s"
	/* its name stays, which staff see */
	" UNION ALL SELECT -1, 0, format('UPDATE coursebase.users SET is_guest = true,"
	"  clerk_user_id = ''guest:'' || gen_random_uuid(), role = ''user'', image_url = NULL"
	"  WHERE id = ANY ($1) AND (%s)', " STAYS ")"
	" UNION ALL SELECT 1, l.n, CASE k.confdeltype"
	"  WHEN 'n' THEN format('UPDATE %s SET %s = NULL WHERE %2$s = ANY ($1)', l.rel, c.name)"
	"  ELSE format('DELETE FROM %s WHERE %s = ANY ($1)', l.rel, c.name) END"
	" FROM listed l JOIN pg_constraint k ON k.contype = 'f' AND k.conrelid = l.rel"
	"  AND k.confrelid = 'coursebase.users'::regclass AND k.conparentid = 0"
	" CROSS JOIN LATERAL (SELECT " COLUMNS_OF("k.conrelid", "k.conkey") " AS name) c"
	" WHERE l.kind = 'server'"
	/* no key leads from there, because a token without an account counts too */
	" UNION ALL SELECT 1, 0, 'DELETE FROM coursebase.app_log_counts WHERE writer_id = ANY ($1)')"
	" SELECT st.sql FROM statement st ORDER BY st.pass, st.n DESC",
};
/*
 * One statement for each table of the document, in the order of foreign keys, the columns that
 * this server does not have, and the table's rows, which are the argument of the statement: a
 * json is read from its beginning by every operator, and this one once and not once a table and
 * column. Not jsonb, which holds no array of 256 MB: who has more could neither arrive nor go
 * back. An event's place is before those of this cell. A referral code that somebody here has
 * stays that person's: who comes gets another, for there is no way back. A person who is a guest
 * here is one no more.
 */
static KeptPlan read_writers = {
	.sql = "WITH told AS MATERIALIZED ("
	"  SELECT j.key AS table_name, j.value -> 0 AS first, j.value AS rows"
	"  FROM json_each($1 -> 'tables') j WHERE json_array_length(j.value) > 0),"
	" named AS (SELECT t.table_name, c.name FROM told t"
	"  CROSS JOIN LATERAL json_object_keys(t.first) AS c (name)),"
	" typed AS (SELECT n.table_name, n.name, a.attnum,"
	"  format_type(a.atttypid, a.atttypmod) AS type"
	"  FROM named n LEFT JOIN pg_attribute a"
	"   ON a.attrelid = to_regclass(format('coursebase.%I', n.table_name))"
	"   AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
	"  WHERE n.table_name <> 'access_events' OR n.name <> 'id')"
	" SELECT format('INSERT INTO coursebase.%I AS k (%s) OVERRIDING SYSTEM VALUE SELECT %s"
	"  FROM json_array_elements($1) WITH ORDINALITY AS r (o, n)%s"
	"  ORDER BY r.n%s', t.table_name,"
	"  string_agg(quote_ident(t.name), ', ' ORDER BY t.attnum),"
	"  string_agg(CASE WHEN t.table_name = 'access_events' AND t.name = 'xid' THEN $$'0'$$"
	"   WHEN t.table_name = 'user_profile' AND t.name = 'referral_code' THEN"
	"   $$(CASE WHEN EXISTS (SELECT FROM coursebase.user_profile p WHERE p.referral_code ="
	" r.o ->> 'referral_code') THEN coursebase.draw_referral_code()"
	" ELSE r.o ->> 'referral_code' END)$$"
	"   ELSE format('(r.o ->> %L)', t.name) END || '::' || t.type, ', ' ORDER BY t.attnum),"
	"  CASE t.table_name WHEN 'audit_events' THEN ' WHERE NOT EXISTS (SELECT FROM"
	" coursebase.audit_events e WHERE e.id = (r.o ->> ''id'')::uuid)' ELSE '' END,"
	"  CASE t.table_name WHEN 'users' THEN format(' ON CONFLICT (id) DO UPDATE SET %s"
	"   WHERE k.is_guest', string_agg(format('%I = excluded.%1$I', t.name), ', ')"
	"   FILTER (WHERE t.type IS NOT NULL)) ELSE '' END),"
	"  string_agg(format('%s.%s', t.table_name, t.name), ', ') FILTER (WHERE t.type IS NULL"
	"   OR l.kind IS DISTINCT FROM 'person' AND t.table_name <> 'audit_events'),"
	"  (SELECT o.rows::text FROM told o WHERE o.table_name = t.table_name)"
	" FROM typed t LEFT JOIN coursebase.cell_tables() WITH ORDINALITY"
	"  AS l (table_name, kind, is_kept, own_columns, n) ON l.table_name = t.table_name"
	" GROUP BY l.n, t.table_name ORDER BY l.n",
	.nargs = 1, .types = {JSONOID},
};
/* The document passes through the server's hands: a table with a row that is no row of $2. */
static KeptPlan find_others = {
	.sql = "SELECT j.key FROM json_each($1 -> 'tables') j"
	" CROSS JOIN LATERAL json_array_elements(j.value) r WHERE CASE j.key"
	"  WHEN 'users' THEN ((r ->> 'id')::uuid = ANY ($2)) IS NOT TRUE"
	"  WHEN 'audit_events' THEN ((r ->> 'actor_id')::uuid = ANY ($2)"
	"   OR r ->> 'object' IN (SELECT 'users/' || u FROM unnest($2) u)"
	"   OR coalesce(r ->> 'new', r ->> 'old')::jsonb ->> 'user_id'"
	"    IN (SELECT u::text FROM unnest($2) u)) IS NOT TRUE"
	"  ELSE (r ->> 'user_id')::uuid <> ALL ($2) END LIMIT 1",
	.nargs = 2, .types = {JSONOID, UUIDARRAYOID},
};
/*
 * What was sent here too while the person lived elsewhere, and found nobody or the guest: the
 * person's own row says what became of it.
 */
static KeptPlan delete_notifications = {
	.sql = "DELETE FROM coursebase.store_notifications n"
	" USING json_array_elements($1 -> 'tables' -> 'store_notifications') r"
	" WHERE n.provider = r ->> 'provider' AND n.environment = r ->> 'environment'"
	"  AND n.notification_id = r ->> 'notification_id'"
	"  AND (n.user_id IS NULL OR n.user_id = ANY ($2))",
	.nargs = 2, .types = {JSONOID, UUIDARRAYOID},
};
/* Whoever of $1 is a guest here has rows already, of which put_person() writes that of users anew
 * and adds to the rest. */
static KeptPlan find_guests = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = ANY ($1) AND u.is_guest LIMIT 1",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* A statement that tells how many rows of each table the people have, by its name. */
static KeptPlan read_counts = {
	.sql = SCOPE
	" SELECT 'SELECT json_object_agg(t.name, t.count)::text FROM (' || string_agg(format("
	"  'SELECT %L AS name, count(*) FROM %s WHERE %s', s.table_name, s.rel, s.condition),"
	"  ' UNION ALL ') || ') t'"
	" FROM scope s WHERE s.table_name <> 'users'",
};
/*
 * The same of the rows as they were written, for what only tables and keys tell: a table of
 * which the people have not as many rows more than before ($2) as the document, so that some are
 * nobody's or hang from rows of others; a key that points from the people's rows to another's, or
 * to none. take_person() lets nobody go who has either.
 */
static KeptPlan read_strays = {
	.sql = SCOPE ", written AS (SELECT j.key,"
	"  json_array_length(j.value) + coalesce(($2::json ->> j.key)::bigint, 0) AS count"
	"  FROM json_each($1 -> 'tables') j),"
	" statement AS (SELECT format('SELECT %L WHERE (SELECT count(*) FROM %s WHERE %s) <> %s',"
	"   w.key, s.rel, s.condition, w.count) AS sql"
	"  FROM written w JOIN scope s ON s.table_name = w.key"
	"  UNION ALL SELECT format('SELECT %L WHERE EXISTS (SELECT FROM %s WHERE (%s) AND"
	"   (%s) IS NOT NULL AND (%s) NOT IN (SELECT %s FROM %s WHERE %s))',"
	"   k.conrelid::regclass || ', by ' || k.conname, k.conrelid::regclass, o.condition,"
	"   c.columns, c.columns, c.target, k.confrelid::regclass, s.condition)"
	"  FROM pg_constraint k JOIN scope o ON o.rel = k.conrelid"
	"  JOIN scope s ON s.rel = k.confrelid"
	KEY_COLUMNS
	"  WHERE k.contype = 'f' AND k.conparentid = 0)"
	" SELECT string_agg(st.sql, ' UNION ALL ') FROM statement st",
	.nargs = 2, .types = {JSONOID, TEXTOID},
};
/*
 * Whoever is one of $1 beside the person $2 is an account that was merged into that one; an
 * account with the external id by which the directory has somebody else would be found by that
 * one's tokens.
 */
static KeptPlan find_impostors = {
	.sql = "SELECT a.id FROM unnest($1) AS a (id)"
	" LEFT JOIN coursebase.users u ON u.id = a.id AND NOT u.is_guest"
	" LEFT JOIN coursebase.people p ON p.external_id = u.clerk_user_id"
	"  AND (u.deleted_at IS NULL OR u.merged_into IS NOT NULL)"
	" WHERE u.id IS NULL OR u.merged_into IS DISTINCT FROM nullif($2, u.id)"
	"  OR p.user_id <> u.id LIMIT 1",
	.nargs = 2, .types = {UUIDARRAYOID, UUIDOID},
};
/* Rows of the trail that stayed here when the person left say again who acted. */
static KeptPlan restore_actors = {
	.sql = "UPDATE coursebase.audit_events e SET actor_id = (r ->> 'actor_id')::uuid"
	" FROM json_array_elements($1 -> 'tables' -> 'audit_events') r"
	" WHERE e.id = (r ->> 'id')::uuid AND e.actor_id IS NULL"
	"  AND (r ->> 'actor_id')::uuid = ANY ($2)",
	.nargs = 2, .types = {JSONOID, UUIDARRAYOID},
};
/* A handshake that was cached for an earlier version, here or elsewhere, is none of this one. */
static KeptPlan begin_versions = {
	.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
	" SELECT u, 1 + (random() * 1e15)::bigint"
	" FROM unnest($1) u ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* A grant with an end counts only where its course says that there may be one: in the order of
 * the ids, as sales write it. */
static KeptPlan mark_ends = {
	.sql = "UPDATE coursebase.courses c SET grants_may_end = true FROM ("
	"  SELECT k.id FROM coursebase.courses k WHERE NOT k.grants_may_end AND k.id IN ("
	"   SELECT g.course_id FROM coursebase.course_grants g"
	"   WHERE g.user_id = ANY ($1) AND g.expires_at IS NOT NULL)"
	"  ORDER BY k.id FOR NO KEY UPDATE) l WHERE c.id = l.id",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* Of user_discounts e the people's entries that take one of a code's max_redemptions: those that
 * check_integrity() counts as places as well. */
#define TAKES_A_PLACE "e.user_id = ANY ($1) AND e.status IN ('reserved', 'redeemed')"

/* A code counts the places that went to other cells, so that they stay taken here. $2 is 1 for a
 * person who goes, -1 for one who comes. */
static KeptPlan count_moved = {
	.sql = "UPDATE coursebase.discount_codes c SET moved_uses = c.moved_uses + $2 * d.uses"
	" FROM (SELECT e.discount_code_id, count(*) AS uses FROM coursebase.user_discounts e"
	"  WHERE " TAKES_A_PLACE " GROUP BY 1) d"
	" WHERE c.id = d.discount_code_id",
	.nargs = 2, .types = {UUIDARRAYOID, INT8OID},
};
/* Locks the codes in the order of their ids, before count_moved writes them: two people who move
 * at once then wait in turn. */
static KeptPlan lock_codes = {
	.sql = "SELECT FROM coursebase.discount_codes c WHERE c.id IN ("
	" SELECT e.discount_code_id FROM coursebase.user_discounts e WHERE " TAKES_A_PLACE ")"
	" ORDER BY c.id FOR NO KEY UPDATE",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* A key to what does not move, of a row that has come. */
static KeptPlan read_lacks = {
	.sql = SCOPE
	" SELECT string_agg(format('SELECT %L WHERE EXISTS (SELECT FROM %s WHERE (%s) AND"
	"  (%s) IS NOT NULL AND (%s) NOT IN (SELECT %s FROM %s))',"
	"  format('%s of %s', k.conname, k.conrelid::regclass), k.conrelid::regclass, o.condition,"
	"  c.columns, c.columns, c.target, k.confrelid::regclass), ' UNION ALL ')"
	" FROM pg_constraint k JOIN scope o ON o.rel = k.conrelid"
	" LEFT JOIN scope s ON s.rel = k.confrelid"
	KEY_COLUMNS
	" WHERE k.contype = 'f' AND k.conparentid = 0 AND s.rel IS NULL",
};
/*
 * What this server knows of the products that the people have bought. Who bought a product that
 * gives_later_courses gets a course where its row arrives, which is neither cell while somebody is
 * on the way.
 */
static KeptPlan read_product_courses = {
	.sql = "SELECT coalesce(json_agg(json_build_array(c.product_id, c.course_id)"
	"  ORDER BY c.product_id, c.course_id), '[]')::text FROM coursebase.course_products c"
	" WHERE c.product_id IN (SELECT s.product_id FROM coursebase.purchases s"
	"  WHERE s.user_id = ANY ($1))",
	.nargs = 1, .types = {UUIDARRAYOID},
};
/* The same of the document, as two lists; no row for a document of a release that
 * did not tell. */
static KeptPlan read_known = {
	.sql = "SELECT ARRAY(SELECT (k ->> 0)::uuid FROM json_array_elements(d.pairs)"
	"   WITH ORDINALITY AS p (k, n) ORDER BY p.n),"
	"  ARRAY(SELECT (k ->> 1)::uuid FROM json_array_elements(d.pairs)"
	"   WITH ORDINALITY AS p (k, n) ORDER BY p.n)"
	" FROM (SELECT $1 -> 'product_courses') AS d (pairs) WHERE d.pairs IS NOT NULL",
	.nargs = 1, .types = {JSONOID},
};
/* clang-format on */

static char *counts_of(Datum people);
static void rows_require_own(Datum document, Datum people, const pg_uuid_t *user,
							 const char *before);
static void added_give(Datum document, Datum people);
pg_noreturn static void raise_others(const char *where);
static int session_neutral(void);
static char **texts_of(uint64 count, int column);
static char *found_of(KeptPlan *statements, Datum *of, Datum people);
static uint64 run(const char *sql, Oid type, Datum value);

void
move_rows_require_free(Datum people)
{
	char *tie = found_of(&read_ties, NULL, people);

	if (tie != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CB_MOVE_REFUSED), errmsg("the person cannot move alone"),
				 errdetail("Rows of others are bound to rows of the person: %s.", tie),
				 errhint("What belongs to two people keeps both in one cell.")));
	if (plan_execute_latest(&find_events, &people, NULL) > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_MOVING), errmsg("events about the person are on the way"),
			 errdetail("Consumer \"%s\" has not acknowledged them.", plan_text_required(0, 1)),
			 errhint("Try again when it has, or give the consumer up.")));
}

void
move_rows_untie(Datum people, Datum related)
{
	Datum values[] = {people, related};
	int level = session_neutral();

	if (plan_execute_latest(&find_unlocked, values, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_MOVING),
						errmsg("somebody was brought by the person in this moment"),
						errhint("Try again.")));
	plan_execute_latest(&return_deliveries, values, NULL);
	plan_execute_latest(&part_referrals, values, NULL);
	session_settings_end(level);
}

char *
move_rows_read(Datum people)
{
	int level = session_neutral();
	uint64 count = plan_execute_latest(&read_readers, NULL, NULL);
	char **names = texts_of(count, 1);
	char **readers = texts_of(count, 2);
	StringInfoData out;

	initStringInfo(&out);
	for (uint64 i = 0; i < count; i++)
	{
		run(readers[i], UUIDARRAYOID, people);
		appendStringInfo(&out, "%s\"%s\": %s", i == 0 ? "{" : ",\n ", names[i],
						 plan_text_required(0, 1));
	}
	appendStringInfoChar(&out, '}');
	session_settings_end(level);
	return out.data;
}

char *
move_rows_product_courses(Datum people)
{
	plan_execute_latest(&read_product_courses, &people, NULL);
	return plan_text_required(0, 1);
}

void
move_rows_delete(Datum people)
{
	Datum moved[] = {people, Int64GetDatum(1)};
	int level = session_neutral();
	uint64 count;
	char **deleters;

	plan_execute_latest(&lock_codes, moved, NULL);
	plan_execute_latest(&count_moved, moved, NULL);
	count = plan_execute_latest(&read_deleters, NULL, NULL);
	deleters = texts_of(count, 1);
	for (uint64 i = 0; i < count; i++)
		run(deleters[i], UUIDARRAYOID, people);
	session_settings_end(level);
}

void
move_rows_write(Datum document, Datum people, const pg_uuid_t *user)
{
	Datum actors[] = {document, people};
	Datum moved[] = {people, Int64GetDatum(-1)};
	int level = session_neutral();
	uint64 count;
	char **writers;
	char **unknown;
	char **rows;
	char *before;
	char *lack;

	if (plan_execute_latest(&find_others, actors, NULL) > 0)
		raise_others(plan_text_required(0, 1));
	plan_execute_latest(&delete_notifications, actors, NULL);
	before = counts_of(people);
	count = plan_execute_latest(&read_writers, &document, NULL);
	writers = texts_of(count, 1);
	unknown = texts_of(count, 2);
	rows = texts_of(count, 3);
	for (uint64 i = 0; i < count; i++)
	{
		if (unknown[i] != NULL)
			ereport(ERROR, (errcode(ERRCODE_CB_MOVE_REFUSED),
							errmsg("this cell has no place for all of the person's data"),
							errdetail("It lacks %s.", unknown[i]),
							errhint("Update coursebase here, and add what was added there.")));
		run(writers[i], JSONOID, CStringGetTextDatum(rows[i]));
	}
	plan_execute_latest(&restore_actors, actors, NULL);
	plan_execute_latest(&mark_ends, moved, NULL);
	plan_execute_latest(&begin_versions, moved, NULL);
	plan_execute_latest(&lock_codes, moved, NULL);
	plan_execute_latest(&count_moved, moved, NULL);
	session_settings_end(level);
	rows_require_own(document, people, user, before);
	lack = found_of(&read_lacks, NULL, people);
	if (lack != NULL)
		ereport(ERROR, (errcode(ERRCODE_CB_CELL_LACKS),
						errmsg("the cell lacks what rows of the person point to"),
						errdetail("It is missing behind %s.", lack),
						errhint("Try again when home's changes have come; lint() says what is "
								"in the way.")));
	added_give(document, people);
}

/* Gives what was added to the people's products since they left their cell, with triggers: of
 * this the cell had told nobody. */
static void
added_give(Datum document, Datum people)
{
	Datum products;
	Datum courses;

	if (plan_execute_latest(&read_known, &document, NULL) == 0)
		return;
	products = plan_value_as(0, 1, UUIDARRAYOID, NULL);
	courses = plan_value_as(0, 2, UUIDARRAYOID, NULL);
	later_courses_give(people, products, courses);
}

/* How many rows of each table a guest has who is to be a person, as JSON: what the inbox, the
 * log and the events have of them. An empty object for everybody else, who has none. */
static char *
counts_of(Datum people)
{
	char *sql;

	if (plan_execute_latest(&find_guests, &people, NULL) == 0)
		return "{}";
	plan_execute_latest(&read_counts, NULL, NULL);
	sql = plan_text_required(0, 1);
	run(sql, UUIDARRAYOID, people);
	return plan_text_required(0, 1);
}

/*
 * Raises KBC22 where a document that was just written has more than the person's own. It is
 * asked of the tables, which are sure to read it as everybody will. before: what counts_of()
 * told.
 */
static void
rows_require_own(Datum document, Datum people, const pg_uuid_t *user, const char *before)
{
	Datum written[] = {document, CStringGetTextDatum(before)};
	Datum accounts[] = {people, UUIDPGetDatum(user)};
	char *stray = found_of(&read_strays, written, people);

	if (stray != NULL)
		raise_others(stray);
	if (plan_execute_latest(&find_impostors, accounts, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_MOVE_REFUSED),
						errmsg("the document has an account that is not the person's"),
						errdetail("Account %s is none that was merged into %s, or has the "
								  "external id of somebody else.",
								  plan_text_required(0, 1), uuid_text(user)),
						errhint("Give what coursebase.take_person() answered.")));
}

static void
raise_others(const char *where)
{
	ereport(ERROR, (errcode(ERRCODE_CB_MOVE_REFUSED),
					errmsg("the document has rows of somebody who does not move"),
					errdetail("They are of %s.", where),
					errhint("Give what coursebase.take_person() answered.")));
}

/*
 * Until session_settings_end() with the level: no trigger but those that fire for a
 * subscription, and texts that do not depend on the session.
 */
static int
session_neutral(void)
{
	int level = session_settings_begin();

	session_setting_set("session_replication_role", "replica");
	session_settings_neutral();
	return level;
}

/* Copies a column of the rows that the last plan gave. */
static char **
texts_of(uint64 count, int column)
{
	char **texts = palloc(sizeof(char *) * (count + 1));

	for (uint64 i = 0; i < count; i++)
		texts[i] = plan_text(i, column);
	return texts;
}

/* The first of what the statements find, which the plan puts together from its argument, if it
 * has one; NULL for nothing. */
static char *
found_of(KeptPlan *statements, Datum *of, Datum people)
{
	char *sql;

	plan_execute_latest(statements, of, NULL);
	sql = plan_text_required(0, 1);
	return run(psprintf("%s LIMIT 1", sql), UUIDARRAYOID, people) == 0
			   ? NULL
			   : plan_text_required(0, 1);
}

/* The caller is at READ COMMITTED, where each statement sees what is committed by then. */
static uint64
run(const char *sql, Oid type, Datum value)
{
	int result;

	CHECK_FOR_INTERRUPTS();
	result = SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 0);
	if (result < 0)
		elog(ERROR, "%s: %s", SPI_result_code_string(result), sql);
	return SPI_processed;
}
