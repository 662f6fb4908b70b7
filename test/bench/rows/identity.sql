-- Who is asking: the claims of a request, as an authentication server writes them.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-000000000002', 'user_identity', 'Bench', 'who@example.com');
--# session
SET request.jwt.claims = '{"aal":"aal1","amr":[{"method":"password","timestamp":1763690400}],"app_metadata":{"provider":"email","providers":["email"]},"aud":"authenticated","email":"who@example.com","exp":1763694000,"iat":1763690400,"is_anonymous":false,"iss":"https://auth.example.com/auth/v1","phone":"","role":"authenticated","session_id":"7d3c8a52-6f0e-4e4e-9a58-0a4f7f3f2f11","sub":"00000000-0000-4000-8000-000000000002","user_metadata":{"email_verified":true}}'

--# row: current_user_id
--# area: Course access
--# work: Who is asking
-- A series in the list of a subquery is not kept in a table, so that the loop costs less than the call.
--# loop
SELECT count(@expression@) FROM (SELECT generate_series(1, @n@) AS i) AS s
--# way ours: current_user_id()
coursebase.current_user_id()
--# way cast: (current_setting(…)::json->>'sub')::uuid | time >= 30, instructions >= 30
(current_setting('request.jwt.claims')::json->>'sub')::uuid
