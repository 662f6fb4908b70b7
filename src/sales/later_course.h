/*
 * later_course.h: buyers who come from another cell get what was added to their products on the
 * way.
 */
#ifndef COURSEBASE_SALES_LATER_COURSE_H
#define COURSEBASE_SALES_LATER_COURSE_H

#include "postgres.h"

/*
 * Gives the people, a uuid[], the courses of what they bought that the cell from which they
 * come did not know: those for which the two uuid[] have no pair of a product and its course.
 * What that cell knew it has given, or had reason not to give. Needs SPI_connect() and the
 * people's locks.
 */
extern void later_courses_give(Datum people, Datum products, Datum courses);

#endif
