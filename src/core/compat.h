/*
 * compat.h: the only place where PostgreSQL 15, 16, 17 and 18 differ.
 *
 * A version test anywhere else is a mistake. Nothing here may bind to a symbol that an older
 * minor release of the same major lacks (heap_getattr does, from 15.20, 16.16, 17.12 and 18.7
 * headers on).
 */
#ifndef COURSEBASE_COMPAT_H
#define COURSEBASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "coursebase is made for PostgreSQL 15 to 18"
#endif

/* 15 leaves the word empty, so that with -fvisibility=hidden nothing at all would be exported.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#include "access/toast_internals.h"

/* The snapshot that sees TOAST chunks; 18 keeps one, before that the caller brings the memory.
 */
static inline Snapshot
compat_toast_snapshot(SnapshotData *memory)
{
#if PG_VERSION_NUM >= 180000
	(void) memory;
	return get_toast_snapshot();
#else
	init_toast_snapshot(memory);
	return memory;
#endif
}

#endif
