-- From 0.1: what the new code over the old and install() cannot do by themselves.

-- It has an argument now; with both, a call without arguments would be ambiguous.
DROP FUNCTION coursebase.check_integrity();
-- It has an argument more; with both, a call would be ambiguous.
DROP FUNCTION coursebase.upsert_user(
    text, text, text, text, text, text, text, text, text, text, text, timestamptz);
