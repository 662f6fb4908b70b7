-- A use of the assistant paid with credits: lock, key, allowance, week, burn order, account, log, against the same
-- written in PL/pgSQL on tables with the same columns, constraints, foreign keys, indexes and triggers. Twenty
-- people a statement. What waits for the commit is not in the figure.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000000003%s', to_char(n, 'FM00'))::uuid, 'user_credits_' || n, 'Bench', 'bench@example.com'
FROM generate_series(1, 20) n;
UPDATE coursebase.settings SET value = '900000000' WHERE name = 'free_weekly_credits';
CREATE TABLE bench_peer.spenders AS
SELECT id FROM coursebase.users WHERE clerk_user_id LIKE 'user_credits_%';
CREATE TABLE bench_peer.ai_usage (LIKE coursebase.ai_usage INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users (id));
CREATE TRIGGER t500_stamp BEFORE UPDATE ON bench_peer.ai_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE ON bench_peer.ai_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TABLE bench_peer.credit_log (LIKE coursebase.credit_log INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users (id));
CREATE SEQUENCE bench_peer.credit_turn_ours;
CREATE SEQUENCE bench_peer.credit_turn_plpgsql;

CREATE FUNCTION bench_peer.consume(of_user uuid, of_seconds numeric, key text, use_at timestamptz)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    price bigint := ceil(of_seconds);
    a bench_peer.ai_usage;
    use bench_peer.credit_log;
    zone text;
    allowance bigint;
    weekly bigint;
    last_position bigint;
    last_at timestamptz;
BEGIN
    PERFORM FROM coursebase.users u WHERE u.id = of_user AND u.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE 'there is no such user';
    END IF;
    SELECT * INTO use FROM bench_peer.credit_log l
    WHERE l.user_id = of_user AND l.idempotency_key = key AND l.kind IN ('consume', 'reserve');
    IF FOUND THEN
        IF use.kind <> 'consume' OR use.seconds <> of_seconds THEN
            RAISE 'the key was used for something else';
        END IF;
        RETURN use.credits;
    END IF;
    SELECT l.position, l.at INTO last_position, last_at FROM bench_peer.credit_log l
    WHERE l.user_id = of_user ORDER BY l.position DESC LIMIT 1;
    use_at := greatest(use_at, last_at);
    SELECT coalesce(s.value, s.default_value)::bigint INTO allowance FROM coursebase.settings s
    WHERE s.name = 'free_weekly_credits';
    IF coursebase.has_premium(of_user, use_at) THEN
        SELECT greatest(allowance, n.weekly_credits) INTO allowance FROM coursebase.entitlements n WHERE n.name = 'premium';
    END IF;
    SELECT coalesce((SELECT p.time_zone FROM coursebase.user_profile p WHERE p.user_id = of_user), 'UTC') INTO zone;
    SELECT * INTO a FROM bench_peer.ai_usage u WHERE u.user_id = of_user;
    IF NOT FOUND THEN
        INSERT INTO bench_peer.ai_usage (user_id, weekly_limit_credits, weekly_reset_date)
        VALUES (of_user, allowance, (use_at AT TIME ZONE zone + interval '7 days') AT TIME ZONE zone)
        RETURNING * INTO a;
        last_position := 1;
        INSERT INTO bench_peer.credit_log (user_id, position, kind, weekly_credits, bank_credits, weekly_limit_credits,
            weekly_used_credits, weekly_reset_date, bank_limit_credits, bank_used_credits, at)
        VALUES (of_user, 1, 'start', allowance, 0, allowance, 0, a.weekly_reset_date, 0, 0, use_at);
    END IF;
    WHILE a.weekly_reset_date <= use_at LOOP
        a.weekly_reset_date := (a.weekly_reset_date AT TIME ZONE zone + interval '7 days') AT TIME ZONE zone;
        a.weekly_limit_credits := allowance;
        a.weekly_used_credits := 0;
    END LOOP;
    a.weekly_limit_credits := greatest(a.weekly_limit_credits, allowance);
    weekly := least(price, a.weekly_limit_credits - a.weekly_used_credits);
    IF price - weekly > a.bank_limit_credits - a.bank_used_credits THEN
        RAISE 'not enough credits';
    END IF;
    UPDATE bench_peer.ai_usage u SET weekly_limit_credits = a.weekly_limit_credits,
        weekly_used_credits = a.weekly_used_credits + weekly, weekly_reset_date = a.weekly_reset_date,
        bank_used_credits = a.bank_used_credits + price - weekly
    WHERE u.user_id = of_user RETURNING * INTO a;
    INSERT INTO bench_peer.credit_log (user_id, position, kind, idempotency_key, seconds, credits, weekly_credits,
        bank_credits, weekly_limit_credits, weekly_used_credits, weekly_reset_date, bank_limit_credits,
        bank_used_credits, at)
    VALUES (of_user, last_position + 1, 'consume', key, of_seconds, price, -weekly, weekly - price,
        a.weekly_limit_credits, a.weekly_used_credits, a.weekly_reset_date, a.bank_limit_credits,
        a.bank_used_credits, use_at);
    RETURN price;
END
$$;

--# end
UPDATE coursebase.settings SET value = NULL WHERE name = 'free_weekly_credits'

--# calls: 20
--# before
SELECT nextval('bench_peer.credit_turn_@way@');

--# row: consume
--# area: Credits and subscriptions
--# work: Spend credits once, with the log entry
--# same
SELECT count(*) = 20 AND bool_and(o.weekly_used_credits = p.weekly_used_credits)
FROM coursebase.ai_usage AS o JOIN bench_peer.ai_usage AS p USING (user_id)
--# statement ours: consume_credits(user_id, seconds, key)
SELECT sum(c.credits)
FROM bench_peer.spenders AS s,
    coursebase.consume_credits(s.id, 1.5, 'k' || currval('bench_peer.credit_turn_ours'), '2026-03-02 10:00+00') AS c
--# statement plpgsql: the same in PL/pgSQL | time >= 0.8
SELECT sum(c.credits)
FROM bench_peer.spenders AS s,
    bench_peer.consume(s.id, 1.5, 'k' || currval('bench_peer.credit_turn_plpgsql'), '2026-03-02 10:00+00') AS c (credits)
