-- Who may use which course: the sets that policies read, the one question, premium slots, and the lessons that only
-- somebody with access may complete.

CREATE FUNCTION coursebase.readable_course_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_readable_course_ids';
COMMENT ON FUNCTION coursebase.readable_course_ids() IS
    'The courses whose row the caller may read: free, priced with a code, in a public product, or usable (for an administrator: all). Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.readable_course_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.readable_product_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_readable_product_ids';
COMMENT ON FUNCTION coursebase.readable_product_ids() IS
    'The products that the caller may read: what is public; all of them for an administrator. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.readable_product_ids() TO anonymous, end_user, server;


CREATE FUNCTION coursebase.has_course_access(
    course_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access';
COMMENT ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) IS
    'Whether a user (NULL: oneself) may use the course at that time: free, granted, bought, in a premium slot or in premium, or for an administrator. Asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.has_course_access_by_code(
    course_code text,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access_by_code';
COMMENT ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) IS
    'has_course_access() for the course with that code, in whatever case and with whatever spaces around it; false for a code that no course has.';
GRANT EXECUTE ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.accessible_course_ids(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_accessible_course_ids';
COMMENT ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) IS
    'The courses that a user (NULL: oneself) may use at that time, in order of their ids; all of them for an administrator. Asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_course_access(
    course_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_course_access';
COMMENT ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) IS
    'What gives the course and what does not, and until when: one row a source, of which has_course_access() needs one that passes.';
GRANT EXECUTE ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.choose_premium_course(
    user_id uuid DEFAULT NULL,
    course_id uuid DEFAULT NULL,
    voice text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    slot_id uuid,
    chosen_at timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_choose_premium_course';
COMMENT ON FUNCTION coursebase.choose_premium_course(uuid, uuid, text, timestamptz) IS
    'Fills a premium slot with a course, for oneself (user_id NULL) or, by the server, for anybody. A slot is filled by a course: its other voice needs no further one. The same course and voice again answers the first result. Where premium is every course (setting premium_slots -1) nothing is written and the answer is NULL. Errors: no premium KB811, a course that is not in premium KB812, all slots filled KB813, a course that is usable without a slot KB814. The slot stays when premium ends, and gives its course whenever there is premium. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.choose_premium_course(uuid, uuid, text, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.premium_slots(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    slot integer,
    course_id uuid,
    course_code text,
    title text,
    voice text,
    chosen_at timestamptz,
    live boolean
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 2
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_premium_slots';
COMMENT ON FUNCTION coursebase.premium_slots(uuid, timestamptz) IS
    'The premium slots of a user (NULL: oneself): those that are filled, in the order of choice (the voices of a course share a slot), then those that are empty. live: the slot gives its course at that time; an empty one could be filled. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.premium_slots(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.tg_course_purchases__slot()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_purchases__slot';
COMMENT ON FUNCTION coursebase.tg_course_purchases__slot() IS
    'BEFORE a row becomes a premium slot: the user had premium at some time (KB811), the course is in premium (KB812) and there is room for it (KB813). Locks the user.';

CREATE FUNCTION coursebase.complete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_complete_lesson';
COMMENT ON FUNCTION coursebase.complete_lesson(uuid, uuid) IS
    'Marks a lesson as completed by a user (NULL: oneself), who must have real access now: one may use the course, and not as an administrator (KB904). True when it was not so before. Writes with the owner''s rights; about somebody else an administrator or the server may.';
GRANT EXECUTE ON FUNCTION coursebase.complete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.uncomplete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_uncomplete_lesson';
COMMENT ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) IS
    'Takes back what complete_lesson() marked, with the same real access (KB904). True when it was marked.';
GRANT EXECUTE ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.course_progress(course_id uuid, user_id uuid DEFAULT NULL)
RETURNS TABLE (lessons bigint, completed bigint, percent integer, completed_at timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_course_progress';
COMMENT ON FUNCTION coursebase.course_progress(uuid, uuid) IS
    'How far a user (NULL: oneself) is, over the lessons that are shown: their number, those completed, the percentage rounded down, and the last completion once all are. A course that the user may not read, and the caller neither, has no lessons. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.course_progress(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_user_lesson_complete__real_access()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_lesson_complete__real_access';
COMMENT ON FUNCTION coursebase.tg_user_lesson_complete__real_access() IS
    'BEFORE INSERT OR DELETE by somebody whom row security binds: asks for the real access of complete_lesson() (KB904). Reads with the owner''s rights.';

-- Lessons: which a user may see and view, and the one before or after.

CREATE FUNCTION coursebase.can_read_section(section_id uuid)
RETURNS boolean
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_can_read_section';
COMMENT ON FUNCTION coursebase.can_read_section(uuid) IS
    'Answers whether the user who asks may see a section in the outline: a public section of a course that the user may read, or any section for an administrator. Anybody may call it; reads past row security. For policies, row by row: what was found is kept for the statement.

section_id: the section; NULL answers NULL. A section that is not shown reads like one that does not exist.';
GRANT EXECUTE ON FUNCTION coursebase.can_read_section(uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.can_view_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_can_view_lesson';
COMMENT ON FUNCTION coursebase.can_view_lesson(uuid, uuid, timestamptz) IS
    'Answers whether a user may view a lesson at a time: a preview lesson of a public section is for anybody, a public lesson of a public section for who may use the course, and every lesson for an administrator. Anybody may ask about the own account; reads past row security.

lesson_id: the lesson; NULL answers false. user_id: the viewer; NULL is the user who asks; only an administrator or the server may name another user. at: the time at which the course must be usable; NULL is now. A lesson that is not shown reads like one that does not exist.

Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.can_view_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_can_view_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_can_view_lesson';
COMMENT ON FUNCTION coursebase.explain_can_view_lesson(uuid, uuid, timestamptz) IS
    'Lists the rules of can_view_lesson(), one row each; one rule that passes is enough. Anybody may ask about the own account; reads past row security.

lesson_id, user_id, at: as for can_view_lesson(). rule: administrator, preview or access. passed: whether the rule lets the user view the lesson. reason: NULL if passed, else no_user, not_administrator, no_such_lesson, not_preview, not_shown or no_access. detail: what the rule is for. A lesson that is not shown reads like one that does not exist.

Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.explain_can_view_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.next_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_next_lesson';
COMMENT ON FUNCTION coursebase.next_lesson(uuid, uuid, timestamptz) IS
    'Answers the lesson after a lesson, in the order of the course: the next one of its section, or the first one of the next section. NULL after the last one. Lessons that the user cannot see are skipped. Anybody may ask about the own account; reads past row security.

lesson_id: the lesson; NULL answers NULL. user_id: who goes on; NULL is the user who asks; only an administrator or the server may name another user. at: the time at which the lessons must be visible; NULL is now.

Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.next_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.previous_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_previous_lesson';
COMMENT ON FUNCTION coursebase.previous_lesson(uuid, uuid, timestamptz) IS
    'Answers the lesson before a lesson, in the order of the course: the one before in its section, or the last one of the section before. NULL before the first one. Lessons that the user cannot see are skipped. Anybody may ask about the own account; reads past row security.

lesson_id, user_id, at: as for next_lesson().

Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.previous_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;
