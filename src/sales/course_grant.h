/*
 * course_grant.h: what a change of a grant leaves in no row.
 */
#ifndef COURSEBASE_SALES_COURSE_GRANT_H
#define COURSEBASE_SALES_COURSE_GRANT_H

#include "postgres.h"

#include "utils/timestamp.h"

/*
 * For a trigger of user_course_access: the end that the grant had until now by which the row
 * comes; DT_NOBEGIN where the row comes for another reason. Raises nothing.
 */
extern TimestampTz course_grant_lost_end(void);

#endif
