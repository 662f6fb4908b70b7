-- The handshake, and the triggers that keep versions, names of manifests and play counts true.

CREATE FUNCTION coursebase.handshake(
    user_id uuid,
    request json,
    at timestamptz DEFAULT now()
)
RETURNS json
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_handshake';
COMMENT ON FUNCTION coursebase.handshake(uuid, json, timestamptz) IS
    'Answers the call with which a phone begins: keeps what the request reports, and answers what the phone lacks. For the server; reads and writes with the rights of the tables'' owner. In a read-only transaction, and on a standby, nothing is kept, and the answer is the same; where the phone reported something that is not kept already, it has one more member, kept, which is false: the phone reports it again.

user_id: the person, whose account must be open. at: the time asked about. If an argument is NULL, the answer is NULL.

request, every member optional: analytics {current_course, voice, background, induction, deepening, audio_usage {key: {title, no_of_plays, course_code}}}, device_id, purchases [id or {purchase_id}], checksums {name: md5} of the files that the phone has, digest of these files (computed as below; or that of the last answer, while the phone has lost none of them since), deltas (true: the phone understands append). Unknown members are ignored; a member of the wrong type is refused by its name. A setting of analytics that is null is taken back, an absent one stays. An audio without course_code belongs to the course that its key begins with (C14ENB_3), else to current_course. Of whom there are as many play counts as the setting audio_usage_a_person allows no further audio is kept.

Answers {json_manifest {name: {checksum, file_size_bytes, action, ...}}, purchases [{purchase_id, status: known or unknown}], ai_usage {weekly_limit_credits, weekly_used_credits, weekly_reset_date, bank_limit_credits, bank_used_credits}, subscription {plan, status, expires_at, grace_until, auto_renew, entitlements [name]}, discounts [{code, product_type, item, percent_off, amount_off_in_cents, currency, expires_at, android_offer_id, ios_offer_id, product_suffix}] that may be used now, courses [{course_code, course_id, voice, source: google_play, app_store, admin, premium_slot, grant or premium}] that the person has and may use now, premium_slots {limit, chosen [{slot, course_code, course_id, voice, chosen_at, live}]}, digest, kept (false, or absent)}. A document is named as its manifest; C14ENB.json by its course''s code, or by the id of a course without one; X14ENB_<id>.json for a custom course. A limit of -1 means every course in premium. Times are ISO 8601 in UTC.

action add or update: content is the document as a JSON string; once parsed, its UTF-8 bytes are exactly those of checksum and file_size_bytes. append: insert (a JSON string), put as UTF-8 at the byte offset of the phone''s file, gives exactly the document of checksum. keep: nothing to do. delete: checksum and file_size_bytes are null; these entries come last, and never name a file of the setting protected_manifests. Without checksums every document is sent as add. Names are in byte order. digest is the MD5 over one line a document: name, space, checksum, line feed; if the request has the same digest, json_manifest is empty.

Source: the product''s handshake of its apps.
Raises: 22008 (at is not finite), 22P05 (in a database of another encoding than UTF8: a letter that the encoding lacks), KB106 (no such open account), KB301 (the request is no object, or a member has the wrong type or is too long; the detail names the member).';
GRANT EXECUTE ON FUNCTION coursebase.handshake(uuid, json, timestamptz) TO server;

CREATE FUNCTION coursebase.tg_any__move_version()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__move_version';
COMMENT ON FUNCTION coursebase.tg_any__move_version() IS
    'AFTER a change: moves the version that cached handshakes are compared with. Arguments: catalogue; or cohort, user or custom_course, the column that names it, and, for a trigger of rows, other columns: an UPDATE that changes none of these moves nothing. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_manifest_cohorts__name()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_manifest_cohorts__name';
COMMENT ON FUNCTION coursebase.tg_manifest_cohorts__name() IS
    'BEFORE INSERT OR UPDATE: sets the name to that of the manifest, whatever the writer sent. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_audio_usage__keep_greatest()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_audio_usage__keep_greatest';
COMMENT ON FUNCTION coursebase.tg_audio_usage__keep_greatest() IS
    'BEFORE UPDATE: a play count never falls; of a lower total the stored one stays.';

CREATE FUNCTION coursebase.tg_audio_usage__at_most()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_audio_usage__at_most';
COMMENT ON FUNCTION coursebase.tg_audio_usage__at_most() IS
    'BEFORE and AFTER INSERT, each statement, new rows as "made": refuses an end user more play counts than the setting audio_usage_a_person allows (KB302). Locks the person before the rows, and counts with the rights of the tables'' owner. The server and the tables'' owner are not bound.';

CREATE FUNCTION coursebase.tg_any__name_of_file()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__name_of_file';
COMMENT ON FUNCTION coursebase.tg_any__name_of_file() IS
    'AFTER a course''s code, a manifest''s name or the setting protected_manifests was written: refuses a code whose file (yoga-101.json; by the id, of a course without a code) would have the name of a manifest or of a protected file, ignoring case (23505), and a manifest whose name is that of another one but for case (23505). Reads with the rights of the tables'' owner.';
