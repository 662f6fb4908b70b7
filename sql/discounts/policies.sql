-- discount_codes, discount_code_shards, referral_spendings, referral_deliveries and chain_versions
-- are the server's alone.

CREATE POLICY self_select_own ON coursebase.user_discounts
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_discounts IS
    'A person reads their own discount codes; administrators read all.';

CREATE POLICY self_select_own ON coursebase.discount_redemptions
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.discount_redemptions IS
    'A person reads their own uses of discount codes; administrators read all.';

CREATE POLICY self_select_own ON coursebase.referral_credits
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.referral_credits IS
    'A person reads their own referral credits; administrators read all.';

CREATE POLICY nobody_all_rows ON coursebase.discount_codes FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.discount_codes IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.discount_code_shards FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.discount_code_shards IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.referral_spendings FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.referral_spendings IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.referral_deliveries FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.referral_deliveries IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.chain_versions FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.chain_versions IS 'Closed to everybody whom row security binds: only the server passes.';
