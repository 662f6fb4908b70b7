-- From 0.1: what the new code over the old and install() cannot do by themselves.

-- It has an argument now; with both, a call without arguments would be ambiguous.
DROP FUNCTION coursebase.check_integrity();
-- It has an argument more; with both, a call would be ambiguous.
DROP FUNCTION coursebase.upsert_user(
    text, text, text, text, text, text, text, text, text, text, text, timestamptz);
-- The same: each can be told whose it is.
DROP FUNCTION coursebase.update_json(uuid, json, text);
DROP FUNCTION coursebase.calculate_checksum(uuid);
DROP FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz);
DROP FUNCTION coursebase.verify_gen_link(uuid, timestamptz);
DROP FUNCTION coursebase.manage_regen_requests(uuid, timestamptz);

-- Who was brought may live in another cell.
ALTER TABLE IF EXISTS coursebase.referral_credits ALTER COLUMN referred_user_id DROP NOT NULL;
