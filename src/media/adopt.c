/*
 * adopt.c: checksums of custom courses, for rows that came without triggers.
 */
#include "postgres.h"

#include "media/adopt.h"

static KeptPlan digest_documents = {
	.sql = "UPDATE coursebase.custom_courses d SET checksum = r.checksum,"
		   "  file_size_bytes = r.size"
		   " FROM (SELECT o.id, coursebase.json_checksum(o.data) AS checksum,"
		   "  coursebase.json_size(o.data) AS size FROM coursebase.custom_courses o OFFSET 0) r"
		   " WHERE r.id = d.id"
		   " AND (d.checksum, d.file_size_bytes) IS DISTINCT FROM (r.checksum, r.size)",
};

static void adopt(Adoption *adoption);

const AdoptionPart media_adoption = {
	.tables = "coursebase.custom_courses",
	.adopt = adopt,
};

/*
 * A document that came without triggers has no checksum, or an old one: the handshake would
 * send it again, or never.
 */
static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "checksums of documents", &digest_documents);
}
