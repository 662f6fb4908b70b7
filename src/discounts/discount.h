/*
 * discount.h: an order with a code, the facts and rules that decide about it, and the places of
 * the code.
 *
 * Lock order, everywhere: the user's row, the code's row, the user's entry for the code, then
 * the counter (the code's row again, or one of its shards). A call takes a place as its last
 * statement, so that nobody waits for a counter longer than the rest of a transaction.
 */
#ifndef COURSEBASE_DISCOUNTS_DISCOUNT_H
#define COURSEBASE_DISCOUNTS_DISCOUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

/*
 * A code is known whatever the case and the spaces around it, in a Turkish database too, where
 * the capital of i is another letter. Within a statement: the key of a text, and the condition
 * that two texts are one code. The expression is that of the unique index
 * discount_codes_code_idx, so that the index serves the condition.
 */
#define DISCOUNT_CODE_KEY(text) "upper(translate(btrim(" text "), 'i', 'I'))"
#define DISCOUNT_CODE_IS(a, b)  DISCOUNT_CODE_KEY(a) " = " DISCOUNT_CODE_KEY(b)

/* Bytes of the longest text that is looked up as a code: the index holds no longer code, and to
 * fold megabytes would take a second. */
#define DISCOUNT_CODE_MOST 3000

/*
 * Whether places of the shard s are taken on this server: all of them, unless there are cells.
 * cell and home are parameters of type integer, NULL where there is one server. A shard that
 * was made before there were cells is home's.
 */
#define DISCOUNT_SHARD_IS_OWN(cell, home)                                                      \
	"(" cell " IS NULL OR coalesce(s.cell, " home ") = " cell ")"

/* What a person wants to buy with a code. */
typedef struct DiscountOrder
{
	pg_uuid_t user;
	char *code; /* NULL: none */
	char *product_type;
	int32 base;
	char *currency;
	char *item; /* NULL: none */
	TimestampTz at;
	TimestampTz paid_at; /* DT_NOEND: it is not paid yet */
	char *order_ref;     /* NULL: it has no name yet */
} DiscountOrder;

/* The arguments with which every function for an order begins. */
enum
{
	DISCOUNT_USER,
	DISCOUNT_CODE,
	DISCOUNT_PRODUCT_TYPE,
	DISCOUNT_BASE,
	DISCOUNT_CURRENCY,
};

/* The state of a user's entry for a code. */
typedef enum DiscountStatus
{
	DISCOUNT_NONE,
	DISCOUNT_ASSIGNED,
	DISCOUNT_RESERVED,
	DISCOUNT_REDEEMED,
} DiscountStatus;

/* All that the rules look at, of one snapshot. */
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
	int32 minimum;
	char *currency;    /* NULL: of a percentage */
	int32 percent_off; /* hundredths of a percent; 0: a fixed amount */
	int32 amount_off;
	bool own_referral;
	bool user_open;
	DiscountStatus status;
	TimestampTz entry_expires_at; /* DT_NOEND: none */
	TimestampTz reserved_until;   /* of status reserved */
} DiscountFacts;

/* A rule: its name, the reason that validate_discount() gives when it fails, and the decision,
 * which writes into detail what it looked at. */
typedef struct DiscountRule
{
	const char *rule;
	const char *reason; /* when it fails */
	bool (*passes)(const DiscountOrder *order, const DiscountFacts *facts, StringInfo detail);
} DiscountRule;

/*
 * facts.c: the order that the arguments of a function make; item and at are the numbers of
 * those arguments. Raises 22004 for a null in any other argument than code and item, 22008 for
 * at, 22003 for a base that no column holds, and 22023 for a negative one. The texts are in the
 * current context.
 */
extern DiscountOrder discount_order(FunctionCallInfo fcinfo, int item, int at);

/*
 * All that the rules look at; found is false for an unknown code. read_only false reads with a
 * new snapshot. Needs SPI_connect(); the texts are the caller's, in the context from before.
 */
extern DiscountFacts discount_facts_read(const DiscountOrder *order, bool read_only);

/* rules.c: the rules in the order in which they are asked. */
extern const DiscountRule discount_rules[];
extern const int discount_nrules;

/* As the column user_discounts.status names them. */
extern const char *const discount_status_names[];

/* The first rule that fails, or NULL; detail holds what that rule, or the last one, looked at.
 */
extern const DiscountRule *discount_verdict(const DiscountOrder *order,
											const DiscountFacts *facts, StringInfo detail);

/* What the code takes off, whether or not the rules let it: at most the base. */
extern int32 discount_amount(const DiscountOrder *order, const DiscountFacts *facts);

/*
 * counter.c: the places of a code. The caller has the code's row locked FOR KEY SHARE, so that
 * its counter is not split meanwhile, and connected SPI. discount_place_take() is false when no
 * place is left, also after the expired reservations of others were ended.
 */
extern bool discount_place_take(const pg_uuid_t *code_id, TimestampTz at);
extern void discount_place_give_back(const pg_uuid_t *code_id);

/*
 * sale.c: whether the user's sale whose session the order names is refunded in full, and then
 * since when. The caller has the user's row locked, and connected SPI.
 */
extern bool discount_sale_is_refunded(const pg_uuid_t *user, const char *order_ref,
									  TimestampTz *at);

#endif
