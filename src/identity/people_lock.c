/*
 * people_lock.c: everybody whom a purchase concerns is locked, whoever has it meanwhile.
 *
 * Invariants: whose a purchase is, is known only under that person's lock, for a transfer may
 * take it away until then. No person is locked against the order of uuids: people who are found
 * later are locked in a new try, which begins with the locks of the last one given back. The
 * tries are few, because each knows everybody whom an earlier one found: of a purchase that
 * goes to and fro between two people the second succeeds.
 *
 * Lock order: the rows of users, in the order of uuids, then what the search locks.
 */
#include "postgres.h"

#include "access/xact.h"

#include "core/attempt.h"
#include "core/datum.h"
#include "core/errors.h"
#include "identity/anchor.h"
#include "identity/people_lock.h"

/* Tries after the first one. */
#define TRIES 4

struct People
{
	int count;
	int room;
	pg_uuid_t *ids; /* grows in the context in which it was made, also in a subtransaction */
};

typedef struct Search
{
	PeopleFind find;
	void *argument;
	People people;
	bool known;    /* there is something to lock for */
	bool complete; /* all people were locked */
} Search;

static int person_place(const People *people, const pg_uuid_t *person, bool *found);
static bool people_try(void *argument);
pg_noreturn static void people_raise_moving(const char *purchase);

bool
people_lock(PeopleFind find, void *argument, const char *purchase)
{
	Search search = {.find = find, .argument = argument};

	search.people.room = 8;
	search.people.ids = palloc_array(pg_uuid_t, search.people.room);
	search.known = find(&search.people, false, argument);
	for (int tries = 0; search.known && !search.complete; tries++)
	{
		if (tries > TRIES)
			people_raise_moving(purchase);
		attempt(people_try, &search, NULL);
	}
	pfree(search.people.ids);
	return search.known;
}

void
people_add(People *people, const pg_uuid_t *person)
{
	bool found;
	int place = person_place(people, person, &found);

	if (found)
		return;
	if (people->count == people->room)
	{
		people->room *= 2;
		people->ids = repalloc_huge(people->ids, people->room * sizeof(pg_uuid_t));
	}
	memmove(&people->ids[place + 1], &people->ids[place],
			(people->count - place) * sizeof(pg_uuid_t));
	people->ids[place] = *person;
	people->count++;
}

/* Where the person stands among the people, or would. */
static int
person_place(const People *people, const pg_uuid_t *person, bool *found)
{
	int low = 0;
	int high = people->count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (memcmp(&people->ids[middle], person, UUID_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low < people->count && uuid_equal(&people->ids[low], person);
	return low;
}

/* Takes the locks. False if somebody else is concerned by then, who is among the people now, or
 * if there is nothing to lock for any more: the locks are given back. */
static bool
people_try(void *argument)
{
	Search *search = argument;
	int count = search->people.count;

	for (int i = 0; i < count; i++)
		anchor_user_require(&search->people.ids[i]);
	search->known = search->find(&search->people, true, search->argument);
	search->complete = search->known && search->people.count == count;
	return search->complete;
}

/* At READ COMMITTED not 40001, which gateways repeat by themselves without an end. */
static void
people_raise_moving(const char *purchase)
{
	ereport(ERROR,
			(errcode(IsolationUsesXactSnapshot() ? ERRCODE_T_R_SERIALIZATION_FAILURE
												 : ERRCODE_CB_IN_THE_WAY),
			 errmsg("the purchase goes from person to person"),
			 errdetail("Transfers took \"%s\" away each time that the people were locked who "
					   "had it.",
					   purchase),
			 errhint("Call again.")));
}
