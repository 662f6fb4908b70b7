/*
 * handshake.h: what the files of the handshake share: the request, the state of a user, and the
 * steps between them.
 *
 * A handshake is request → state (cached or computed) → what the phone reported is recorded →
 * answer. The answer is made from request and state alone, and the state from the cache is the
 * state as computed: that is why a cached and a computed answer are equal byte by byte.
 *
 * Slices point into the request, into rows that SPI holds until the handshake ends, or into
 * memory of the same context.
 */
#ifndef COURSEBASE_SYNC_HANDSHAKE_H
#define COURSEBASE_SYNC_HANDSHAKE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "json/digest.h"
#include "json/json.h"

/* The columns of analytics that a phone reports, in the order of handshake_setting_names. */
#define HANDSHAKE_SETTINGS 5

typedef struct HandshakeSetting
{
	bool given;
	JsonSlice value; /* bytes NULL: null, the setting is taken back */
} HandshakeSetting;

typedef struct HandshakePlays
{
	JsonSlice course_code;
	JsonSlice audio_key;
	JsonSlice title; /* bytes NULL: none */
	int32 count;
	int order; /* in the request */
} HandshakePlays;

/* A file that the phone says it has. */
typedef struct HandshakeFile
{
	JsonSlice name;
	JsonSlice checksum;
	int order; /* in the request */
} HandshakeFile;

typedef struct HandshakeRequest
{
	HandshakeSetting settings[HANDSHAKE_SETTINGS];
	HandshakePlays *plays; /* by course and key, each once */
	int nplays;
	JsonSlice device_id;  /* bytes NULL: none */
	JsonSlice *purchases; /* their ids, as sent */
	int npurchases;
	HandshakeFile *files; /* by name, each once */
	int nfiles;
	bool has_files;   /* the request has `checksums` */
	JsonSlice digest; /* bytes NULL: none */
	bool deltas;
} HandshakeRequest;

/* Whose document a file is. */
typedef enum HandshakeSource
{
	HANDSHAKE_MANIFEST,
	HANDSHAKE_COURSE,
	HANDSHAKE_CUSTOM_COURSE,
} HandshakeSource;

#define HANDSHAKE_SOURCES (HANDSHAKE_CUSTOM_COURSE + 1)

typedef struct HandshakeEntry
{
	JsonSlice name;
	JsonSlice checksum;
	int32 size;
	HandshakeSource source;
	pg_uuid_t id;
	int rank; /* of two entries of one name the higher one counts */
} HandshakeEntry;

/* Of what the state was made; equal versions, equal state. */
typedef struct HandshakeVersions
{
	int64 catalogue;
	bool in_cohort;
	pg_uuid_t cohort_id;
	int64 cohort;
	int64 user;
	bool own_change; /* catalogue or cohort were moved by this transaction, or may have been */
} HandshakeVersions;

/* What the answer is made from beside the request, and what the cache keeps. */
typedef struct HandshakeState
{
	char digest[DIGEST_HEX_SIZE]; /* of names and checksums of the entries */
	JsonSlice members;            /* of the answer, such as "discounts":[] */
	const JsonSlice *protected;   /* names that are never deleted */
	int nprotected;
	HandshakeEntry *entries; /* by name, each once; there after handshake_state_expand() */
	int nentries;
	JsonSlice text;         /* from the cache: all of it */
	TimestampTz valid_from; /* of the state: [from, until) */
	TimestampTz valid_until;
} HandshakeState;

/* sync/request.c: raises KB301, naming the member, for what is of the wrong type. */
extern const char *const handshake_setting_names[HANDSHAKE_SETTINGS];
extern void handshake_request_parse(HandshakeRequest *request, const char *bytes, Size size);
extern int handshake_name_compare(JsonSlice a, JsonSlice b);

/* handshake.c: the phone has every document, by its digest. */
extern bool handshake_is_current(const HandshakeRequest *request, const HandshakeState *state);

/*
 * sync/state.c: computed with the active snapshot; raises KB106 for an unknown user. Needs
 * SPI, as do all functions below but those that say otherwise.
 */
extern void handshake_state_compute(HandshakeState *state, HandshakeVersions *versions,
									const pg_uuid_t *user, TimestampTz at);

/* The cohort of the user; goes without SPI_connect(). */
extern void handshake_cohort_read(HandshakeVersions *versions, const pg_uuid_t *user);

/* What time alone changes at this moment: the state, as it is at `at`, is not that of the other
 * side of it. */
extern void handshake_state_turns(HandshakeState *state, TimestampTz moment, TimestampTz at);

/*
 * sync/discounts.c: gives the user the discounts that are due, true when there were any;
 * and appends the value of "discounts".
 */
extern bool handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at);
extern void handshake_discounts_write(StringInfo out, HandshakeState *state,
									  const pg_uuid_t *user, TimestampTz at);

/* sync/subscription.c: appends the value of "subscription". */
extern void handshake_subscription_write(StringInfo out, HandshakeState *state,
										 const pg_uuid_t *user, TimestampTz at);

/* sync/credits.c: appends the value of "ai_usage". */
extern void handshake_credits_write(StringInfo out, HandshakeState *state,
									const pg_uuid_t *user, TimestampTz at);

/*
 * sync/courses.c: appends the values of "courses" and "premium_slots".
 */
extern void handshake_courses_write(StringInfo out, HandshakeState *state,
									const pg_uuid_t *user, TimestampTz at);
extern void handshake_slots_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
								  TimestampTz at);

/*
 * sync/catalogue.c: the documents that everybody of a cohort gets, kept by the session for
 * their versions, and the names that are never deleted.
 */
typedef struct HandshakeCatalogue
{
	HandshakeEntry *entries; /* by name, each once */
	int nentries;
	JsonSlice *protected;
	int nprotected;
} HandshakeCatalogue;

extern const HandshakeCatalogue *handshake_catalogue_get(const HandshakeVersions *versions,
														 bool admin);

/*
 * sync/versions.c: the versions of the catalogue, of the cohort that *versions names, and of
 * the user. Goes without SPI_connect().
 */
extern void handshake_versions_read(HandshakeVersions *versions, const pg_uuid_t *user);

/*
 * sync/cache.c: read and expand go without SPI_connect(). read is false when no row answers.
 * expand makes the entries of a state that was found for a request that is not current; false
 * when its text is not one of ours.
 */
extern bool handshake_cache_read(HandshakeState *state, const HandshakeRequest *request,
								 const pg_uuid_t *user, TimestampTz at);
extern bool handshake_state_expand(HandshakeState *state);
extern void handshake_cache_write(const HandshakeState *state,
								  const HandshakeVersions *versions, const pg_uuid_t *user,
								  TimestampTz at);

/*
 * sync/record.c: keeps what the phone reported, as far as it is new. is_recorded goes without
 * SPI_connect(); false when something is new.
 */
extern bool handshake_is_recorded(const HandshakeRequest *request, const pg_uuid_t *user,
								  TimestampTz at);
extern void handshake_record(const HandshakeRequest *request, const pg_uuid_t *user,
							 TimestampTz at);
/* Appends the value of "purchases"; needs no SPI when there are none. */
extern void handshake_purchases_write(StringInfo out, const HandshakeRequest *request,
									  const pg_uuid_t *user);

/* sync/answer.c: no document is sent, so that the answer needs no SPI. */
extern bool handshake_keeps_all(const HandshakeRequest *request, const HandshakeState *state);
extern void handshake_answer_write(StringInfo out, const HandshakeRequest *request,
								   const HandshakeState *state, const pg_uuid_t *user);

/* sync/delta.c: appends the members of an append that leads from the client's checksum to
 * the document, or nothing and false. */
extern bool handshake_delta_write(StringInfo out, const HandshakeEntry *entry,
								  JsonSlice client_checksum, JsonSlice document);

/* versions.c: versions were read in this transaction, so that the next change moves them. */
extern void versions_were_read(void);

#endif
