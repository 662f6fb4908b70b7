-- What is offered is everybody's to read, documents and contents are for who may use the course, and administrators
-- write everything.
CREATE POLICY anyone_select_offered ON coursebase.courses
    FOR SELECT
    USING (
        (SELECT coursebase.is_admin())
        OR is_free
        OR (course_code IS NOT NULL AND price_in_cents IS NOT NULL)
        OR id IN (SELECT unnest((SELECT coursebase.readable_course_ids())))
    );
COMMENT ON POLICY anyone_select_offered ON coursebase.courses IS
    'Anyone sees what is free, priced with a code or in a public product, a person what they may use, an administrator all. The catalogue is short and most of it is on offer: no index would serve, and the ids are hashed once a statement.';

CREATE POLICY entitled_select_usable ON coursebase.course_documents
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.accessible_course_ids())::uuid[]));
COMMENT ON POLICY entitled_select_usable ON coursebase.course_documents IS
    'Who may use the course now reads its document. The set, for documents are fetched by their course: it stays an index condition.';

CREATE POLICY anyone_select_public ON coursebase.course_products
    FOR SELECT
    USING (product_id = ANY ((SELECT coursebase.readable_product_ids())::uuid[]));
COMMENT ON POLICY anyone_select_public ON coursebase.course_products IS
    'Anyone sees the courses of a product that is public, an administrator of all.';

-- A person reads their own purchases, slots, courses and completions.
CREATE POLICY self_select_own ON coursebase.course_purchases
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_purchases IS
    'A person reads the own purchases; administrators read all.';

CREATE POLICY self_select_own ON coursebase.user_lesson_complete
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_lesson_complete IS
    'A person reads what they completed; administrators read all.';

CREATE POLICY self_insert_own ON coursebase.user_lesson_complete
    FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.user_lesson_complete IS
    'A person completes lessons for themselves; a trigger asks for real access.';

CREATE POLICY self_delete_own ON coursebase.user_lesson_complete
    FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.user_lesson_complete IS
    'A person takes back what they completed; a trigger asks for real access.';

CREATE POLICY anyone_select_public ON coursebase.course_sections
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_read_section(id));
COMMENT ON POLICY anyone_select_public ON coursebase.course_sections IS
    'Anyone sees the public sections of a course that they may read, an administrator all. Most of a catalogue is readable: no index would serve, and an array of its courses would be searched row by row. What the function found is kept for the statement.';

CREATE POLICY anyone_select_visible ON coursebase.lessons
    FOR SELECT
    USING (
        (SELECT coursebase.is_admin())
        OR (status <> 'private' AND coursebase.can_read_section(section_id))
    );
COMMENT ON POLICY anyone_select_visible ON coursebase.lessons IS
    'Anyone sees the public and preview lessons of a section that they may read, an administrator all. No index would serve, as with sections; a list of one section is found by the index of its key.';

CREATE POLICY viewer_select_viewable ON coursebase.lesson_contents
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_view_lesson(lesson_id));
COMMENT ON POLICY viewer_select_viewable ON coursebase.lesson_contents IS
    'Who may view a lesson reads its content: preview lessons anybody, others who may use the course. The two meet in one row, so that no set of courses could be the bound: asked row by row, with the lessons that follow read ahead.';
