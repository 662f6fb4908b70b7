/*
 * versions.c: the versions as the active snapshot sees them, read straight from their
 * indexes.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "core/fetch.h"
#include "sync/handshake.h"

static FetchSource catalogue_version = {
	.table = "catalogue_version",
	.index = "catalogue_version_pkey",
	.nkeys = 1,
	.keys = {{"singleton", BOOLOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

static FetchSource cohort_version = {
	.table = "cohort_versions",
	.index = "cohort_versions_pkey",
	.nkeys = 1,
	.keys = {{"cohort_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

static FetchSource user_version = {
	.table = "user_versions",
	.index = "user_versions_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"version", INT8OID}},
};

static bool version_read(FetchSource *source, Datum key, int64 *version, bool *own_change);

bool
handshake_versions_read(HandshakeVersions *versions, const pg_uuid_t *user)
{
	bool ignored = false;

	versions_were_read();
	versions->own_change = false;
	versions->cohort = 0;
	return version_read(&catalogue_version, BoolGetDatum(true), &versions->catalogue,
						&versions->own_change) &&
		   version_read(&user_version, UUIDPGetDatum(user), &versions->user, &ignored) &&
		   (!versions->in_cohort ||
			version_read(&cohort_version, UUIDPGetDatum(&versions->cohort_id),
						 &versions->cohort, &versions->own_change));
}

/* What has no row is at 0. */
static bool
version_read(FetchSource *source, Datum key, int64 *version, bool *own_change)
{
	Fetch fetch;
	bool null;

	*version = 0;
	if (!fetch_open(&fetch, source, GetActiveSnapshot()))
		return false;
	fetch_find(&fetch, &key);
	if (fetch_next(&fetch))
	{
		Datum writer = slot_getsysattr(fetch.slot, MinTransactionIdAttributeNumber, &null);

		*version = DatumGetInt64(fetch_value(&fetch, 0, &null));
		*own_change |= TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
	}
	fetch_close(&fetch);
	return true;
}
