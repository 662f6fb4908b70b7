-- What the providers send, as they send it: keys, the inbox, and trying again.

CREATE FUNCTION coursebase.set_store_key(
    provider text,
    kind text,
    material text,
    key_id text DEFAULT '',
    environment text DEFAULT 'any',
    valid_from timestamptz DEFAULT NULL,
    valid_until timestamptz DEFAULT NULL
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_set_store_key';
COMMENT ON FUNCTION coursebase.set_store_key(text, text, text, text, text, timestamptz, timestamptz) IS
    'Enters a key with which notifications are proven genuine, or (material NULL) takes it out; answers whether anything changed. Only the owner of the tables may call it; the audit trail tells that it was done, without the material. provider and kind: app_store root (the certificate Apple Root CA G3, PEM or base64) and bundle_id; google_play push_key (Google''s public key or certificate, key_id its kid), push_audience, push_email, licence_key (the app''s public key) and package_name; stripe signing_secret; revenuecat authorization and app_id. key_id tells several keys of a kind apart, environment is production, sandbox or any, valid_from and valid_until bound its use (NULL: without bound). A key that cannot be read is refused. Raises: KB825 (the material is no key of that kind), 22023 (no such provider, kind or environment).';

CREATE FUNCTION coursebase.take_notification(
    provider text,
    body text,
    signature text DEFAULT NULL,
    details json DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    notification_id uuid,
    kind text,
    user_id uuid,
    outcome text,
    detail text,
    result json
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_take_notification';
COMMENT ON FUNCTION coursebase.take_notification(text, text, text, json, uuid, timestamptz) IS
$$Takes what a provider sent, as it came, checks that it is genuine, and does what it means: subscription events, purchases, checkouts, refunds. The server may call it. Everything happens in one transaction.

provider: app_store (the body of App Store Server Notifications V2, or the JWS of one transaction), google_play (Pub/Sub's push envelope, or INAPP_PURCHASE_DATA), stripe (an event) or revenuecat (a webhook). body: the request's body byte for byte. signature: the header that came with it (google_play: Authorization, or INAPP_DATA_SIGNATURE; stripe: Stripe-Signature; revenuecat: Authorization; NULL: none). details: the provider's document for it, where one is needed (google_play: subscriptionsv2, productsv2, a voided purchase), or NULL. user_id: whose it is where neither what is bound already nor the content says so; another person than those is refused. at: when it is taken; freshness is measured against the server's clock.

notification_id: key in store_notifications. kind: the provider's type and subtype. user_id: whose it is, or NULL. outcome: applied; noted (it means nothing here); waiting (detail says for what: a person, a product, a document); refused (a rule; detail begins with its SQLSTATE). result: what the function it led to answered. The same notification again answers the first answer when that was applied or noted, and is tried again otherwise, or for another person in user_id.

Raises: KB007 (the purchase goes from person to person; the provider sends again), KB821 (not genuine), KB822 (the setting require_signature names the provider, and no signature came), KB823 (store_keys lacks the key; the provider sends again), KB824 (not what the provider sends, by member), KB825 (a key in store_keys cannot be read), 40001 and the like, after which the provider sends again. Source of the rules: the providers' documentation, as doc/guide/notifications.md tells.$$;
GRANT EXECUTE ON FUNCTION coursebase.take_notification(text, text, text, json, uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.replay_notifications(
    provider text DEFAULT NULL,
    notification_id uuid DEFAULT NULL,
    most integer DEFAULT 1000,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    notification_id uuid,
    kind text,
    user_id uuid,
    outcome text,
    detail text,
    result json
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_replay_notifications';
COMMENT ON FUNCTION coursebase.replay_notifications(text, uuid, integer, timestamptz) IS
    'Tries the notifications again that wait or were refused, oldest first, and answers what became of each; those that another call holds are left out. The server may call it. provider and notification_id (NULL: any) choose, most is how many at the most, at the time it happens. Signatures are not checked again. Columns as of take_notification(). Raises: KB007 (the purchase goes from person to person; call again), KB824 (a body that was accepted can no longer be read).';
GRANT EXECUTE ON FUNCTION coursebase.replay_notifications(text, uuid, integer, timestamptz) TO server;

CREATE FUNCTION coursebase.purge_notifications(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_purge_notifications';
COMMENT ON FUNCTION coursebase.purge_notifications(timestamptz, integer) IS
    'Empties bodies, documents and results of notifications that were applied or noted and came before that time, at most batch of them, oldest first; key and outcome stay, so that one that comes again is known. Rows that another session holds are left out. Answers how many; purge_logs() calls it. The server may call it.';
GRANT EXECUTE ON FUNCTION coursebase.purge_notifications(timestamptz, integer) TO server;

CREATE FUNCTION coursebase.tg_any__take_up()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__take_up';
COMMENT ON FUNCTION coursebase.tg_any__take_up() IS
    'AFTER a row got a name of its payment: notifications that wait for the name are tried again. The arguments are the columns of the names.';
