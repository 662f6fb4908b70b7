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
    'BEFORE UPDATE: refuses an end user who changes a column that the trigger''s arguments do not name, and an administrator who changes one that an argument names behind a "!" (42501). updated_at may always change.';

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
    'Answers the user who asks: the subject in the claims of the request (setting request.jwt.claims, else request.jwt.claim.sub), looked up in users.clerk_user_id and then in users.id. Of an account that merge_users() closed it is the person who has what that one had. NULL for nobody: no claims, malformed claims, an unknown user or a closed account.

Anybody may call it; it reads past row security and tells nobody about another user. Never raises because of claims, but for a person who lives in another cell (KBC01). Source: how PostgREST and Supabase pass a token on.';
GRANT EXECUTE ON FUNCTION coursebase.current_user_id() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.current_member_id()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_current_member_id';
COMMENT ON FUNCTION coursebase.current_member_id() IS
    'Answers the user who asks, as current_user_id() does, also where that person lives in another cell: what is about organisations stands on home, and is for people of every cell. NULL for nobody.

Anybody may call it. For policies of organisations'' tables. Never raises because of claims, but in a cell that is neither home nor the person''s (KBC01).';
GRANT EXECUTE ON FUNCTION coursebase.current_member_id() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.is_admin()
RETURNS boolean
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_is_admin';
COMMENT ON FUNCTION coursebase.is_admin() IS
    'Answers whether the user who asks is an administrator of the installation (users.role = admin). False for nobody.

Anybody may call it; policies do, as (SELECT coursebase.is_admin()), once a statement. Never raises because of claims, but for a person who lives in another cell (KBC01).';
GRANT EXECUTE ON FUNCTION coursebase.is_admin() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.has_account(user_id uuid)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_has_account';
COMMENT ON FUNCTION coursebase.has_account(uuid) IS
    'Answers whether a person has an open account on this server. Of a person who lives in another cell it does not answer false: it raises KBC01, as every function that is asked about one. For the server; reads past row security.

user_id: the person. False for NULL.

Raises: KBC01 (the person lives in another cell).';
GRANT EXECUTE ON FUNCTION coursebase.has_account(uuid) TO server;

CREATE FUNCTION coursebase.whoami()
RETURNS TABLE (
    user_id uuid, reason text, is_admin boolean, role_name text, rights text, detail text
)
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_whoami';
COMMENT ON FUNCTION coursebase.whoami() IS
    'Says whom the claims of the request are taken for, and if for nobody, why; and which rights the role of the session has. One row. Anybody may call it; it tells nobody about another user.

user_id: the user who asks, as current_user_id() answers. reason: NULL if there is one, else no_claims, unreadable_claims (no JSON object with a member sub of 1 to 255 bytes), unknown_subject, closed_account or other_cell. is_admin: whether that user is an administrator. role_name: the role whose grants count. rights: which grants these are: superuser, owner (of the tables), server, end_user, anonymous, or none where the role plays no part and is a member of none that does. detail: the reason in a sentence.

Never raises because of claims. Source: PostgREST''s and Supabase''s ways to pass a token on, and what goes wrong there.';
GRANT EXECUTE ON FUNCTION coursebase.whoami() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_from';
COMMENT ON FUNCTION coursebase.own_from() IS
    'Answers the lower bound of the user ids whose rows the user who asks may see: the own id, or the smallest uuid for an administrator. NULL for nobody, which matches no row.

Anybody may call it. For policies: user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()), which an index on user_id serves, also for administrators.';
GRANT EXECUTE ON FUNCTION coursebase.own_from() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_to';
COMMENT ON FUNCTION coursebase.own_to() IS
    'Answers the upper bound of the user ids whose rows the user who asks may see: the own id, or the largest uuid for an administrator. NULL for nobody, which matches no row.

Anybody may call it. For policies, together with own_from().';
GRANT EXECUTE ON FUNCTION coursebase.own_to() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_cohort_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_from';
COMMENT ON FUNCTION coursebase.own_cohort_from() IS
    'Answers the lower bound of the cohort ids that the user who asks may see: the own cohort, or the smallest uuid for an administrator. NULL for nobody and for a user in no cohort.

Anybody may call it. For policies, together with own_cohort_to().';
GRANT EXECUTE ON FUNCTION coursebase.own_cohort_from() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_cohort_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_to';
COMMENT ON FUNCTION coursebase.own_cohort_to() IS
    'Answers the upper bound of the cohort ids that the user who asks may see: the own cohort, or the largest uuid for an administrator. NULL for nobody and for a user in no cohort.

Anybody may call it. For policies, together with own_cohort_from().';
GRANT EXECUTE ON FUNCTION coursebase.own_cohort_to() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.upsert_user(
    clerk_user_id text,
    name          text DEFAULT NULL,
    email         text DEFAULT NULL,
    image_url     text DEFAULT NULL,
    role          text DEFAULT NULL,
    first_name    text DEFAULT NULL,
    last_name     text DEFAULT NULL,
    phone_number  text DEFAULT NULL,
    country       text DEFAULT NULL,
    lead_source   text DEFAULT NULL,
    time_zone     text DEFAULT NULL,
    at            timestamptz DEFAULT now(),
    user_id       uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_upsert_user';
COMMENT ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz, uuid) IS
    'Stores an account as the authentication provider reports it, with its profile and a referral code, and answers the id of the user. A first report makes the account, later ones update it, the same report again changes nothing, and a closed account stays as it is: for closed_id_days after its end a late report about it is refused, then its id is a new person''s. For the id of a merged account it answers the person who was kept, and changes nothing. For the server; writes with the caller''s rights.

clerk_user_id: the subject of the provider''s tokens, 1 to 255 bytes. name: required for a new account. email: empty or NULL for who has none. image_url, first_name, last_name, phone_number, country, lead_source: as reported. role: admin or user (a new account: user); changes are audited. time_zone: an IANA name that the server knows (a new profile: UTC). at: when a new account was made, now if NULL or left out. user_id: the id of a new account, which a router chose by place_person(); NULL takes the directory''s, and makes one where there is none. Any other argument that is NULL leaves what is stored. The profile''s email is stored in lower case, and is NULL for who has none.

Source: the created and updated events of the provider''s webhook, which may come twice, late or out of order.
Raises: 22004 (clerk_user_id is NULL, or name of a new account), 22008 (at is not finite), 22023 (clerk_user_id empty or too long, an unknown role or time zone), 23505 (user_id is another person''s), 23514 (a text is longer than its column takes), 40001 (under REPEATABLE READ: the account is newer than the snapshot; call again), KB106 (the id is that of an account that was closed less than closed_id_days ago), KB401 (the account has another id than user_id), KBC01 (the person lives in another cell), KBC05 (a person whom the directory does not know, in another cell than home and without user_id).';
GRANT EXECUTE ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz, uuid) TO server;

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
    'Puts a user into the cohort with a code, in place of the cohort before, and answers the id of the cohort. The same call again changes nothing. For the server; writes with the caller''s rights.

user_id: the user, whose account must be open. cohort_code: cohorts.code, spelt exactly as there. Neither may be NULL.

Source: the product''s rule that a person is in one cohort or none.
Raises: 22004 (an argument is NULL), KB106 (there is no such open account, or no such cohort).';
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
    'AFTER INSERT OR UPDATE: records in audit_events a role that changes, or that is not user from the start. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_users__email()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__email';
COMMENT ON FUNCTION coursebase.tg_users__email() IS
    'BEFORE INSERT OR UPDATE: makes an email that is NULL empty, because who signs up by telephone or anonymously has none.';

CREATE FUNCTION coursebase.tg_users__keep_admin()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__keep_admin';
COMMENT ON FUNCTION coursebase.tg_users__keep_admin() IS
    'AFTER UPDATE OR DELETE of an administrator: refuses an administrator who takes the last open account of one away, by another role, by closing or by deleting it (KBA01). The server and the owner of the tables may. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_users__merged()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__merged';
COMMENT ON FUNCTION coursebase.tg_users__merged() IS
    'BEFORE INSERT OR UPDATE that writes merged_into, or opens a merged account: refuses it (KB401), for whoever that row''s token names would act as another person. merge_users() alone writes it. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_organizations__on_home()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_organizations__on_home';
COMMENT ON FUNCTION coursebase.tg_organizations__on_home() IS
    'BEFORE INSERT: refuses an organisation in a cell that is not home (KBC04). Does nothing where there is one server. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_users__guest()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__guest';
COMMENT ON FUNCTION coursebase.tg_users__guest() IS
    'BEFORE INSERT OR UPDATE that writes is_guest: refuses it (KB401), for a guest counts as nobody everywhere but in organisations. The rows of organisations make guests, and put_person() makes people of them. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_people__guest()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_people__guest';
COMMENT ON FUNCTION coursebase.tg_people__guest() IS
    'AFTER UPDATE that takes the external id of a person out of the directory: closes the guest that home has of the person, with the memberships, as delete_user() closes an account. Refuses it for the last owner of an organisation (KBA01). Writes with the rights of the tables'' owner. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_people__closed_id()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_people__closed_id';
COMMENT ON FUNCTION coursebase.tg_people__closed_id() IS
    'AFTER INSERT of a person with an external id into the directory, and AFTER UPDATE that takes it: keeps the external id of an account that was closed in whichever cell, and refuses to place it (KB106) for as many days as the setting closed_id_days says. Writes with the rights of the tables'' owner. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.name_guest(user_id uuid, name text, email text DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_name_guest';
COMMENT ON FUNCTION coursebase.name_guest(uuid, text, text) IS
    'Says what staff of organisations see of a member or buyer who lives in another cell: course_enrolments() shows name and email. Called on home, where such a person is a guest (users.is_guest). Answers whether anything changed: false also for somebody who is no guest, or whose account is closed. For the server; writes with the rights of the tables'' owner.

user_id: the person. name: name to show. email: address to show; NULL leaves it as it is.

Raises: 22004 (user_id or name is NULL), 23514 (name is longer than 200 characters), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.name_guest(uuid, text, text) TO server;

CREATE FUNCTION coursebase.tg_users__directory()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__directory';
COMMENT ON FUNCTION coursebase.tg_users__directory() IS
    'AFTER INSERT, with the new rows as table made: refuses a person whom the directory has in another cell (KBC01) or under another id (KB401), and on home enters in the directory whom it does not know. Does nothing where there is one server. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_users__directory_id()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__directory_id';
COMMENT ON FUNCTION coursebase.tg_users__directory_id() IS
    'AFTER UPDATE of the external id, and AFTER DELETE, on home: the directory follows, and forgets the external id of a closed account. Does nothing elsewhere.';

CREATE FUNCTION coursebase.tg_this_cell__directory()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_this_cell__directory';
COMMENT ON FUNCTION coursebase.tg_this_cell__directory() IS
    'AFTER INSERT OR UPDATE, on home: enters in the directory everybody who has an account here. Refuses (KBC01) if the directory has one of them in another cell. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_users__closed_id()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__closed_id';
COMMENT ON FUNCTION coursebase.tg_users__closed_id() IS
    'AFTER INSERT, each statement, new rows as "made": refuses (KB106) an open account under the external id of one that was closed less than closed_id_days ago. Reads with the rights of the tables'' owner; stands back while a dump is restored.';

CREATE FUNCTION coursebase.draw_referral_code()
RETURNS text
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_draw_referral_code';
COMMENT ON FUNCTION coursebase.draw_referral_code() IS
    'Draws a referral code, U and six of A-Z and 2-9, at random; in a cell beside home the number of the cell stands in between. Somebody may have it already: the trigger of user_profile, which makes codes for new rows, looks; so does adopt(). put_person() calls it for somebody whose code is another person''s here. For the owner of the tables.';

CREATE FUNCTION coursebase.tg_users__profile()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__profile';
COMMENT ON FUNCTION coursebase.tg_users__profile() IS
    'AFTER INSERT, each statement, new rows as "made": gives each person who has none a profile with a referral code. Writes with the rights of the tables'' owner; stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_user_profile__inherit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_profile__inherit';
COMMENT ON FUNCTION coursebase.tg_user_profile__inherit() IS
    'BEFORE INSERT: lets a profile take the place of the one that the database made for the person, keeping what only that one says. Locks the person FOR KEY SHARE before. Writes with the rights of the tables'' owner; stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_user_profile__normalise()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_profile__normalise';
COMMENT ON FUNCTION coursebase.tg_user_profile__normalise() IS
    'BEFORE INSERT OR UPDATE: writes email in lower case, and gives a profile without a referral code one that nobody has.';

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
    'Makes an organisation with its first owner and answers the id of the organisation. For the server; writes with the rights of the tables'' owner.

name: name to show, not empty. slug: name in addresses, unique: lower-case letters and digits, joined by hyphens. currency: ISO 4217 code in upper case, of all its prices. time_zone: an IANA name that the server knows: days of its programs are counted in it. owner_id: the user who becomes its owner, whose account must be open. No argument may be NULL.

Source: the product''s rule that an organisation has an owner from its first moment.
Raises: 22004 (an argument is NULL), 22023 (an unknown time zone, or currency is no code of three capital letters), 23505 (the slug is taken), 23514 (name or slug is of the wrong form), KB106 (there is no such open account), KBC04 (this server is a cell, and not home).';
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
    'Answers the organisations in which the user who asks has any role; all of them for an administrator of the installation. Empty for nobody. In no order.

Anybody may call it. For policies that read: organization_id = ANY ((SELECT coursebase.member_organization_ids())::uuid[]).

Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers the organisations in which the user who asks is staff (owner, admin or coach); all of them for an administrator of the installation. Empty for nobody. In no order.

Anybody may call it. For policies that read.

Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers the organisations in which the user who asks has at least the role. An administrator of the installation has no role in an organisation by that alone. Empty for nobody. In no order.

role: owner, admin, coach or member, from most to least rights; NULL answers NULL. Anybody may call it. For policies that write.
Raises: 22023 (an unknown role), KBC04 (this server is a cell, and not home).';
GRANT EXECUTE ON FUNCTION coursebase.organization_ids_as(text) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.organizations_are_here()
RETURNS boolean
LANGUAGE c
IMMUTABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_organizations_are_here';
COMMENT ON FUNCTION coursebase.organizations_are_here() IS
    'Answers true on the server where organisations live: the only one, or home. For policies that read tables of organisations: it is IMMUTABLE, so that the server runs it when it plans and asks of no row, nor of a table without rows, which in a cell it would be.

Anybody may call it.

Raises: KBC04 (this server is a cell, and not home).';
GRANT EXECUTE ON FUNCTION coursebase.organizations_are_here() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_memberships__only_owners()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__only_owners';
COMMENT ON FUNCTION coursebase.tg_memberships__only_owners() IS
    'BEFORE INSERT OR UPDATE OR DELETE: refuses an end user who gives or takes the role owner and is no owner of the organisation (42501). Locks the organisation of an owner who ceases to be one, for keep_owner.';

CREATE FUNCTION coursebase.tg_memberships__keep_owner()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__keep_owner';
COMMENT ON FUNCTION coursebase.tg_memberships__keep_owner() IS
    'AFTER UPDATE OR DELETE of an owner, or TRUNCATE: refuses to take the last owner of an organisation that still exists (KBA01). Locks the organisation and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_memberships__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_memberships__audit';
COMMENT ON FUNCTION coursebase.tg_memberships__audit() IS
    'AFTER INSERT OR UPDATE OR DELETE: records in audit_events who becomes staff, ceases to be staff or gets another role of staff. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_any__lock_user()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__lock_user';
COMMENT ON FUNCTION coursebase.tg_any__lock_user() IS
    'BEFORE INSERT: locks the person''s row of users (column user_id, or the one that the argument names) before the new row is there, in the order in which functions take their locks. BEFORE UPDATE OR DELETE: the same while the statement holds its row, and ends with KB007 instead of waiting in a ring. Locks with the rights of the tables'' owner.';
