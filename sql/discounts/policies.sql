-- discount_codes, discount_code_shards, referral_spendings and chain_versions have no policy: only the server reads
-- and writes these tables.

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
