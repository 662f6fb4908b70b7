/*
 * product.c: which product of ours a store means.
 *
 * A store's id is compared in lower case, without the prefix of the setting
 * store_product_prefix, and at last without a discount's suffix: an underscore, one letter and
 * digits at its end (_x2, _c1). The longest of the three that is a product's id is the product:
 * an id that is one as it stands is never cut.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "core/plan.h"
#include "core/setting.h"
#include "store/receipt.h"

const char *const purchase_kind_names[PURCHASE_KINDS] = {
	[PURCHASE_COURSE] = "course",
	[PURCHASE_SUBSCRIPTION] = "subscription",
	[PURCHASE_AI_CREDITS] = "ai_credits",
	[PURCHASE_CUSTOM_COURSE] = "custom_course",
};

static KeptPlan find_product = {
	.sql = "SELECT s.product_id, s.kind, s.course_id, s.credits::bigint, "
		   "s.price_in_cents::bigint, s.currency "
		   "FROM coursebase.store_products s WHERE s.product_id IN ($1, $2, $3) "
		   "ORDER BY length(s.product_id) DESC LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static char *lower_case(const char *name);
static char *without_prefix(char *name);
static char *without_suffix(const char *name);

void
purchase_product_find(PurchaseProduct *product, const char *name)
{
	char *whole = lower_case(name);
	char *inner = without_prefix(whole);
	char *base = without_suffix(inner);
	Datum values[] = {CStringGetTextDatum(whole), CStringGetTextDatum(inner),
					  CStringGetTextDatum(base)};
	Datum value;
	bool null;

	if (plan_execute(&find_product, values, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_PRODUCT_UNKNOWN),
						errmsg("no product has the id \"%s\"", name),
						errdetail("None of store_products is \"%s\", nor is it without a "
								  "discount's suffix.",
								  inner),
						errhint("Add the product, or correct the setting "
								"store_product_prefix.")));
	product->product_id = plan_text_required(0, 1);
	product->kind = purchase_kind_parse(plan_text_required(0, 2));
	value = plan_value(0, 3, &null);
	if (!null)
		product->course = *DatumGetUUIDP(value);
	value = plan_value(0, 4, &null);
	product->credits = null ? 0 : DatumGetInt64(value);
	value = plan_value(0, 5, &null);
	product->price = null ? PURCHASE_NO_AMOUNT : DatumGetInt64(value);
	product->currency = plan_text(0, 6);
}

PurchaseKind
purchase_kind_parse(const char *name)
{
	for (PurchaseKind kind = 0; kind < PURCHASE_KINDS; kind++)
		if (strcmp(name, purchase_kind_names[kind]) == 0)
			return kind;
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("there are no products of the kind \"%s\"", name)));
}

/* Of ASCII: ids of products have no other letters. */
static char *
lower_case(const char *name)
{
	char *lower = pstrdup(name);

	for (char *c = lower; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return lower;
}

static char *
without_prefix(char *name)
{
	char *prefix = lower_case(setting_text("store_product_prefix"));
	size_t size = strlen(prefix);

	return strncmp(name, prefix, size) == 0 && name[size] != '\0' ? name + size : name;
}

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
