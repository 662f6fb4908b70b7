-- Custom courses: audio and checksum of the document, the form, and the link that leads to the form.

CREATE FUNCTION coursebase.update_json(
    custom_course_id uuid,
    audio json,
    expected_checksum text DEFAULT NULL,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (checksum text, file_size_bytes integer, appended integer, skipped integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_update_json';
COMMENT ON FUNCTION coursebase.update_json(uuid, json, text, uuid) IS
    'Appends audio entries to the member audio_files of a custom course''s document and answers what the document is then. An entry that is there already with the same content is skipped, so that the same call again changes nothing. All bytes that were there stay as they were; document, checksum, size and the record of the append for the handshake''s deltas are written together. For the server; writes with the rights of the tables'' owner.

custom_course_id: the custom course. audio: one entry, an array of entries, or an object of entries by audio number (only where audio_files is an object, or missing). An entry is an object with url (absolute, http or https) and, as far as known, checksum (MD5, 32 hex digits) and duration (above 0); other members are kept. An entry is recognised by its url, or by its audio number where there is one. expected_checksum: the MD5 of the document that the caller decided upon, in either case of letters; NULL accepts any document. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

checksum, file_size_bytes: MD5 and length in bytes of the document. appended, skipped: how many entries were appended, and how many were there already or came twice in the call.

Source: the product''s rule that audio is made one by one and delivered once, by callers that may repeat themselves.
Raises: 22004 (custom_course_id or audio is NULL), KB101 (the document has another checksum than expected_checksum), KB102 (an entry is there already, or comes twice, with other content), KB103 (an entry is invalid, or audio has none), KB104 (audio_files is neither an array nor an object, or of another form than audio), KB105 (the document would pass the limit of 1 GB), KB106 (no such custom course, or its person''s account is closed).';
GRANT EXECUTE ON FUNCTION coursebase.update_json(uuid, json, text, uuid) TO server;

CREATE FUNCTION coursebase.calculate_checksum(
    custom_course_id uuid,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (checksum text, file_size_bytes integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_calculate_checksum';
COMMENT ON FUNCTION coursebase.calculate_checksum(uuid, uuid) IS
    'Computes checksum and size of a custom course''s document, stores both where one of them is wrong, and answers both. A row that is right stays as it is, updated_at included. For the server; writes with the rights of the tables'' owner.

custom_course_id: the custom course. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing. checksum, file_size_bytes: MD5 (32 lower-case hex digits) and length in bytes of the document.

Source: an operator''s repair of rows that were written while triggers were off; triggers keep both columns otherwise.
Raises: 22004 (custom_course_id is NULL), KB106 (no such custom course).';
GRANT EXECUTE ON FUNCTION coursebase.calculate_checksum(uuid, uuid) TO server;

CREATE FUNCTION coursebase.create_custom_course(
    user_id uuid,
    source text,
    environment text,
    purchase_id text,
    purchase_token text,
    course_code text DEFAULT 'X99ENB',
    title text DEFAULT 'Custom course',
    description text DEFAULT '',
    at timestamptz DEFAULT now()
)
RETURNS TABLE (custom_course_id uuid, link_token uuid, expires_at timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_create_custom_course';
COMMENT ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) IS
    'Makes the empty custom course that a person bought, and its purchase with a fresh link to the form. The same receipt again answers the same course, whatever the other arguments say. For the server; writes with the rights of the tables'' owner.

user_id: the buyer, whose account must be open. source, environment, purchase_id: which receipt it is: google_play or app_store, production or sandbox, and the store''s id of the purchase. purchase_token: with what the store is asked about it. course_code: X, two digits, three letters. title, description: what to show until the form gives a title. at: when the link is issued. No argument may be NULL.

custom_course_id: the course. link_token: the secret in the link to the form. expires_at: 24 hours after the link was issued.

Source: the product''s rule that a receipt makes one custom course, for one person.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (an unknown source or environment, or purchase_id is empty or has a blank at an end), 23514 (course_code is of the wrong form), KB106 (no such open account), KB205 (the receipt belongs to another user, or to another course_code), KB822 (the setting require_signature names the source, and the caller is not the owner of the tables).';
GRANT EXECUTE ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.submit_custom_course(
    link_token uuid,
    step text,
    answers json,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS json
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_submit_custom_course';
COMMENT ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz, uuid) IS
    'Checks a link and the form behind it, and answers what the generation of the course needs. The step generate_script only checks and may be repeated; generate_audio also submits the form, once, and gives the course the form''s title. For the server; writes with the rights of the tables'' owner.

link_token: the secret in the link. step: generate_script or generate_audio. answers: an object with the strings issue and goal (20 to 500 characters), feel and why (10 to 500), title (5 to 55), white space around them not counted, and scripts, an array of three objects with number (1 to 3, each once) and technique. at: when the form is submitted. None of these may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

Answers {custom_course_id, user_id, course_code, step, the five answers without white space around them, scripts in the order of their numbers, other members of a script as they were sent}.

Source: the product''s form for custom courses.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (unknown step), 22P05 (an answer holds the character U+0000, half a surrogate pair, or a letter that the database''s encoding lacks), KB106 (user_id has no such link), KB201 (no purchase has the link, or the purchase is not active), KB202 (the link is older than 24 hours), KB203 (the form was submitted already), KB204 (an answer is missing, too short or too long; the detail lists all).';
GRANT EXECUTE ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.verify_gen_link(
    link_token uuid,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (valid boolean, reason text, expires_at timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_verify_gen_link';
COMMENT ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz, uuid) IS
    'Answers whether a link leads to its form at a time. For the server; reads with the rights of the tables'' owner, and raises nothing but KBC01.

link_token: the secret in the link; NULL is found nowhere. at: the time asked about; NULL is now. user_id: whose it is, by which a router finds the cell; another person''s link is not found, and NULL compares nothing.

valid: whether the form may be opened. reason: NULL where valid, else the first of not_found, refunded, revoked, submitted, expired. expires_at: 24 hours after the link was issued; NULL where it is not found.

Source: the product''s rule that a link lives 24 hours and serves one submission.';
GRANT EXECUTE ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.manage_regen_requests(
    purchase_id uuid,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (link_token uuid, expires_at timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_manage_regen_requests';
COMMENT ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz, uuid) IS
    'Gives a purchase of a custom course a new link, so that its form can be filled in again: where the form was submitted or the link has expired. A link that still leads to the form is answered as it is. The old link leads nowhere then. For the server; writes with the rights of the tables'' owner.

purchase_id: the key of a row of custom_course_purchases. at: when the link is issued. Neither may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

link_token: the secret in the link. expires_at: 24 hours after the link was issued.

Source: the product''s rule that who bought a custom course may have it made again.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such purchase), KB201 (the purchase is revoked or refunded).';
GRANT EXECUTE ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.own_custom_course_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_own_custom_course_ids';
COMMENT ON FUNCTION coursebase.own_custom_course_ids() IS
    'Answers the ids of the custom courses of the user who asks; empty for nobody. An administrator too gets only the own ones: links and store tokens are secrets between buyer and server. In no order. For policies of end users, who may call it; reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.own_custom_course_ids() TO end_user, server;
