/*
 * move_rows.h: all rows of a person as one document, out of this cell and into another.
 *
 * Which rows are a person's is read from the catalogue: tables of cell_tables() that are called
 * person, rows of which the column user_id names the person, or whose foreign key leads to such
 * a row. So a table or a column that a release or the business adds goes along by itself.
 *
 * All functions need SPI_connect() and the rights of the tables' owner (owner_enter()), and
 * overwrite SPI_tuptable. people is a uuid[]: the person and the accounts that were merged.
 */
#ifndef COURSEBASE_ACCOUNT_MOVE_ROWS_H
#define COURSEBASE_ACCOUNT_MOVE_ROWS_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Raises KBC22 if rows that stay point to the person's, or the person's to rows of somebody who
 * stays; KBC21 while a consumer has not acknowledged the person's events.
 */
extern void move_rows_require_free(Datum people);

/*
 * What a referral binds to somebody who stays becomes a referral between two cells
 * (referral_deliveries). related is a uuid[]: the people and all who are bound to them, whom
 * the caller has locked; raises KBC21 for anybody else, who came meanwhile.
 */
extern void move_rows_untie(Datum people, Datum related);

/*
 * The member "tables" of the document: each table's rows, as objects of the texts of their
 * columns. Lives until SPI_finish().
 */
extern char *move_rows_read(Datum people);

/*
 * The member "product_courses": of the products that the people have bought the courses that
 * this server knows, as pairs. Where the people arrive, what is not among them was added on the
 * way. Lives until SPI_finish().
 */
extern char *move_rows_product_courses(Datum people);

/* Deletes them, and what this server made from them; who acted in the audit trail is nobody
 * from then on. */
extern void move_rows_delete(Datum people);

/*
 * Inserts the rows of the document, a json. Raises KBC22 for tables and columns that this
 * server lacks, and for what no document of take_person() has: rows of somebody else or of
 * nobody, keys to rows of others, an account that was not merged into the user or has the
 * external id of somebody else. Gives the courses that were added on the way
 * (sales/later_course.h). KBC23 where rows point to what the cell does not have yet, and
 * what a constraint of the tables raises.
 */
extern void move_rows_write(Datum document, Datum people, const pg_uuid_t *user);

#endif
