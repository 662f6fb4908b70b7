/*
 * request.h: what a phone sends with a handshake.
 *
 * Slices point into the request, or into memory of the context in which the request was parsed;
 * the request must live as long.
 */
#ifndef COURSEBASE_SYNC_REQUEST_H
#define COURSEBASE_SYNC_REQUEST_H

#include "postgres.h"

#include "json/json.h"

/* The settings of the player that a phone reports, in the order of handshake_setting_names. */
#define HANDSHAKE_SETTINGS 5

extern const char *const handshake_setting_names[HANDSHAKE_SETTINGS];

typedef struct HandshakeSetting
{
	bool given;
	JsonSlice value; /* bytes NULL: null, the setting is taken back */
} HandshakeSetting;

/* How often an audio was played. */
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
	bool has_files;   /* the request has the member checksums */
	JsonSlice digest; /* bytes NULL: none */
	bool deltas;      /* the phone understands appends */
} HandshakeRequest;

/* Raises KB301, naming the member, for a member of the wrong type or too long. */
extern void handshake_request_parse(HandshakeRequest *request, const char *bytes, Size size);

/* Whether the phone has every document, by the digest of the last answer. */
extern bool handshake_is_current(const HandshakeRequest *request, const char *digest);

#endif
