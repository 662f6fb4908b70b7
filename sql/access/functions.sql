-- Who may use which course: the sets that policies read, the question about one course, premium slots, and the lessons
-- that only a user with access may complete.

CREATE FUNCTION coursebase.readable_course_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_readable_course_ids';
COMMENT ON FUNCTION coursebase.readable_course_ids() IS
    'Answers the ids of the courses whose rows the user who asks may read: courses that are free, that have a code and a price, that are in a public product, or that the user may use; for an administrator all. In no order. Anybody may call it; reads with the rights of the tables'' owner. For policies.';
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
    'Answers the ids of the products that the user who asks may read: public products; for an administrator all. In no order. Anybody may call it; reads with the rights of the tables'' owner. For policies.';
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
    'Answers whether a user may use a course at a time: because the course is free, was given or bought, fills one of the user''s premium slots, or is part of premium, or because the user is an administrator. Anybody may ask about the own account; reads past row security.

course_id: the course; NULL answers false. user_id: the user; NULL is the user who asks, or nobody, who may use what is free; only an administrator or the server may name another user. at: the time asked about; NULL is now. Premium depends on it, and what was given or bought with an end; whether something was given, bought or refunded counts as it is recorded now. A course that does not exist is answered with false.

Source: the product''s rule of access, which policies, lessons and the handshake share; explain_course_access() lists it source by source.
Raises: 42501 (user_id is another user).';
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
    'Answers has_course_access() for the course that has a code. Anybody may ask about the own account; reads past row security.

course_code: the code, such as C14ENB or yoga-101, in any case; blanks around it are ignored; NULL, and a code that no course has, answer false. user_id, at: as for has_course_access().

Source: apps, which know courses by their codes.
Raises: 42501 (user_id is another user).';
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
    'Answers the ids of the courses that a user may use at a time, in the order of the ids; for an administrator the ids of all courses. Anybody may ask about the own account; reads past row security. For policies, as a set that an index serves.

user_id, at: as for has_course_access(), which answers true for exactly these courses.

Raises: 42501 (user_id is another user), 54000 (there are too many courses for one array).';
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
    'Lists the sources of access to a course, one row each; has_course_access() answers true if one of them passes. Anybody may ask about the own account; reads past row security.

course_id, user_id, at: as for has_course_access(). rule: free, grant (given, or in a product that was bought), purchase (from an app store, or entered by hand), premium_slot, premium or administrator. passed: whether the source gives the course. reason: NULL if passed, else no_user, not_free, not_granted, ended (what was given or bought had an end, which has passed), not_purchased, pending, invalid, refunded, sandbox, not_chosen, no_premium, not_in_premium, slots_only (premium gives only the courses in slots), not_administrator or no_such_course. detail: the same in a sentence, with the end of what ends. A course that does not exist reads like one that no source gives.

Source: the product''s rule of access, as support needs it.
Raises: 42501 (user_id is another user).';
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
    'Fills a premium slot with a course. One slot holds a course in all its voices. The same course and voice again answers the first result. The slot stays when premium ends, and gives its course whenever there is premium. For users, each for the own account, and the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id: whose slot it is; NULL is the user who asks; only the server may name another user. course_id: the course; may not be NULL. voice: male or female; NULL for a course with one voice. at: when the course is chosen, and the time at which there must be premium; NULL is now. Of the slots those count that the user has at that time, of a call by a user those of now.

slot_id: the row of course_purchases. chosen_at: when the course was chosen first. Where premium is every course (entitlements.covers_every_course), nothing is written and both are NULL.

Source: the product''s rule that premium gives a number of courses of one''s choice (entitlements.course_slots).
Raises: 22004 (course_id is NULL), 22008 (at is not finite), 22023 (an unknown voice), 42501 (nobody is signed in, or user_id is another user), KB106 (no such open account), KB811 (there is no premium at that time), KB812 (no such course in premium), KB813 (every slot holds another course), KB814 (the course can be used without a slot).';
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
    'Lists the premium slots of a user at a time: the filled ones in the order of choice, a row for each voice of a course, then the empty ones, at most a hundred. No row for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the user; NULL is the user who asks; only an administrator or the server may name another user. at: the time asked about; NULL is now.

slot: number of the slot, from 1; the voices of a course share it. course_id, course_code, title: the course; NULL in an empty slot, course_code also where the course has none. voice: male or female; NULL for a course with one voice. chosen_at: when the course was chosen. live: whether the slot gives its course at that time; of an empty slot, whether it could be filled.

Source: entitlements.course_slots, of what the person holds the largest and otherwise that of premium; a lower number takes no slot away.
Raises: 42501 (user_id is another user).';
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
    'BEFORE a row becomes a premium slot: refuses it unless the user ever had a subscription (KB811), the course is in premium (KB812) and a slot is left (KB813). Locks the user, so that two slots are counted one after the other. Reads with the rights of the tables'' owner.';

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
    'Marks a lesson as completed by a user, who must have real access now: by a source of has_course_access() other than being an administrator. Answers true if it was not marked before. For users, each for the own account, and the server; writes with the rights of the tables'' owner.

lesson_id: the lesson; may not be NULL. user_id: who completed it; NULL is the user who asks; only the server may name another user.

Source: the product''s rule that a preview may be viewed, not completed; what was completed stays when access ends.
Raises: 22004 (lesson_id is NULL), 42501 (nobody is signed in, or user_id is another user), KB106 (no such open account, or no such lesson that is shown), KB904 (the user has no real access to the course).';
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
    'Takes back the mark of complete_lesson(), with the same real access. Answers true if the lesson was marked. For users, each for the own account, and the server; writes with the rights of the tables'' owner.

lesson_id, user_id: as for complete_lesson().

Source: the product''s rule that only who may complete a lesson may take that back.
Raises: 22004 (lesson_id is NULL), 42501 (nobody is signed in, or user_id is another user), KB106 (no such open account, or no such lesson that is shown), KB904 (the user has no real access to the course).';
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
    'Answers how far a user is in a course, over its public and preview lessons in public sections: one row. Anybody may ask about the own account; reads with the rights of the tables'' owner.

course_id: the course. user_id: the user; NULL is the user who asks; only an administrator or the server may name another user.

lessons: number of lessons that are shown. completed: how many of them the user completed. percent: completed of lessons in whole percent, rounded down; 0 without lessons. completed_at: the last completion, once all lessons are completed, else NULL. A course that is NULL, does not exist, or may be read neither by the user nor by the caller has no lessons.

Source: the product''s course page.
Raises: 42501 (user_id is another user).';
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
    'BEFORE INSERT OR DELETE by a role that row security binds: refuses a row of the user''s own without the real access that complete_lesson() asks for (KB106, KB904). Reads with the rights of the tables'' owner. Before an INSERT by anybody, where the setting events_out is on, locks the person, so that the last lessons of a course that are completed at once tell of it.';

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

lesson_id: the lesson; NULL, and a lesson that the user cannot see, answers NULL. user_id: who goes on; NULL is the user who asks; only an administrator or the server may name another user. at: the time at which the lessons must be visible; NULL is now.

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
