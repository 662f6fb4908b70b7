/*
 * places.h: places of curricula that a transaction takes away, until it is known what stands
 * there instead.
 */
#ifndef COURSEBASE_PROGRAMS_PLACES_H
#define COURSEBASE_PROGRAMS_PLACES_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/uuid.h"

#include "core/compat.h"

/*
 * For the triggers after each statement on course_workouts: notes the places that the statement
 * deleted or changed, and the new ones that may take over from deleted ones. What is noted
 * lasts to the end of the transaction. Needs SPI_connect() and the transition tables.
 */
extern void places_note(TriggerData *data);

/*
 * Settles what is noted of one day of a program at once, before the transaction ends: for
 * set_day(), whose one statement has written the whole day. Raises the errors of the
 * curriculum's rules. Needs SPI_connect() and the lock of the program.
 */
extern void places_settle_day(const pg_uuid_t *program, int32 day);

/* Raises KBA04 or KBA05 when a published program, or a preview, has lost its workouts. Needs
 * SPI_connect() and the lock of the program. In curriculum.c. */
extern void curriculum_require(const pg_uuid_t *program);

/* Derives completed_at of all entitlements to the program. Needs SPI_connect() and the lock of
 * the program. In progress.c. */
extern void progress_derive(const pg_uuid_t *program);

#endif
