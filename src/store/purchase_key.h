/*
 * purchase_key.h: how a store's purchase of any kind is named: by source, environment and the
 * store's id of it.
 *
 * The same three columns are the key of store_receipts, course_purchases, ai_credit_purchases
 * and custom_course_purchases. Of a subscription the store's id is that of the payment.
 */
#ifndef COURSEBASE_STORE_PURCHASE_KEY_H
#define COURSEBASE_STORE_PURCHASE_KEY_H

#include "postgres.h"

#include "fmgr.h"

#include "core/args.h"
#include "core/plan.h"

/* The condition on a table x whose first three parameters purchase_key_bind() binds. */
#define PURCHASE_KEY "x.source = $1 AND x.environment = $2 AND x.purchase_id = $3"

typedef struct PurchaseKey
{
	const char *source;
	const char *environment;
	const char *purchase_id;
} PurchaseKey;

/* The first three arguments, in the current context; raises 22004 for one that is null. */
static inline void
purchase_key_read(PurchaseKey *key, FunctionCallInfo fcinfo)
{
	args_require_first(fcinfo, 3);
	args_id(fcinfo, 2);
	key->source = args_text_or_null(fcinfo, 0);
	key->environment = args_text_or_null(fcinfo, 1);
	key->purchase_id = args_text_or_null(fcinfo, 2);
}

/* The store's id of a refund, in the current context; NULL: none. Raises 22023 for an empty
 * one, which would name no refund. */
static inline const char *
refund_ref_read(FunctionCallInfo fcinfo, int argument)
{
	const char *ref = args_text_or_null(fcinfo, argument);

	if (ref != NULL && ref[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("refund_ref must not be empty"),
						errhint("Pass the store's id of the refund, or null.")));
	return ref;
}

static inline void
purchase_key_bind(PlanValues *values, const PurchaseKey *key)
{
	plan_bind_text(values, key->source);
	plan_bind_text(values, key->environment);
	plan_bind_text(values, key->purchase_id);
}

#endif
