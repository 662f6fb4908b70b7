-- Who is asking, and the accounts.
--
-- The functions that policies call resolve no name on their way (a direct read of an index), so that
-- they carry no search_path; the statement they fall back on names every object and operator in full.

CREATE FUNCTION coursebase.current_user_id()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_current_user_id';
COMMENT ON FUNCTION coursebase.current_user_id() IS
    'The user who asks: the claims of the request (setting request.jwt.claims, else request.jwt.claim.sub) looked up in users. NULL for nobody: no or malformed claims, an unknown or closed account.';
REVOKE ALL ON FUNCTION coursebase.current_user_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.current_user_id() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.is_admin()
RETURNS boolean
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_is_admin';
COMMENT ON FUNCTION coursebase.is_admin() IS
    'Whether the user who asks is an administrator (users.role = admin). False for nobody.';
REVOKE ALL ON FUNCTION coursebase.is_admin() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.is_admin() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_from';
COMMENT ON FUNCTION coursebase.own_from() IS
    'Lower bound of the user ids whose rows the one who asks may see: the own id, or the smallest uuid for an administrator. NULL for nobody. For policies: BETWEEN (SELECT own_from()) AND (SELECT own_to()).';
REVOKE ALL ON FUNCTION coursebase.own_from() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.own_from() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_to';
COMMENT ON FUNCTION coursebase.own_to() IS
    'Upper bound of the user ids whose rows the one who asks may see: the own id, or the largest uuid for an administrator. NULL for nobody.';
REVOKE ALL ON FUNCTION coursebase.own_to() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.own_to() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_cohort_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_from';
COMMENT ON FUNCTION coursebase.own_cohort_from() IS
    'Lower bound of the cohort ids that the one who asks may see: the own cohort, or the smallest uuid for an administrator. NULL for nobody and outside of cohorts.';
REVOKE ALL ON FUNCTION coursebase.own_cohort_from() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.own_cohort_from() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_cohort_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_to';
COMMENT ON FUNCTION coursebase.own_cohort_to() IS
    'Upper bound of the cohort ids that the one who asks may see: the own cohort, or the largest uuid for an administrator. NULL for nobody and outside of cohorts.';
REVOKE ALL ON FUNCTION coursebase.own_cohort_to() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.own_cohort_to() TO anonymous, end_user, server;
