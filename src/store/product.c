/*
 * product.c: which of our products a store means by its id.
 *
 * A store's id is compared in lower case: first as it stands, then without the longest prefix
 * of the setting store_product_prefixes that it begins with, then also without the suffix of a
 * discount, which is an underscore, one letter and digits at the end (_x2, _c1). The longest of
 * the three that is the id of a product is the product, so that an id that is a product's as it
 * stands is never cut.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "core/errors.h"
#include "core/plan.h"
#include "core/setting.h"
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

static char *lower_case(const char *name);
static char *without_prefix(char *name);
static char *without_suffix(const char *name);

/* Three candidates, each cut a little more; without_suffix() cuts what the prefix has left. */
void
store_product_find(StoreProduct *product, const char *name)
{
	char *whole = lower_case(name);
	char *inner = without_prefix(whole);
	PlanValues values = {0};

	plan_bind_text(&values, whole);
	plan_bind_text(&values, inner);
	plan_bind_text(&values, without_suffix(inner));
	if (plan_execute(&find_product, values.datums, values.nulls, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_PRODUCT_UNKNOWN),
						errmsg("no product has the id \"%s\"", name),
						errdetail("store_products has neither \"%s\" nor that id without a "
								  "discount's suffix.",
								  inner),
						errhint("Add the product, or correct the setting "
								"store_product_prefixes.")));
	product->product_id = plan_text_required(0, FOUND_PRODUCT_ID);
	product->kind = product_kind_parse(plan_text_required(0, FOUND_KIND));
	/* what another kind does not have is zero */
	plan_uuid_or_null(0, FOUND_COURSE_ID, &product->course);
	product->credits = plan_int64_or(0, FOUND_CREDITS, 0);
	product->price = plan_int64_or(0, FOUND_PRICE, STORE_NO_AMOUNT);
	product->currency = plan_text(0, FOUND_CURRENCY);
	product->code = plan_text(0, FOUND_CODE);
}

/* Not elog(): a kind that a user added to the CHECK is data, and the message must name it. */
ProductKind
product_kind_parse(const char *name)
{
	for (ProductKind kind = 0; kind < PRODUCT_KINDS; kind++)
		if (strcmp(name, product_kind_names[kind]) == 0)
			return kind;
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("there are no products of the kind \"%s\"", name)));
}

/* ASCII letters alone: a CHECK keeps all others out of the ids of products. */
static char *
lower_case(const char *name)
{
	char *lower = pstrdup(name);

	for (char *c = lower; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return lower;
}

/* The name itself, where it has no such prefix or nothing behind it. */
static char *
without_prefix(char *name)
{
	const char *between = " \t\r\n,";
	size_t longest = 0;
	char *rest;

	for (char *prefix =
			 strtok_r(lower_case(setting_text("store_product_prefixes")), between, &rest);
		 prefix != NULL; prefix = strtok_r(NULL, between, &rest))
	{
		size_t size = strlen(prefix);

		if (size > longest && strncmp(name, prefix, size) == 0 && name[size] != '\0')
			longest = size;
	}
	return name + longest;
}

/* A copy, whole where it has no such suffix or nothing before it. */
static char *
without_suffix(const char *name)
{
	size_t size = strlen(name);
	size_t end = size;

	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	if (end == size || end < 3 || name[end - 1] < 'a' || name[end - 1] > 'z' ||
		name[end - 2] != '_')
		return pstrdup(name);
	return pnstrdup(name, end - 2);
}
