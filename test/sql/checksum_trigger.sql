-- Promise: whatever a statement writes, checksum and size are those of the document.
\set VERBOSITY default
CREATE TEMP TABLE document (
    id integer PRIMARY KEY,
    body json,
    checksum text,
    file_size_bytes integer
);
CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON document
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('body');
CREATE TEMP VIEW state AS
SELECT id, checksum IS NOT DISTINCT FROM md5(body::text) AS checksum_true,
    file_size_bytes IS NOT DISTINCT FROM octet_length(body::text) AS size_true, file_size_bytes
FROM document;

INSERT INTO document VALUES (1, '{"é": 1}', 'wrong', -1), (2, NULL, 'wrong', -1);
INSERT INTO document (id, body) SELECT 3, json_agg(md5(i::text)) FROM generate_series(1, 3000) AS i;
COPY document FROM stdin (DELIMITER '|');
4|[1, 2]|d41d8cd98f00b204e9800998ecf8427e|7
\.
SELECT * FROM state ORDER BY id;

-- Written past the document, to wrong values and to nothing.
UPDATE document SET checksum = 'wrong';
UPDATE document SET file_size_bytes = 0, checksum = NULL;
UPDATE document SET file_size_bytes = NULL WHERE id = 3;
SELECT * FROM state ORDER BY id;

-- The document changes, and the rest with it.
UPDATE document SET body = '[]' WHERE id IN (1, 2, 3);
INSERT INTO document VALUES (4, '0')
ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body, checksum = 'x';
SELECT * FROM state ORDER BY id;
UPDATE document SET body = NULL WHERE id = 1;
SELECT * FROM state WHERE id = 1;

-- An update of something else reads no document: a value damaged on purpose stays as it is.
ALTER TABLE document DISABLE TRIGGER t500_checksum;
UPDATE document SET checksum = 'damaged' WHERE id = 2;
ALTER TABLE document ENABLE TRIGGER t500_checksum;
UPDATE document SET id = 20 WHERE id = 2;
SELECT checksum FROM document WHERE id = 20;
UPDATE document SET checksum = 'repaired' WHERE id = 20;
SELECT checksum_true FROM state WHERE id = 20;

-- A NOT NULL column is for the constraint to refuse.
DELETE FROM document WHERE id = 1;
ALTER TABLE document ALTER body SET NOT NULL;
INSERT INTO document VALUES (5, NULL);
\echo :LAST_ERROR_SQLSTATE

-- It serves rows before they are written, and columns of these types.
CREATE TEMP TABLE other (data jsonb, checksum text, file_size_bytes integer);
CREATE TRIGGER t500_checksum BEFORE INSERT ON other
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum();
INSERT INTO other VALUES ('{}');
\echo :LAST_ERROR_SQLSTATE
CREATE TEMP TABLE made (body text, data json GENERATED ALWAYS AS (body::json) STORED, checksum text, file_size_bytes integer);
CREATE TRIGGER t500_checksum BEFORE INSERT ON made
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum();
INSERT INTO made VALUES ('{}');
\echo :LAST_ERROR_SQLSTATE
CREATE TRIGGER t900_checksum AFTER UPDATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_document__checksum('body');
UPDATE document SET id = id;
\echo :LAST_ERROR_SQLSTATE
CREATE TRIGGER t100_checksum BEFORE DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('body');
DELETE FROM document;
\echo :LAST_ERROR_SQLSTATE
