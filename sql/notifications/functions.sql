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
    'Enters a key with which notifications are proven genuine, or (material NULL) takes it out, and answers whether anything changed. For the owner of the tables alone, and audited without the material.

provider, kind: app_store root (the certificate Apple Root CA G3, PEM or base64) and bundle_id; google_play push_key (Google''s public key or certificate, key_id its kid), push_audience, push_email, licence_key (the app''s public key) and package_name; stripe signing_secret; revenuecat authorization and app_id. material: the key, as the provider gives it; NULL takes it out. key_id: tells several keys of a kind apart. environment: production, sandbox or any. valid_from, valid_until: bound its use; NULL is without bound. Only material and these two may be NULL.

Source: what each provider signs with, as doc/guide/notifications.md tells.
Raises: 22004 (an argument is NULL), 22023 (no such provider, kind or environment), 23514 (material is empty, or valid_until is not after valid_from), KB825 (the material is no key of that kind).';

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
$$Takes what a provider sent, as it came, checks that it is genuine, and does what it means: subscription events, purchases, checkouts, refunds. Everything happens in one transaction. For the server; writes with the rights of the tables' owner.

provider: app_store (the body of App Store Server Notifications V2, or the JWS of one transaction), google_play (Pub/Sub's push envelope, or INAPP_PURCHASE_DATA), stripe (an event) or revenuecat (a webhook). body: the request's body byte for byte. signature: the header that came with it (google_play: Authorization, or INAPP_DATA_SIGNATURE; stripe: Stripe-Signature; revenuecat: Authorization; NULL: none). details: the provider's document for it, where one is needed (google_play: subscriptionsv2, productsv2, a voided purchase), or NULL. user_id: whose it is where neither what is bound already nor the content says so; another person than those is refused. at: when it is taken; freshness is measured against the server's clock. provider, body and at may not be NULL.

notification_id: key in store_notifications. kind: the provider's type and subtype. user_id: whose it is, or NULL. outcome: applied; noted (it means nothing here); waiting; or refused (by a rule). detail: for what it waits (a person, a product, a document), why it is noted, or the refusal, which begins with its SQLSTATE; NULL for applied. result: what the function it led to answered. The same notification again answers the first answer when that was applied or noted, and is tried again otherwise, or for another person in user_id.

Source: the providers' documentation, as doc/guide/notifications.md tells.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (an unknown provider), 40001 and the like (another transaction was in the way; the provider sends again), KB007 (the purchase goes from person to person; the provider sends again), KB821 (not genuine), KB822 (the setting require_signature names the provider, and no signature came), KB823 (store_keys lacks the key; the provider sends again), KB824 (not what the provider sends, by member), KB825 (a key in store_keys cannot be read).$$;
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
    'Tries the notifications again that wait or were refused, oldest first, and answers what became of each; those that another call holds are left out. Signatures are not checked again. For the server; writes with the rights of the tables'' owner.

provider, notification_id: which ones; NULL: any. most: how many at the most. at: when they are taken. The last two may not be NULL. The columns are those of take_notification().

Source: what a notification waits for may come later.
Raises: 22004 (most or at is NULL), 22008 (at is not finite), 2201W (most is negative), KB007 (the purchase goes from person to person; call again), KB824 (a body that was accepted can no longer be read).';
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
    'Empties bodies, documents and results of notifications that were applied or noted, oldest first, and answers how many; key and outcome stay, so that one that comes again is known. Rows that another session holds are left out. purge_logs() calls it. For the server; writes with the rights of the tables'' owner.

before: those that came before that time. batch: at most so many. NULL for either answers NULL and empties none.

Source: the product''s rule that logs and personal data are kept for a limited time.
Raises: 2201W (batch is negative).';
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
