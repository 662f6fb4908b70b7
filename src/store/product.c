/*
 * product.c: which of our products a store means by its id.
 *
 * The longest of the names that billing/product_names.h makes of a store's id and that is the
 * id of a product is the product.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/product_names.h"
#include "core/errors.h"
#include "core/plan.h"
#include "store/product.h"

const char *const product_kind_names[PRODUCT_KINDS] = {
	[PRODUCT_COURSE] = "course",
	[PRODUCT_SUBSCRIPTION] = "subscription",
	[PRODUCT_AI_CREDITS] = "ai_credits",
	[PRODUCT_CUSTOM_COURSE] = "custom_course",
};

/* The primary key serves all three names; at most three rows are sorted. */
static KeptPlan find_product = {
	.sql = "SELECT s.product_id, s.kind, s.course_id, s.credits::bigint, "
		   "s.price_in_cents::bigint, s.currency, s.course_code "
		   "FROM coursebase.store_products s WHERE s.product_id IN ($1, $2, $3) "
		   "ORDER BY length(s.product_id) DESC LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	FOUND_PRODUCT_ID = 1,
	FOUND_KIND,
	FOUND_COURSE_ID,
	FOUND_CREDITS,
	FOUND_PRICE,
	FOUND_CURRENCY,
	FOUND_CODE,
};

void
store_product_find(StoreProduct *product, const char *name)
{
	ProductNames names = product_names(name);
	PlanValues values = {0};

	for (int i = 0; i < PRODUCT_NAMES; i++)
		plan_bind_text(&values, names.names[i]);
	if (plan_execute(&find_product, values.datums, values.nulls, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_PRODUCT_UNKNOWN),
						errmsg("no product has the id \"%s\"", name),
						errdetail("store_products has neither \"%s\" nor that id without a "
								  "discount's suffix.",
								  names.names[1]),
						errhint("Add the product, or correct the setting "
								"store_product_prefixes.")));
	product->product_id = plan_text_required(0, FOUND_PRODUCT_ID);
	product->kind = plan_word(0, FOUND_KIND, product_kind_names, PRODUCT_KINDS);
	/* what another kind does not have is zero */
	plan_uuid_or_null(0, FOUND_COURSE_ID, &product->course);
	product->credits = plan_int64_or(0, FOUND_CREDITS, 0);
	product->price = plan_int64_or(0, FOUND_PRICE, STORE_NO_AMOUNT);
	product->currency = plan_text(0, FOUND_CURRENCY);
	product->code = plan_text(0, FOUND_CODE);
}

/* A kind that a user added to the CHECK is data, and the message must name it. */
ProductKind
product_kind_parse(const char *name)
{
	for (ProductKind kind = 0; kind < PRODUCT_KINDS; kind++)
		if (strcmp(name, product_kind_names[kind]) == 0)
			return kind;
	plan_raise_word("kind", name);
}
