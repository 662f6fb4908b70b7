-- Manifests and the handshake.

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
$$The call with which a phone begins. Keeps what the request reports and answers what the phone lacks.

Request, every member optional: analytics {current_course, voice, background, induction, deepening, audio_usage {key: {title, no_of_plays, course_code}}}, device_id, purchases [id or {purchase_id}], checksums {name: md5} of the files the phone has, digest of the last answer, deltas (true: appends are welcome). Unknown members are ignored; a wrong type is refused with the member's name (KB301). A setting of analytics that is null is taken back, one that is absent stays. An audio without course_code is of the course that its key begins with (C14ENB_3), else of current_course.

Answer: json_manifest {name: {checksum, file_size_bytes, action, ...}}, purchases [{purchase_id, status: known | unknown}], ai_usage, subscription, discounts, courses [{course_code, course_id, voice, source: google_play | app_store | admin | premium_slot | grant | premium}] that are the user's and usable now, premium_slots {limit, chosen [{slot, course_code, course_id, voice, chosen_at, live}]}, digest. A limit of -1: every course in premium.
action add or update: content is the document as a JSON string; once parsed, its UTF-8 bytes are exactly those of checksum and file_size_bytes. append: the bytes of insert (a JSON string, UTF-8) put at byte offset of the phone's file give exactly the document of checksum. keep: nothing to do. delete: checksum and file_size_bytes are null; these come last, and never name a file of the setting protected_manifests.
Without checksums every document is sent as add. Names are in byte order. digest is the MD5 over one line a document: name, space, checksum, line feed; when the request has it, json_manifest is empty.

An unknown or closed account is KB106. In a read-only transaction and on a standby nothing is kept.$$;
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
    'AFTER a change: moves the version that cached handshakes are compared with. Arguments: catalogue; or cohort, user or custom_course and the column that names it.';

CREATE FUNCTION coursebase.tg_manifest_cohorts__name()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_manifest_cohorts__name';
COMMENT ON FUNCTION coursebase.tg_manifest_cohorts__name() IS
    'BEFORE INSERT OR UPDATE: name is that of the manifest, whatever the writer sent.';

CREATE FUNCTION coursebase.tg_audio_usage__keep_greatest()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_audio_usage__keep_greatest';
COMMENT ON FUNCTION coursebase.tg_audio_usage__keep_greatest() IS
    'BEFORE UPDATE: a play count never falls; a lower total leaves it as it is.';
