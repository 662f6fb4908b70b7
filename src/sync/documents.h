/*
 * documents.h: the documents that only one user gets, beside those of the catalogue.
 *
 * Each function adds its entries, reads with the active snapshot, needs no SPI_connect(), and
 * allocates in the current context.
 */
#ifndef COURSEBASE_SYNC_DOCUMENTS_H
#define COURSEBASE_SYNC_DOCUMENTS_H

#include "access/course_rights.h"
#include "core/rows.h"
#include "sync/entries.h"
#include "sync/validity.h"

/* Courses that the user may use, but for those that the catalogue has. */
extern void handshake_courses_add(HandshakeEntries *entries, Validity *validity,
								  const pg_uuid_t *user);

/*
 * Finds a course; false for none. The code points into the row and is good until the next one;
 * its bytes are NULL for a course without one. The codes are opened once for many courses, and
 * closed by rows_close().
 */
extern void handshake_codes_open(Rows *courses);
extern bool handshake_code_find(Rows *courses, const pg_uuid_t *course, JsonSlice *code);

/*
 * Adds the document of a course, named by the code that handshake_code_find() gave; none for a
 * course without a document. The documents are opened once for many courses, and closed by
 * rows_close().
 */
extern void handshake_documents_open(Rows *documents);
extern void handshake_document_add(HandshakeEntries *entries, Rows *documents,
								   const pg_uuid_t *course, JsonSlice code);

/* The rights to those courses, in the order of their ids; the end of premium bounds the
 * validity. */
extern void handshake_rights_read(CourseRights *rights, Validity *validity,
								  const pg_uuid_t *user);

/* Custom courses that were made for the user. */
extern void handshake_custom_courses_add(HandshakeEntries *entries, const pg_uuid_t *user);

#endif
