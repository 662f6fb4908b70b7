/*
 * turnover.c: what was sold of each product, and to how many people, in one pass over the
 * sales.
 *
 * People are counted once a product and once over all. A statement would sort all sales twice
 * for that, which is most of its time; here each sale is looked up in hash tables, whose size
 * follows the number of people.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "account/turnover.h"
#include "core/datum.h"
#include "core/rows.h"

/* The columns of every_purchase. */
enum
{
	SALE_PRODUCT,
	SALE_USER,
	SALE_PRICE,
	SALE_REFUNDED,
	SALE_REFUNDED_AT,
	SALE_COLUMNS,
};

static RowsSource every_purchase = {
	.table = "purchases",
	.ncolumns = SALE_COLUMNS,
	.columns = {{"product_id", UUIDOID},
				{"user_id", UUIDOID},
				{"price_paid_in_cents", INT4OID},
				{"refunded_in_cents", INT4OID},
				{"refunded_at", TIMESTAMPTZOID, true}},
};

#define ACCESS_USER 0

static RowsSource every_access = {
	.table = "user_course_access",
	.ncolumns = 1,
	.columns = {{"user_id", UUIDOID}},
};

/* A product's place among the turnovers. */
typedef struct ProductPlace
{
	pg_uuid_t id;
	char status; /* simplehash's */
	int place;
} ProductPlace;

typedef struct Person
{
	pg_uuid_t id;
	char status; /* simplehash's */
} Person;

typedef struct CustomerKey
{
	pg_uuid_t user;
	uint32 product; /* its place */
} CustomerKey;

typedef struct Customer
{
	CustomerKey key;
	char status; /* simplehash's */
} Customer;

/* Places are small numbers: multiplied, so that they change the upper bits too. */
static inline uint32
customer_hash(const CustomerKey *key)
{
	return uuid_key_hash(&key->user) ^ key->product * 0x9E3779B9U;
}

static inline bool
customer_equal(const CustomerKey *a, const CustomerKey *b)
{
	return a->product == b->product && uuid_equal(&a->user, &b->user);
}

#define SH_PREFIX       product_places
#define SH_ELEMENT_TYPE ProductPlace
#include "core/uuid_table.h"

#define SH_PREFIX       people
#define SH_ELEMENT_TYPE Person
#include "core/uuid_table.h"

#define SH_PREFIX            customers
#define SH_ELEMENT_TYPE      Customer
#define SH_KEY_TYPE          CustomerKey
#define SH_KEY               key
#define SH_HASH_KEY(tb, key) customer_hash(&(key))
#define SH_EQUAL(tb, a, b)   customer_equal(&(a), &(b))
#define SH_SCOPE             static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* While the sales are read. */
typedef struct Counting
{
	Turnovers *turnovers;
	int room;
	product_places_hash *places;
	customers_hash *customers; /* of one product each */
	people_hash *people;       /* customers of any */
} Counting;

static void sale_count(Counting *counting, Rows *sale);
static Turnover *turnover_of(Counting *counting, const pg_uuid_t *product);
static void turnover_add(Turnover *turnover, int32 price, int32 refunded, bool returned);
static void customer_count(Counting *counting, Turnover *turnover, const pg_uuid_t *user);

/* One pass over all sales. The sets go at its end, the turnovers stay: there are as many as
 * products. */
void
turnovers_read(Turnovers *turnovers)
{
	MemoryContext sets = AllocSetContextCreate(CurrentMemoryContext, "coursebase turnover",
											   ALLOCSET_DEFAULT_SIZES);
	Counting counting = {
		.turnovers = turnovers,
		.places = product_places_create(sets, 64, NULL),
		.customers = customers_create(sets, 1024, NULL),
		.people = people_create(sets, 1024, NULL),
	};
	Rows sales;

	memset(turnovers, 0, sizeof(*turnovers));
	rows_open(&sales, &every_purchase, GetActiveSnapshot());
	rows_find(&sales, NULL);
	while (rows_next(&sales))
		sale_count(&counting, &sales);
	rows_close(&sales);
	MemoryContextDelete(sets);
}

/* People with a course, each once. The table is read in the order in which it lies. */
int64
turnover_students(void)
{
	people_hash *students = people_create(CurrentMemoryContext, 1024, NULL);
	int64 count;
	Rows rows;

	rows_open(&rows, &every_access, GetActiveSnapshot());
	rows_find(&rows, NULL);
	while (rows_next(&rows))
	{
		bool found;

		people_insert(students, *DatumGetUUIDP(rows_value(&rows, ACCESS_USER)), &found);
	}
	rows_close(&rows);
	count = students->members;
	people_destroy(students);
	return count;
}

/* A sale that was paid back counts as money that came and went, but makes nobody a customer. */
static void
sale_count(Counting *counting, Rows *sale)
{
	Turnover *turnover = turnover_of(counting, DatumGetUUIDP(rows_value(sale, SALE_PRODUCT)));
	int32 price = DatumGetInt32(rows_value(sale, SALE_PRICE));
	int32 refunded = DatumGetInt32(rows_value(sale, SALE_REFUNDED));
	bool kept;

	rows_value_or_null(sale, SALE_REFUNDED_AT, &kept);
	turnover_add(&counting->turnovers->all, price, refunded, !kept);
	turnover_add(turnover, price, refunded, !kept);
	if (kept)
		customer_count(counting, turnover, DatumGetUUIDP(rows_value(sale, SALE_USER)));
}

/* The turnover is good until the next product is new, which may move it. */
static Turnover *
turnover_of(Counting *counting, const pg_uuid_t *product)
{
	Turnovers *turnovers = counting->turnovers;
	bool found;
	ProductPlace *place = product_places_insert(counting->places, *product, &found);

	if (found)
		return &turnovers->products[place->place];
	if (turnovers->count == counting->room)
	{
		Size room = counting->room == 0 ? 64 : 2 * (Size) counting->room;

		turnovers->products = turnovers->products == NULL
								  ? palloc(room * sizeof(Turnover))
								  : repalloc_huge(turnovers->products, room * sizeof(Turnover));
		counting->room = (int) room;
	}
	place->place = turnovers->count++;
	turnovers->products[place->place] = (Turnover){.product = *product};
	return &turnovers->products[place->place];
}

/* Integers of fewer rows than 2^32 add up to a bigint. */
static void
turnover_add(Turnover *turnover, int32 price, int32 refunded, bool returned)
{
	turnover->sales_in_cents += price;
	turnover->refunded_in_cents += refunded;
	turnover->purchases++;
	turnover->refunds += returned;
}

/* Only who is new to the product can be new over all. */
static void
customer_count(Counting *counting, Turnover *turnover, const pg_uuid_t *user)
{
	CustomerKey key = {*user, (uint32) (turnover - counting->turnovers->products)};
	bool found;

	customers_insert(counting->customers, key, &found);
	if (found)
		return;
	turnover->customers++;
	people_insert(counting->people, *user, &found);
	counting->turnovers->all.customers += !found;
}
