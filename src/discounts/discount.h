/*
 * discount.h: what the files of discounts share: an order, what is known of its code, and
 * places.
 *
 * Lock order, everywhere: the user's row, the code's row, the user's entry for the code, then
 * the counter (the code's row again, or one of its shards). A place is taken as the last thing
 * a call does, so that nobody waits for a counter longer than for one call.
 */
#ifndef COURSEBASE_DISCOUNTS_DISCOUNT_H
#define COURSEBASE_DISCOUNTS_DISCOUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

/*
 * A code is known whatever the case and the spaces around it. Within a statement: the key of a
 * text, and the condition that two texts are one code. The expression is that of the unique
 * index discount_codes_code_idx, so that the index serves the condition.
 */
#define DISCOUNT_CODE_KEY(text) "upper(btrim(" text "))"
#define DISCOUNT_CODE_IS(a, b)  DISCOUNT_CODE_KEY(a) " = " DISCOUNT_CODE_KEY(b)

/* What somebody wants to buy with a code. */
typedef struct DiscountOrder
{
	pg_uuid_t user;
	char *code; /* NULL: none */
	char *product_type;
	int64 base;
	char *currency;
	char *item; /* NULL: none */
	TimestampTz at;
} DiscountOrder;

/* The state of a user's entry for a code. */
typedef enum DiscountStatus
{
	DISCOUNT_NONE,
	DISCOUNT_ASSIGNED,
	DISCOUNT_RESERVED,
	DISCOUNT_REDEEMED,
} DiscountStatus;

/* All that the rules look at, as one snapshot has it. */
typedef struct DiscountFacts
{
	bool found;
	pg_uuid_t code_id;
	char *code;
	bool is_active;
	TimestampTz starts_at;  /* DT_NOBEGIN: none */
	TimestampTz expires_at; /* DT_NOEND: none */
	char *product_type;
	char *item; /* NULL: any */
	bool has_cohort;
	bool in_cohort;
	bool has_lifespan;
	int64 max_redemptions; /* -1: any number */
	int64 taken;           /* places that others hold at that time */
	bool first_purchase_only;
	bool has_purchase;
	int64 minimum;
	char *currency;    /* NULL: of a percentage */
	int32 percent_off; /* hundredths of a percent; 0: a fixed amount */
	int64 amount_off;
	bool own_referral;
	bool user_open;
	DiscountStatus status;
	TimestampTz entry_expires_at; /* DT_NOEND: none */
	TimestampTz reserved_until;   /* of status reserved */
} DiscountFacts;

typedef struct DiscountRule
{
	const char *rule;
	const char *reason; /* when it fails */
	bool (*passes)(const DiscountOrder *order, const DiscountFacts *facts, StringInfo detail);
} DiscountRule;

/*
 * discount.c: rules in the order in which they are asked. Reading needs SPI; with read_only
 * false the facts are those of a new snapshot. The verdict is the first rule that fails, or
 * NULL, and leaves what that rule looked at in detail.
 */
extern const DiscountRule discount_rules[];
extern const int discount_nrules;
extern DiscountOrder discount_order(FunctionCallInfo fcinfo, int item, int at);
extern DiscountFacts discount_facts_read(const DiscountOrder *order, bool read_only);
extern const DiscountRule *discount_verdict(const DiscountOrder *order,
											const DiscountFacts *facts, StringInfo detail);
extern int64 discount_amount(const DiscountOrder *order, const DiscountFacts *facts);
extern bool discount_holds_place(const DiscountFacts *facts, TimestampTz at);

/*
 * discounts/counter.c: the places of a code. The caller has the code's row locked FOR KEY
 * SHARE, so that its counter is not split meanwhile. take is false when there is none left,
 * with the expired reservations of others taken back.
 */
extern bool discount_place_take(const pg_uuid_t *code_id, TimestampTz at);
extern void discount_place_give_back(const pg_uuid_t *code_id);

#endif
