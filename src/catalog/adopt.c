/*
 * adopt.c: checksums and places of the catalogue, for rows that came without triggers.
 *
 * Invariants: checksum and size of a document are those of its bytes. No two sections of a
 * course, and no two lessons of a section, share a place: the key that says so is deferrable,
 * and with triggers off the server does not hold it. Where two share a place, all of that
 * course or section are numbered anew, in the order in which they stand.
 */
#include "postgres.h"

#include "catalog/adopt.h"

static KeptPlan digest_documents = {
	.sql =
		"UPDATE coursebase.course_documents d SET checksum = r.checksum,"
		"  file_size_bytes = r.size"
		" FROM (SELECT o.course_id, coursebase.json_checksum(o.data) AS checksum,"
		"  coursebase.json_size(o.data) AS size FROM coursebase.course_documents o OFFSET 0) r"
		" WHERE r.course_id = d.course_id"
		" AND (d.checksum, d.file_size_bytes) IS DISTINCT FROM (r.checksum, r.size)",
};

#define PLACE_ANEW(table, parent)                                                              \
	"UPDATE coursebase." table " t SET \"order\" = n.place"                                    \
	" FROM (SELECT o.id, row_number() OVER (PARTITION BY o." parent                            \
	"   ORDER BY o.\"order\", o.created_at, o.id) - 1 AS place"                                \
	"  FROM coursebase." table " o WHERE o." parent " IN ("                                    \
	"   SELECT s." parent " FROM coursebase." table " s"                                       \
	"   GROUP BY s." parent ", s.\"order\" HAVING count(*) > 1)) n"                            \
	" WHERE t.id = n.id AND t.\"order\" <> n.place"

static KeptPlan place_sections = {.sql = PLACE_ANEW("course_sections", "course_id")};
static KeptPlan place_lessons = {.sql = PLACE_ANEW("lessons", "section_id")};

static void adopt(Adoption *adoption);

const AdoptionPart catalog_adoption = {
	.tables = "coursebase.courses, coursebase.course_documents, coursebase.products,"
			  " coursebase.course_products, coursebase.course_sections, coursebase.lessons",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "checksums of documents", &digest_documents);
	adoption_make(adoption, "places of sections", &place_sections);
	adoption_make(adoption, "places of lessons", &place_lessons);
}
