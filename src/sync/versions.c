/*
 * versions.c: the versions of which a handshake's state is made, as the active snapshot sees
 * them.
 *
 * Three reads by a key, straight from the indexes: this is what a cached handshake costs beside
 * the cached row itself.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "core/rows.h"
#include "sync/versions.h"

static RowsSource catalogue_version = {
	.table = "catalogue_version",
	.index = "catalogue_version_pkey",
	.nkeys = 1,
	.keys = {{"singleton", BOOLOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

static RowsSource cohort_version = {
	.table = "cohort_versions",
	.index = "cohort_versions_pkey",
	.nkeys = 1,
	.keys = {{"cohort_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

static RowsSource user_version = {
	.table = "user_versions",
	.index = "user_versions_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

/* The column of every source. */
#define VERSION 0

static int64 version_read(RowsSource *source, Datum key, bool *own_change);

/*
 * own_change says that this transaction itself moved the version of the catalogue or of the
 * cohort: what is computed by such a version is not kept for others.
 */
void
handshake_versions_read(HandshakeVersions *versions, const pg_uuid_t *user)
{
	bool ignored = false;

	/* before the reads: a change that is made between them must move a version */
	versions_were_read();
	versions->own_change = false;
	versions->catalogue =
		version_read(&catalogue_version, BoolGetDatum(true), &versions->own_change);
	versions->user = version_read(&user_version, UUIDPGetDatum(user), &ignored);
	versions->cohort = versions->in_cohort
						   ? version_read(&cohort_version, UUIDPGetDatum(&versions->cohort_id),
										  &versions->own_change)
						   : 0;
}

/*
 * A catalogue, cohort or user without a row is at 0. *own_change becomes true if this
 * transaction wrote the row: the version then names a state that may yet be rolled back.
 */
static int64
version_read(RowsSource *source, Datum key, bool *own_change)
{
	int64 version = 0;
	Rows rows;

	rows_open(&rows, source, GetActiveSnapshot());
	rows_find(&rows, &key);
	if (rows_next(&rows))
	{
		version = DatumGetInt64(rows_value(&rows, VERSION));
		*own_change |= rows_written_here(&rows);
	}
	rows_close(&rows);
	return version;
}
