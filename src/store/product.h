/*
 * product.h: what an app store sells: a row of store_products.
 */
#ifndef COURSEBASE_STORE_PRODUCT_H
#define COURSEBASE_STORE_PRODUCT_H

#include "postgres.h"

#include "utils/uuid.h"

typedef enum ProductKind
{
	PRODUCT_COURSE,
	PRODUCT_SUBSCRIPTION,
	PRODUCT_AI_CREDITS,
	PRODUCT_CUSTOM_COURSE,
	PRODUCT_KINDS,
} ProductKind;

/* Instead of an amount of money that nobody knows. */
#define STORE_NO_AMOUNT (-1)

typedef struct StoreProduct
{
	char *product_id;
	ProductKind kind;
	pg_uuid_t course; /* of PRODUCT_COURSE, else zeros */
	int64 credits;    /* of PRODUCT_AI_CREDITS, else 0 */
	int64 price;      /* in minor units of currency, or STORE_NO_AMOUNT */
	char *currency;   /* NULL without a price */
	char *code;       /* that a course of PRODUCT_CUSTOM_COURSE gets; NULL of another kind */
} StoreProduct;

extern const char *const product_kind_names[PRODUCT_KINDS];

/*
 * Finds the product that a store means by this name. Needs SPI and the rights of the tables'
 * owner; texts are allocated in the context that was current before SPI_connect(). Raises KB802
 * if no product has the name.
 */
extern void store_product_find(StoreProduct *product, const char *name);

/* Raises 23514 for a name that is no kind: the column's CHECK is gone. */
extern ProductKind product_kind_parse(const char *name);

#endif
