/*
 * entitlement.h: what the plans give, and which products give which of them.
 *
 * The rows of entitlements and store_product_entitlements are few and seldom change, and each
 * question about premium needs them: a session keeps them (entitlement.c).
 */
#ifndef COURSEBASE_BILLING_ENTITLEMENT_H
#define COURSEBASE_BILLING_ENTITLEMENT_H

#include "postgres.h"

#include "utils/snapshot.h"

/* The entitlement that a product gives of which nothing else is said. */
#define ENTITLEMENT_PREMIUM "premium"

typedef struct Entitlement
{
	const char *name;
	int32 weekly_credits;
	int32 course_slots;
	bool covers_every_course;
} Entitlement;

/* A row of store_product_entitlements. */
typedef struct ProductEntitlement
{
	const char *product;
	const char *entitlement;
} ProductEntitlement;

typedef struct Entitlements
{
	int count;
	Entitlement *list; /* by name */
	int nproducts;
	ProductEntitlement *products; /* by product */
	const Entitlement *premium;   /* NULL: the row was deleted, and premium gives nothing */
	/* no product says anything: every line gives premium and nothing else */
	bool only_premium;
} Entitlements;

/* Which entitlements are asked about. */
typedef struct EntitlementAsk
{
	enum
	{
		ENTITLEMENT_ANY,
		ENTITLEMENT_NAMED,
		ENTITLEMENT_SLOTS,        /* those that give slots, or every course */
		ENTITLEMENT_EVERY_COURSE, /* those that give every course in premium */
	} kind;
	const char *name; /* of ENTITLEMENT_NAMED */
} EntitlementAsk;

extern const EntitlementAsk entitlement_ask_any;
extern const EntitlementAsk entitlement_ask_premium;
extern const EntitlementAsk entitlement_ask_slots;
extern const EntitlementAsk entitlement_ask_every_course;

/*
 * What the snapshot (the active one) sees of both tables. The memory is the session's: good
 * until the function is called again. Errors are those of core/rows.h.
 */
extern const Entitlements *entitlements_known(Snapshot snapshot);

/*
 * The next entitlements_known() reads both tables. For an answer that outlives the statement:
 * what a session keeps may miss, for a moment, what was committed just now. Raises nothing.
 */
extern void entitlements_forget(void);

/* The names of all that may be held, copied into the current context. */
typedef struct EntitlementNames
{
	int count;
	const char **names;
} EntitlementNames;

extern EntitlementNames entitlement_names(void);

/* The entitlement of that name; NULL if there is none. */
extern const Entitlement *entitlement_find(const Entitlements *known, const char *name);

/* Whether the entitlement is one of those that are asked about. */
extern bool entitlement_is_asked(const Entitlement *entitlement, const EntitlementAsk *ask);

/*
 * Whether the product (NULL: the store named none) gives one of those. Needs memory and reads a
 * setting where not only premium is known.
 */
extern bool entitlement_given(const Entitlements *known, const EntitlementAsk *ask,
							  const char *product);

#endif
