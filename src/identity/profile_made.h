/*
 * profile_made.h: who makes the profile of a person that is inserted.
 */
#ifndef COURSEBASE_IDENTITY_PROFILE_MADE_H
#define COURSEBASE_IDENTITY_PROFILE_MADE_H

/*
 * While it is set, the subject (clerk_user_id) of the person whose profile the caller writes
 * itself, with all that it knows: the trigger of users then makes none, which would only be
 * written over. Other people of the same statement get theirs. The caller's memory; it sets
 * NULL again on every way out.
 */
extern const char *profile_follows;

/*
 * How often a profile is inserted with a new referral code before the row counts as kept away.
 * Among a billion codes two tries are rare.
 */
#define PROFILE_TRIES 10

#endif
