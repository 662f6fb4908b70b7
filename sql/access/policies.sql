-- A person reads the own purchases, grants, slots and completions. Store receipts have no policy: the server's alone.
CREATE POLICY self_select_own ON coursebase.course_purchases
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_purchases IS
    'A person reads the own purchases; administrators read all.';

CREATE POLICY self_select_own ON coursebase.course_grants
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_grants IS
    'A person reads the own grants; administrators read all.';

CREATE POLICY admin_insert_all ON coursebase.course_grants
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.course_grants IS 'An administrator grants a course.';

CREATE POLICY admin_delete_all ON coursebase.course_grants
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_grants IS 'An administrator takes a grant back.';

CREATE POLICY self_select_own ON coursebase.user_course_access
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_course_access IS
    'A person reads the own courses; administrators read all.';

CREATE POLICY admin_insert_all ON coursebase.user_course_access
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.user_course_access IS 'An administrator gives a course, which records a direct grant.';

CREATE POLICY admin_delete_all ON coursebase.user_course_access
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.user_course_access IS 'An administrator takes a course, with every grant of it.';

-- The purchases of all kinds that a store will take back; these views stand here, behind the tables of all slices.
CREATE VIEW coursebase.purchases_awaiting_acknowledgement
WITH (security_invoker = true)
AS
SELECT p.kind, p.user_id, p.product_id, p.source, p.environment, p.purchase_id, p.purchase_token,
    p.purchased_at, p.validated_at, p.purchased_at + interval '3 days' AS deadline
FROM (
    SELECT 'course' AS kind, c.user_id, c.product_id, c.source, c.environment, c.purchase_id,
        c.purchase_token, c.purchased_at, c.validated_at
    FROM coursebase.course_purchases c
    WHERE c.status = 'valid' AND c.acknowledged_at IS NULL
        AND c.source IN ('google_play', 'app_store')
    UNION ALL
    SELECT 'subscription' AS kind, r.user_id, r.product_id, r.source, r.environment, r.purchase_id,
        r.purchase_token, r.purchased_at, r.validated_at
    FROM coursebase.store_receipts r
    WHERE r.status = 'valid' AND r.acknowledged_at IS NULL AND r.kind = 'subscription'
    UNION ALL
    SELECT 'ai_credits' AS kind, a.user_id, a.product_id, a.source, a.environment, a.purchase_id,
        a.purchase_token, coalesce(r.purchased_at, a.purchased_at), a.purchased_at
    FROM coursebase.ai_credit_purchases a
    LEFT JOIN coursebase.store_receipts r ON r.source = a.source
        AND r.environment = a.environment AND r.purchase_id = a.purchase_id
    WHERE a.status = 'valid' AND a.acknowledged_at IS NULL
        AND a.source IN ('google_play', 'app_store')
    UNION ALL
    SELECT 'custom_course' AS kind, c.user_id, lower(c.course_code), m.source, m.environment,
        m.purchase_id, m.purchase_token, coalesce(r.purchased_at, m.created_at),
        coalesce(r.validated_at, m.created_at)
    FROM coursebase.custom_course_purchases m
    JOIN coursebase.custom_courses c ON c.id = m.course_id
    LEFT JOIN coursebase.store_receipts r ON r.source = m.source
        AND r.environment = m.environment AND r.purchase_id = m.purchase_id
    WHERE m.status = 'active' AND m.acknowledged_at IS NULL
) p;
COMMENT ON VIEW coursebase.purchases_awaiting_acknowledgement IS
    'Purchases of all kinds that are valid and of which the store was not told: it refunds after three days. Tell it, then call acknowledge_purchase().';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.kind IS 'course, subscription, ai_credits or custom_course.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.user_id IS 'Who bought it.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.product_id IS 'Base id of the product.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchase_token IS 'The store''s token, with which it is told.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchased_at IS 'When the store sold it.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.validated_at IS 'When it was found valid.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.deadline IS 'When the store refunds it.';
GRANT SELECT ON TABLE coursebase.purchases_awaiting_acknowledgement TO server;

CREATE VIEW coursebase.duplicate_store_purchases
WITH (security_invoker = true)
AS
SELECT r.user_id, r.product_id, r.voice, r.source, r.environment, r.purchase_id, r.amount_in_cents,
    r.currency, r.purchased_at
FROM coursebase.store_receipts r
WHERE r.status = 'duplicate' AND r.environment = 'production';
COMMENT ON VIEW coursebase.duplicate_store_purchases IS
    'Purchases of courses that were owned already: the money came and is to be given back. Refund them in the store, then call refund_store_purchase().';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.user_id IS 'Who paid.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.product_id IS 'Base id of the product.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.voice IS 'The voice that was bought, or NULL.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.amount_in_cents IS 'What was paid, in minor units, or NULL where nobody said.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.purchased_at IS 'When the store sold it.';
GRANT SELECT ON TABLE coursebase.duplicate_store_purchases TO server;

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
