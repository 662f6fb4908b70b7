/*
 * adopt.c: manifests and versions, for rows that came without triggers.
 *
 * Invariant: a cached handshake that was made before rows came without triggers answers no
 * more. Nobody knows whose rows they were, so that the one version moves which everybody
 * compares, instead of a version a person.
 */
#include "postgres.h"

#include "sync/adopt.h"

static KeptPlan digest_manifests = {
	.sql = "UPDATE coursebase.master_manifests d SET checksum = r.checksum,"
		   "  file_size_bytes = r.size"
		   " FROM (SELECT o.id, coursebase.json_checksum(o.content) AS checksum,"
		   "  coursebase.json_size(o.content) AS size"
		   "  FROM coursebase.master_manifests o OFFSET 0) r WHERE r.id = d.id"
		   " AND (d.checksum, d.file_size_bytes) IS DISTINCT FROM (r.checksum, r.size)",
};
static KeptPlan name_links = {
	.sql = "UPDATE coursebase.manifest_cohorts l SET name = m.name"
		   " FROM coursebase.master_manifests m"
		   " WHERE m.id = l.manifest_id AND m.name <> l.name",
};
static KeptPlan move_version = {
	.sql = "INSERT INTO coursebase.catalogue_version AS v (singleton, version)"
		   " VALUES (true, 1 + (random() * 1e15)::bigint)"
		   " ON CONFLICT (singleton) DO UPDATE SET version = v.version + 1",
};

static void adopt(Adoption *adoption);

const AdoptionPart sync_adoption = {
	.tables = "coursebase.master_manifests, coursebase.manifest_cohorts,"
			  " coursebase.catalogue_version",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "checksums of documents", &digest_manifests);
	adoption_make(adoption, "names of manifests", &name_links);
	/* moved even when nothing else was made: the rows that came may all have been complete */
	plan_execute_latest(&move_version, NULL, NULL);
}
