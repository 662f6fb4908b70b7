/*
 * entitlement.c: what the plans give, and which products give which of them.
 *
 * Invariant: what a session keeps is what the snapshot sees. A change of either table sends
 * the invalidation of the table to every session (the triggers below), which moves
 * rows_generation. What was read may be used by a snapshot that is not older than the one it
 * was read by, and only where that one was as new as any: otherwise a change that it did not
 * see may have been told already. Without that, what was read serves snapshots of the same age
 * alone. A serializable transaction reads both tables itself, or conflicts go unseen. So does
 * a transaction that has changed one of them: its snapshots of the same age see different
 * commands of its own.
 * What a transaction reads after it has written anything serves it alone where a change of its
 * own is in it: a trigger of an operator's that asks, and refuses the change, comes before ours
 * tells of the change.
 *
 * The server sends an invalidation a moment after it has made the change visible. In that
 * moment a session may answer with what it kept, as if it had been asked a moment before.
 * Whoever writes such an answer down for others calls entitlements_forget() first.
 *
 * Locks: none. Rights: the tables are read past row security, as settings are; the record of a
 * change is written with the rights of the tables' owner.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "billing/entitlement.h"
#include "billing/product_names.h"
#include "core/compat.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/rows.h"
#include "core/snapshot_key.h"
#include "identity/audit.h"
#include "json/object_write.h"

/* All rows; a missing table has none while a dump is restored. */
static RowsSource every_entitlement = {
	.table = "entitlements",
	.ncolumns = 4,
	.columns = {{"name", TEXTOID},
				{"weekly_credits", INT4OID},
				{"course_slots", INT4OID},
				{"covers_every_course", BOOLOID}},
};
static RowsSource every_product = {
	.table = "store_product_entitlements",
	.ncolumns = 2,
	.columns = {{"product_id", TEXTOID}, {"entitlement", TEXTOID}},
};

/* The place of a snapshot in time: snapshots of one server are in one order. */
typedef struct SnapshotAge
{
	TransactionId xmax;
	uint32 running; /* of two with the same xmax the later one has fewer */
} SnapshotAge;

typedef struct KeptEntitlements
{
	uint64 generation; /* of the tables; 0: nothing is kept */
	SnapshotAge age;
	bool lasting;                    /* good for later snapshots too */
	LocalTransactionId serializable; /* the one that read it, if it was such a one */
	LocalTransactionId writing;      /* the one that read it, if its own change is in it: */
	SubTransactionId within;         /* nobody else has what may yet be rolled back */
	Entitlements entitlements;
	MemoryContext context;
} KeptEntitlements;

static KeptEntitlements kept;

/* The transaction that last changed one of the tables. */
static LocalTransactionId changing = InvalidLocalTransactionId;

const EntitlementAsk entitlement_ask_any = {ENTITLEMENT_ANY, NULL};
const EntitlementAsk entitlement_ask_premium = {ENTITLEMENT_NAMED, ENTITLEMENT_PREMIUM};
const EntitlementAsk entitlement_ask_slots = {ENTITLEMENT_SLOTS, NULL};
const EntitlementAsk entitlement_ask_every_course = {ENTITLEMENT_EVERY_COURSE, NULL};

static SnapshotAge snapshot_age(Snapshot snapshot);
static int age_compare(SnapshotAge a, SnapshotAge b);
static bool kept_is_written_here(void);
static void kept_load(Snapshot snapshot);
static bool changed_here(Snapshot snapshot);
static bool entitlements_load(Entitlements *to, MemoryContext context, Snapshot snapshot);
static bool products_load(Entitlements *to, MemoryContext context, Snapshot snapshot);
static bool entitlements_equal(const Entitlements *a, const Entitlements *b);
static int entitlement_compare(const void *a, const void *b);
static int product_compare(const void *a, const void *b);
static bool name_is_asked(const Entitlements *known, const EntitlementAsk *ask,
						  const char *name);
static void change_tell(TriggerData *data, const char *action, const char *object, char *was,
						char *is);
static char *entitlement_json(TriggerData *data, HeapTuple row);
static char *product_json(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_tg_entitlements__changed);
PG_FUNCTION_INFO_V1(coursebase_tg_store_product_entitlements__changed);

/*
 * Asked for every premium question, so that the usual call compares two numbers and reads
 * nothing. order > 0: the snapshot is younger than the one that read the tables; it sees the
 * same only if that one was as new as any (lasting).
 */
const Entitlements *
entitlements_known(Snapshot snapshot)
{
	int order;

	/* within a transaction a lock that is held already brings no news */
	AcceptInvalidationMessages();
	if (likely(kept.generation == rows_generation))
	{
		order = age_compare(snapshot_age(snapshot), kept.age);
		if (likely(
				(order == 0 || (order > 0 && kept.lasting)) &&
				(!IsolationIsSerializable() || kept.serializable == snapshot_serializable()) &&
				(kept.writing == InvalidLocalTransactionId || kept_is_written_here())))
			return &kept.entitlements;
	}
	kept_load(snapshot);
	return &kept.entitlements;
}

/* As a change that is told: what was kept of rights was computed from what was kept here. */
void
entitlements_forget(void)
{
	rows_generation++;
}

const Entitlement *
entitlement_find(const Entitlements *known, const char *name)
{
	Entitlement key = {.name = name};

	if (known->count == 0)
		return NULL;
	return bsearch(&key, known->list, known->count, sizeof(key), entitlement_compare);
}

/* Premium is held by its name where its row was deleted, too. */
EntitlementNames
entitlement_names(void)
{
	const Entitlements *known = entitlements_known(GetActiveSnapshot());
	EntitlementNames names = {.names = palloc((known->count + 1) * sizeof(char *))};

	if (known->only_premium || known->premium == NULL)
		names.names[names.count++] = ENTITLEMENT_PREMIUM;
	for (int i = 0; i < known->count && !known->only_premium; i++)
		names.names[names.count++] = pstrdup(known->list[i].name);
	return names;
}

/* Premium keeps the slots that were filled, also where it gives none any more. */
bool
entitlement_is_asked(const Entitlement *entitlement, const EntitlementAsk *ask)
{
	switch (ask->kind)
	{
		case ENTITLEMENT_ANY:
			return true;
		case ENTITLEMENT_NAMED:
			return strcmp(entitlement->name, ask->name) == 0;
		case ENTITLEMENT_SLOTS:
			return entitlement->course_slots > 0 || entitlement->covers_every_course ||
				   strcmp(entitlement->name, ENTITLEMENT_PREMIUM) == 0;
		case ENTITLEMENT_EVERY_COURSE:
			return entitlement->covers_every_course;
	}
	return false;
}

/*
 * Rule: the longest name of a product that store_product_entitlements knows decides, and hides
 * what is said of a shorter one; a product of which nothing is said gives premium.
 */
bool
entitlement_given(const Entitlements *known, const EntitlementAsk *ask, const char *product)
{
	ProductNames names;

	if (ask->kind == ENTITLEMENT_ANY)
		return true;
	if (known->only_premium || product == NULL)
		return name_is_asked(known, ask, ENTITLEMENT_PREMIUM);
	names = product_names(product);
	for (int i = 0; i < PRODUCT_NAMES; i++)
	{
		bool said = false;

		for (int n = 0; n < known->nproducts; n++)
			if (strcmp(known->products[n].product, names.names[i]) == 0)
			{
				said = true;
				if (name_is_asked(known, ask, known->products[n].entitlement))
					return true;
			}
		if (said)
			return false;
	}
	return name_is_asked(known, ask, ENTITLEMENT_PREMIUM);
}

/* Without its row an entitlement gives nothing, and is still held by its name. */
static bool
name_is_asked(const Entitlements *known, const EntitlementAsk *ask, const char *name)
{
	const Entitlement *entitlement;

	if (ask->kind == ENTITLEMENT_NAMED)
		return strcmp(name, ask->name) == 0;
	entitlement = entitlement_find(known, name);
	return entitlement != NULL && entitlement_is_asked(entitlement, ask);
}

/* Of a standby's snapshot the running transactions are all among the subtransactions. */
static SnapshotAge
snapshot_age(Snapshot snapshot)
{
	return (SnapshotAge){snapshot->xmax, snapshot->takenDuringRecovery
											 ? (uint32) snapshot->subxcnt
											 : snapshot->xcnt};
}

/* Positive if the first is later. */
static int
age_compare(SnapshotAge a, SnapshotAge b)
{
	if (a.xmax != b.xmax)
		return TransactionIdFollows(a.xmax, b.xmax) ? 1 : -1;
	return a.running < b.running ? 1 : a.running > b.running ? -1 : 0;
}

/* Whether the subtransaction that read the plans still runs: what it wrote may be undone when a
 * savepoint is rolled back, which ends it as a release does. */
static bool
kept_is_written_here(void)
{
	return kept.writing == compat_local_transaction() &&
		   kept.within == GetCurrentSubTransactionId();
}

/*
 * The generation is taken before anything is read: a change that is told meanwhile makes it
 * stale. A parallel worker may not take a snapshot, and lives for one.
 */
static void
kept_load(Snapshot snapshot)
{
	uint64 generation;

	kept.generation = 0;
	if (kept.context == NULL)
		kept.context = AllocSetContextCreate(TopMemoryContext, "coursebase entitlements",
											 ALLOCSET_SMALL_SIZES);
	/* rows.c hears of changes from the first look-up on */
	if (every_product.resolved == 0)
		entitlements_load(&kept.entitlements, kept.context, snapshot);
	kept.age = snapshot_age(snapshot);
	kept.lasting = false;
	kept.serializable = snapshot_serializable();
	kept.within = GetCurrentSubTransactionId();
	generation = rows_generation;
	if (!IsInParallelMode())
		kept.lasting = age_compare(snapshot_age(GetLatestSnapshot()), kept.age) == 0;
	entitlements_load(&kept.entitlements, kept.context, snapshot);
	if (changing == compat_local_transaction())
		return;
	kept.writing =
		changed_here(snapshot) ? compat_local_transaction() : InvalidLocalTransactionId;
	kept.generation = generation;
}

/*
 * Whether what was just loaded is not what was there before the transaction's first command, or
 * may not be: a session whose every transaction writes before it asks would otherwise read the
 * tables in each of them. What a statement reads is never taken for unchanged: it would have
 * taken a snapshot of its own.
 */
static bool
changed_here(Snapshot snapshot)
{
	SnapshotData before = *snapshot;
	MemoryContext context;
	Entitlements was;
	bool changed;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	before.curcid = FirstCommandId;
	context = AllocSetContextCreate(CurrentMemoryContext, "coursebase entitlements before",
									ALLOCSET_SMALL_SIZES);
	changed = !entitlements_load(&was, context, &before) ||
			  !entitlements_equal(&was, &kept.entitlements);
	MemoryContextDelete(context);
	return changed;
}

/* From the beginning: an error may have ended an earlier load half way. False where a statement
 * read the rows. */
static bool
entitlements_load(Entitlements *to, MemoryContext context, Snapshot snapshot)
{
	int room = 0;
	bool direct;
	Rows rows;

	MemoryContextReset(context);
	memset(to, 0, sizeof(*to));
	rows_open(&rows, &every_entitlement, snapshot);
	direct = !rows_are_of_statement(&rows);
	rows_find(&rows, NULL);
	while (rows_next(&rows))
	{
		MemoryContext caller = MemoryContextSwitchTo(context);

		if (to->count == room)
		{
			room = Max(4, room * 2);
			to->list = to->list == NULL ? palloc(room * sizeof(Entitlement))
										: repalloc_huge(to->list, room * sizeof(Entitlement));
		}
		to->list[to->count++] = (Entitlement){
			TextDatumGetCString(rows_value(&rows, 0)), DatumGetInt32(rows_value(&rows, 1)),
			DatumGetInt32(rows_value(&rows, 2)), DatumGetBool(rows_value(&rows, 3))};
		MemoryContextSwitchTo(caller);
	}
	rows_close(&rows);
	if (to->count > 1)
		qsort(to->list, to->count, sizeof(Entitlement), entitlement_compare);
	direct &= products_load(to, context, snapshot);
	to->premium = entitlement_find(to, ENTITLEMENT_PREMIUM);
	to->only_premium = to->nproducts == 0;
	return direct;
}

/*
 * The list lives as long as the session keeps it: each text is copied into its memory.
 * repalloc_huge(), because a catalogue has no limit of ours.
 */
static bool
products_load(Entitlements *to, MemoryContext context, Snapshot snapshot)
{
	int room = 0;
	bool direct;
	Rows rows;

	rows_open(&rows, &every_product, snapshot);
	direct = !rows_are_of_statement(&rows);
	rows_find(&rows, NULL);
	while (rows_next(&rows))
	{
		MemoryContext caller = MemoryContextSwitchTo(context);

		if (to->nproducts == room)
		{
			room = Max(8, room * 2);
			to->products = to->products == NULL
							   ? palloc(room * sizeof(ProductEntitlement))
							   : repalloc_huge(to->products, room * sizeof(ProductEntitlement));
		}
		to->products[to->nproducts++] =
			(ProductEntitlement){TextDatumGetCString(rows_value(&rows, 0)),
								 TextDatumGetCString(rows_value(&rows, 1))};
		MemoryContextSwitchTo(caller);
	}
	rows_close(&rows);
	if (to->nproducts > 1)
		qsort(to->products, to->nproducts, sizeof(ProductEntitlement), product_compare);
	return direct;
}

/* Both are in order. */
static bool
entitlements_equal(const Entitlements *a, const Entitlements *b)
{
	if (a->count != b->count || a->nproducts != b->nproducts)
		return false;
	for (int i = 0; i < a->count; i++)
		if (strcmp(a->list[i].name, b->list[i].name) != 0 ||
			a->list[i].weekly_credits != b->list[i].weekly_credits ||
			a->list[i].course_slots != b->list[i].course_slots ||
			a->list[i].covers_every_course != b->list[i].covers_every_course)
			return false;
	for (int i = 0; i < a->nproducts; i++)
		if (product_compare(&a->products[i], &b->products[i]) != 0)
			return false;
	return true;
}

static int
entitlement_compare(const void *a, const void *b)
{
	return strcmp(((const Entitlement *) a)->name, ((const Entitlement *) b)->name);
}

static int
product_compare(const void *a, const void *b)
{
	const ProductEntitlement *left = a;
	const ProductEntitlement *right = b;
	int order = strcmp(left->product, right->product);

	return order != 0 ? order : strcmp(left->entitlement, right->entitlement);
}

/* SQL function: tg_entitlements__changed() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_entitlements__changed(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_entitlements__changed", ROW_AFTER_CHANGE);
	HeapTuple was = trigger_row_before(data);
	HeapTuple is = trigger_row_after(data);
	char *name = trigger_text(data, is != NULL ? is : was, "name");

	change_tell(data, "entitlement_changed", psprintf("entitlements/%s", name),
				entitlement_json(data, was), entitlement_json(data, is));
	return PointerGetDatum(NULL);
}

/* SQL function: tg_store_product_entitlements__changed() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_store_product_entitlements__changed(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_store_product_entitlements__changed", ROW_AFTER_CHANGE);
	HeapTuple was = trigger_row_before(data);
	HeapTuple is = trigger_row_after(data);
	char *product = trigger_text(data, is != NULL ? is : was, "product_id");

	change_tell(data, "product_entitlement_changed",
				psprintf("store_product_entitlements/%s", product), product_json(data, was),
				product_json(data, is));
	return PointerGetDatum(NULL);
}

/*
 * Records the change, and makes every session forget what it kept once it is committed. The
 * triggers fire always, so that rows which a load or a subscription writes are seen, too; what
 * those bring, or a dump, was recorded where it was written first.
 */
static void
change_tell(TriggerData *data, const char *action, const char *object, char *was, char *is)
{
	changing = compat_local_transaction();
	CacheInvalidateRelcache(data->tg_relation);
	if (!restore_under_way() && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
		audit_write_change(action, object, was, is);
}

static char *
entitlement_json(TriggerData *data, HeapTuple row)
{
	StringInfoData out;

	if (row == NULL)
		return NULL;
	object_begin(&out);
	object_text(&out, "name", trigger_text(data, row, "name"));
	object_json(&out, "weekly_credits", trigger_text(data, row, "weekly_credits"));
	object_json(&out, "course_slots", trigger_text(data, row, "course_slots"));
	object_flag(&out, "covers_every_course",
				DatumGetBool(trigger_value_as(data, row, "covers_every_course", BOOLOID)));
	return object_end(&out);
}

static char *
product_json(TriggerData *data, HeapTuple row)
{
	StringInfoData out;

	if (row == NULL)
		return NULL;
	object_begin(&out);
	object_text(&out, "product_id", trigger_text(data, row, "product_id"));
	object_text(&out, "entitlement", trigger_text(data, row, "entitlement"));
	return object_end(&out);
}
