/*
 * coursebase.c: what happens when the server loads the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "core/compat.h"
#include "core/http_errors.h"
#include "core/plan_growth.h"
#include "core/plan_jit.h"
#include "core/statement_mark.h"
#include "discounts/referral.h"
#include "identity/asking.h"
#include "identity/placed.h"
#include "install/guard.h"
#include "programs/session.h"
#include "store/pack_receipt.h"

COMPAT_MODULE_MAGIC("coursebase", COURSEBASE_VERSION);

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	http_errors_init();
	plan_growth_init();
	plan_jit_init();
	statement_mark_init();
	guard_init();
	identity_init();
	placed_init();
	referral_init();
	pack_receipt_init();
	session_init();
	MarkGUCPrefixReserved("coursebase");
}
