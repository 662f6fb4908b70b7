/*
 * document.h: what is known of a json document without holding it: digest and size.
 */
#ifndef COURSEBASE_JSON_DOCUMENT_H
#define COURSEBASE_JSON_DOCUMENT_H

#include "postgres.h"

#include "json/digest.h"

typedef enum DocumentFormat
{
	DOCUMENT_STORED, /* the bytes as they are */
	DOCUMENT_CRLF4,  /* indented by 4 spaces a level, with CRLF: see json_render.h */
	DOCUMENT_FORMATS
} DocumentFormat;

/* Writes the hex digits of the json document's digest, and gives the stored size in bytes. */
extern Size document_digest(Datum document, DocumentFormat format, DigestAlgorithm algorithm,
							char hex[DIGEST_HEX_SIZE]);

/*
 * Who stores a document whose MD5 it has made already says so around the statement, and the
 * table's trigger need not make it again: the same bytes, compared, have the same digest. The
 * document stays the caller's and must outlive the announcement; plain values only.
 */
extern void document_announce(Datum document, const char *hex);
extern void document_withdraw(void);

#endif
