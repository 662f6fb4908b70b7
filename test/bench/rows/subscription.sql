-- A store's event: checked, logged, and the subscription moved, against a bare UPDATE and INSERT in one
-- statement on tables with the same columns, constraints, foreign keys and indexes, which checks nothing. Each
-- event is a statement of its own, as an edge function sends it; what waits for the commit is not in the figure.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-%s', lpad(to_hex(n), 12, '0'))::uuid, 'user_subscription_' || n, 'Bench', 'bench@example.com'
FROM generate_series(1, 1000) n;
