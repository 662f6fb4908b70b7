-- Anybody reads what is on offer; only users with access to a course read its documents and contents. The
-- policies for writes by administrators stand in sql/catalog/policies.sql.
CREATE POLICY anyone_select_offered ON coursebase.courses
    FOR SELECT
    USING (
        (SELECT coursebase.is_admin())
        OR is_free
        OR (course_code IS NOT NULL AND price_in_cents IS NOT NULL)
        OR id IN (SELECT unnest((SELECT coursebase.readable_course_ids())))
    );
COMMENT ON POLICY anyone_select_offered ON coursebase.courses IS
    'Anyone sees courses that are free, priced with a code or in a public product, a user also the courses that the user may use, an administrator all. The catalogue is short and most of it is on offer: no index would serve, and the ids are hashed once a statement.';

CREATE POLICY entitled_select_usable ON coursebase.course_documents
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.accessible_course_ids())::uuid[]));
COMMENT ON POLICY entitled_select_usable ON coursebase.course_documents IS
    'A user who may use a course now reads its document. The set of ids serves, because documents are fetched by their course: the condition stays an index condition.';

CREATE POLICY anyone_select_public ON coursebase.course_products
    FOR SELECT
    USING (product_id = ANY ((SELECT coursebase.readable_product_ids())::uuid[]));
COMMENT ON POLICY anyone_select_public ON coursebase.course_products IS
    'Anyone sees the courses of a public product, an administrator those of every product.';

-- A user reads the own purchases, slots and completions.
CREATE POLICY self_select_own ON coursebase.course_purchases
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_purchases IS
    'A user reads the own purchases, an administrator all.';

CREATE POLICY self_select_own ON coursebase.user_lesson_complete
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_lesson_complete IS
    'A user reads the own completions, an administrator all.';

CREATE POLICY self_insert_own ON coursebase.user_lesson_complete
    FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.user_lesson_complete IS
    'A user completes lessons for the own account; a trigger asks for real access.';

CREATE POLICY self_update_own ON coursebase.user_lesson_complete
    FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.user_lesson_complete IS
    'A user may upsert the own completions; a trigger lets neither user nor lesson change.';

CREATE POLICY self_delete_own ON coursebase.user_lesson_complete
    FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.user_lesson_complete IS
    'A user takes back the own completions; a trigger asks for real access.';

CREATE POLICY anyone_select_public ON coursebase.course_sections
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_read_section(id));
COMMENT ON POLICY anyone_select_public ON coursebase.course_sections IS
    'Anybody reads the public sections of a course that they may read, administrators read all. Asked row by row: most of a catalogue is readable, so that no index would serve, and an array of courses would be searched for every row. The function keeps what it found for the statement.';

CREATE POLICY anyone_select_visible ON coursebase.lessons
    FOR SELECT
    USING (
        (SELECT coursebase.is_admin())
        OR (status <> 'private' AND coursebase.can_read_section(section_id))
    );
COMMENT ON POLICY anyone_select_visible ON coursebase.lessons IS
    'Anybody reads the public and preview lessons of a section that they may read, administrators read all. Asked row by row, for the reason given at course_sections; the lessons of one section are found by the index of their key.';

CREATE POLICY viewer_select_viewable ON coursebase.lesson_contents
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_view_lesson(lesson_id, NULL, NULL));
COMMENT ON POLICY viewer_select_viewable ON coursebase.lesson_contents IS
    'Viewers of a lesson read its contents: anybody those of a preview lesson, users of the course those of a public one, administrators all. Asked row by row, because preview and course meet in one row, so that no set of courses could be the bound; the function reads the lessons that follow ahead, and all of them once as many were asked about as make it worth while.';
