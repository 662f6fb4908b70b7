-- People and organisations: who is asking, which rows are theirs, accounts, and memberships.

CREATE FUNCTION coursebase.tg_any__guard_columns()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__guard_columns';
COMMENT ON FUNCTION coursebase.tg_any__guard_columns() IS
    'BEFORE UPDATE: an end user who is no administrator changes only the columns named in the arguments (42501).';

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
GRANT EXECUTE ON FUNCTION coursebase.own_cohort_to() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.upsert_user(
    clerk_user_id text,
    name          text,
    email         text,
    image_url     text DEFAULT NULL,
    role          text DEFAULT NULL,
    first_name    text DEFAULT NULL,
    last_name     text DEFAULT NULL,
    phone_number  text DEFAULT NULL,
    country       text DEFAULT NULL,
    lead_source   text DEFAULT NULL,
    time_zone     text DEFAULT NULL,
    at            timestamptz DEFAULT now())
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_upsert_user';
COMMENT ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz) IS
    'Stores an account as the authentication provider reports it, with its profile and referral code, and answers its id. The same call again changes nothing; null arguments leave what is stored; a closed account stays as it is. at is when a new account was made.';
GRANT EXECUTE ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.assign_cohort(user_id uuid, cohort_code text)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_assign_cohort';
COMMENT ON FUNCTION coursebase.assign_cohort(uuid, text) IS
    'Puts a person into the cohort with that code, out of any other, and answers its id. KB106 when there is no such open account or no such cohort.';
GRANT EXECUTE ON FUNCTION coursebase.assign_cohort(uuid, text) TO server;

CREATE FUNCTION coursebase.tg_users__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__audit';
COMMENT ON FUNCTION coursebase.tg_users__audit() IS
    'AFTER INSERT OR UPDATE: a role that changes, or is not user from the start, is recorded in audit_events with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_user_profile__normalise()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_profile__normalise';
COMMENT ON FUNCTION coursebase.tg_user_profile__normalise() IS
    'BEFORE INSERT OR UPDATE: email in lower case; a profile without a referral code gets one that nobody has.';

CREATE FUNCTION coursebase.create_organization(
    name      text,
    slug      text,
    currency  text,
    time_zone text,
    owner_id  uuid)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_create_organization';
COMMENT ON FUNCTION coursebase.create_organization(text, text, text, text, uuid) IS
    'Makes an organisation with its first owner and answers its id. KB106 when there is no such open account. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.create_organization(text, text, text, text, uuid) TO server;

CREATE FUNCTION coursebase.member_organization_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_member_organization_ids';
COMMENT ON FUNCTION coursebase.member_organization_ids() IS
    'The organisations to which the one who asks belongs, as whatever; all of them for an administrator. Empty for nobody. For policies that read.';
GRANT EXECUTE ON FUNCTION coursebase.member_organization_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.staff_organization_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_staff_organization_ids';
COMMENT ON FUNCTION coursebase.staff_organization_ids() IS
    'The organisations of which the one who asks is staff (owner, admin or coach); all of them for an administrator. Empty for nobody. For policies that read.';
GRANT EXECUTE ON FUNCTION coursebase.staff_organization_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.organization_ids_as(role text)
RETURNS uuid[]
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_organization_ids_as';
COMMENT ON FUNCTION coursebase.organization_ids_as(text) IS
    'The organisations in which the one who asks has that role (owner, admin, coach, member) or a higher one; an administrator of the installation has none by that. For policies that write.';
GRANT EXECUTE ON FUNCTION coursebase.organization_ids_as(text) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_memberships__only_owners()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__only_owners';
COMMENT ON FUNCTION coursebase.tg_memberships__only_owners() IS
    'BEFORE INSERT OR UPDATE OR DELETE: only an owner of the organisation makes or unmakes owners (42501); does not bind whom row security does not. Locks the organisation of an owner who ceases to be one.';

CREATE FUNCTION coursebase.tg_memberships__keep_owner()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__keep_owner';
COMMENT ON FUNCTION coursebase.tg_memberships__keep_owner() IS
    'AFTER UPDATE OR DELETE of an owner: the last one stays (KBA01) as long as the organisation does. Looks with the rights of the tables'' owner, under a lock of the organisation.';

CREATE FUNCTION coursebase.tg_memberships__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__audit';
COMMENT ON FUNCTION coursebase.tg_memberships__audit() IS
    'AFTER INSERT OR UPDATE OR DELETE: who becomes, changes as or ceases to be staff is recorded in audit_events with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_any__lock_user()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__lock_user';
COMMENT ON FUNCTION coursebase.tg_any__lock_user() IS
    'BEFORE INSERT: locks the person''s row of users, before the row is there. Locks with the owner''s rights.';
