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

CREATE POLICY self_delete_own ON coursebase.user_lesson_complete
    FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.user_lesson_complete IS
    'A user takes back the own completions; a trigger asks for real access.';
