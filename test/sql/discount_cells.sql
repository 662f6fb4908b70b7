-- Promise: where there are several cells, no place of a limited code is taken but from a counter that is there, a code without a
-- limit is used everywhere, and home splits a counter so that each cell has a shard.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
BEGIN;
\set bob '''00000000-0000-4000-8000-00000000d1b1'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:bob, 'discount_cells_b', 'B', 'b@example.org');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('FEW', 'course', 50, 2), ('MANY', 'course', 10, NULL);
SELECT coursebase.set_cell(1, 3);
SAVEPOINT cell;
SELECT final_in_cents FROM coursebase.redeem_discount(:bob, 'few', 'course', 1000, 'USD', 'cell-1', at => '2026-06-02');
ROLLBACK TO cell;
SELECT final_in_cents FROM coursebase.redeem_discount(:bob, 'many', 'course', 1000, 'USD', 'cell-1', at => '2026-06-02');
SELECT coursebase.split_counter('few', 3);
ROLLBACK TO cell;
SELECT coursebase.set_cell(0, 3);
SAVEPOINT home;
SELECT coursebase.split_counter('few', 2);
ROLLBACK TO home;
SELECT coursebase.split_counter('few', 3);
SELECT s.cell, s.shard, s.max_redemptions FROM coursebase.discount_code_shards s JOIN coursebase.discount_codes c ON c.id = s.discount_code_id WHERE code = 'FEW' ORDER BY shard;
ROLLBACK;
