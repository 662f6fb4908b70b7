-- discount_codes, their shards, referral_spendings and chain_versions have no policy: the server's alone.

CREATE POLICY self_select_own ON coursebase.user_discounts
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_discounts IS
    'A person reads the own discounts; administrators read all.';

CREATE POLICY self_select_own ON coursebase.discount_redemptions
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.discount_redemptions IS
    'A person reads the own uses of discounts; administrators read all.';

CREATE POLICY self_select_own ON coursebase.referral_credits
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.referral_credits IS
    'A person reads the own referral credits; administrators read all.';
