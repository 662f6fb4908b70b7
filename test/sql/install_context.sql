-- Promise: where a table of somebody else's has the name of one of ours, the CONTEXT of what install() raises names the table, and
-- the HINT both types; the server's own message names a column alone.
SET client_min_messages = warning;
BEGIN;
SET LOCAL coursebase.allow_drop = on;
DROP TABLE coursebase.audio_usage CASCADE;
CREATE TABLE coursebase.audio_usage (user_id integer);
SELECT coursebase.install();
ROLLBACK;
