/*
 * adopt.c: the record of settings, for rows that came without triggers.
 *
 * Invariant: as in settings_audit.c: the value of a setting is the one that was recorded last.
 */
#include "postgres.h"

#include "records/adopt.h"

static KeptPlan record_settings = {
	.sql = "INSERT INTO coursebase.audit_events (action, object, old, new)"
		   " SELECT 'setting_changed', 'settings/' || s.name,"
		   "  jsonb_build_object('value', l.value), jsonb_build_object('value', s.value)"
		   " FROM coursebase.settings s"
		   " LEFT JOIN (SELECT DISTINCT ON (e.object) e.object, e.new ->> 'value' AS value"
		   "  FROM coursebase.audit_events e WHERE e.action = 'setting_changed'"
		   "  ORDER BY e.object, e.created_at DESC) l ON l.object = 'settings/' || s.name"
		   " WHERE s.value IS DISTINCT FROM l.value",
};

static void adopt(Adoption *adoption);

const AdoptionPart records_adoption = {
	.tables = "coursebase.settings",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "settings recorded in the audit", &record_settings);
}
