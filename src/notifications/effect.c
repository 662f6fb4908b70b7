/*
 * effect.c: what became of a notification: one of four outcomes, with the reason in words.
 *
 * Nothing here reads or writes a table; texts are kept as they are and not copied.
 */
#include "postgres.h"

#include "core/plan.h"
#include "notifications/effect.h"

const char *const notice_outcome_names[OUTCOMES] = {"applied", "noted", "waiting", "refused"};

/* Something that comes later may decide it. */
void
effect_wait(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_WAITING;
	effect->detail = detail;
}

/* A rule said no: the row of the inbox is kept, and nothing else. */
void
effect_refuse(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_REFUSED;
	effect->detail = detail;
}

/* Final: nothing that comes later gives it a meaning. */
void
effect_note(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_NOTED;
	effect->detail = detail;
}

/* The functions that are called answer one row of one JSON text. */
void
effect_applied(NoticeEffect *effect)
{
	effect->outcome = OUTCOME_APPLIED;
	effect->result = plan_text_required(0, 1);
}

/* A notification has one, which the reader took from its body. */
const char *
call_environment(const NoticeCall *call)
{
	return notice_environment_names[call->notice->environment];
}
