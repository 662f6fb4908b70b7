/*
 * proof.c: a body is read, and its signature checked with the keys of the operator.
 *
 * The body is read before it is proven, for only its content tells which environment's keys to
 * take; nothing is decided from it before. A provider of which store_keys holds no key is not
 * checked, unless the setting require_signature names it: then a missing key is an error. With
 * a key at hand a wrong signature is refused whatever the setting says.
 *
 * Freshness is asked of what a replay would profit from: Stripe's time, the push token's
 * expiry. Apple delivers again for days, so that of its tokens only a date in the future is
 * refused.
 *
 * A provider signs bytes of UTF-8. In a database of another encoding the body was converted
 * when it came, and is converted back for its signature; what stood in base64 is converted when
 * it is read.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/signed_only.h"
#include "json/json_load.h"
#include "notifications/app_store.h"
#include "notifications/base64.h"
#include "notifications/google_play.h"
#include "notifications/jws.h"
#include "notifications/keys.h"
#include "notifications/proof.h"
#include "notifications/revenuecat.h"
#include "notifications/signature.h"
#include "notifications/stripe.h"

/* Seconds that clocks may differ, or a delivery may take. */
#define APPLE_AHEAD 300
/* Stripe's own libraries take 300: what is older may be a replay */
#define STRIPE_TOLERANCE 300
#define TOKEN_TOLERANCE  60

/* A notification is some kilobytes; nothing a provider sends comes near. */
#define BODY_SIZE (1024 * 1024)
/* A header is some hundred bytes, a push token some thousand. */
#define SIGNATURE_SIZE (64 * 1024)

const char *const notice_provider_names[PROVIDERS] = {
	"app_store",
	"google_play",
	"stripe",
	"revenuecat",
};
const char *const notice_proof_names[PROOFS] = {"none", "sender", "signed"};

/* The tokens of one body of Apple's: a notification with up to two inside, or a transaction
 * alone. */
typedef struct AppleTokens
{
	Jws notification; /* empty payload: a transaction alone */
	Jws transaction;
	Jws renewal;
} AppleTokens;

/* The claims of Pub/Sub's push token. */
typedef struct PushClaims
{
	JsonSlice issuer;
	/* both are what the operator entered for the subscription: Google signs for anybody who has
	 * one */
	JsonSlice audience;
	JsonSlice email;
	int email_verified;
	int64_t issued_at;
	int64_t expires_at;
} PushClaims;

static const Field push_fields[] = {
	{"iss", FIELD_TEXT, offsetof(PushClaims, issuer), false},
	{"aud", FIELD_TEXT, offsetof(PushClaims, audience), false},
	{"email", FIELD_TEXT, offsetof(PushClaims, email), false},
	{"email_verified", FIELD_FLAG, offsetof(PushClaims, email_verified), false},
	{"iat", FIELD_SECONDS, offsetof(PushClaims, issued_at), false},
	{"exp", FIELD_SECONDS, offsetof(PushClaims, expires_at), false},
};

/* The date within each token of Apple's, at which its certificates must have been valid. */
typedef struct SignedDate
{
	int64_t at;
} SignedDate;

static const Field signed_fields[] = {
	{"signedDate", FIELD_MILLISECONDS, offsetof(SignedDate, at), false},
};

/* A notification, or the answer of the App Store Server API with one transaction. */
typedef struct AppleBody
{
	/* empty in the answer of the API, whose transaction is signed by itself */
	JsonSlice payload;
	JsonSlice transaction;
} AppleBody;

static const Field apple_fields[] = {
	{"signedPayload", FIELD_TEXT, offsetof(AppleBody, payload), false},
	{"signedTransactionInfo", FIELD_TEXT, offsetof(AppleBody, transaction), false},
};

static void names_require(const StoreNotice *notice);
static void body_require(const Received *received);
static void apple_read(const Received *received, AppleTokens *tokens, StoreNotice *notice);
static void apple_token_read(JsonSlice token, Jws *jws);
static NoticeProof apple_prove(const AppleTokens *tokens, const StoreNotice *notice,
							   TimestampTz now);
static void apple_token_prove(const Jws *jws, const StoreKey *roots, int nroots,
							  TimestampTz now);
static void other_read(const Received *received, StoreNotice *notice);
static NoticeProof google_prove(const Received *received, const StoreNotice *notice,
								TimestampTz now);
static NoticeProof google_prove_purchase(const Received *received, const StoreNotice *notice,
										 TimestampTz now);
static void push_claims_require(const Jws *jws, const StoreNotice *notice, TimestampTz now);
static NoticeProof stripe_prove(const Received *received, const StoreNotice *notice,
								TimestampTz now);
static NoticeProof revenuecat_prove(const Received *received, const StoreNotice *notice,
									TimestampTz now);
static bool header_lacks(const Received *received);
static bool keys_lack(NoticeProvider provider, int count, const char *kind);
static void application_require(NoticeProvider provider, const char *kind,
								const StoreNotice *notice, TimestampTz now);
static bool is_one_of(JsonSlice raw, const StoreKey *keys, int nkeys);
static JsonSlice plain_of(JsonSlice raw);
static int64 unix_seconds(TimestampTz time);
static JsonText text_of(JsonSlice slice);
static JsonSlice from_utf8(JsonSlice bytes);
static JsonSlice to_utf8(JsonSlice bytes);
static void fields_require(JsonSlice object, const Field *fields, size_t nfields, void *into,
						   const char *what);
pg_noreturn static void raise_invalid(const char *detail);
pg_noreturn static void raise_fault(const FieldFault *fault);
pg_noreturn static void raise_signature(const char *detail);

/* Reads and proves, provider by provider. */
NoticeProof
proof_read(const Received *received, TimestampTz now, StoreNotice *notice)
{
	AppleTokens tokens;

	if (received->signature.size > SIGNATURE_SIZE)
		raise_signature("The signature has more than 64 kB.");
	/* the readers below take the JSON for valid */
	body_require(received);
	switch (received->provider)
	{
		case PROVIDER_APP_STORE:
			apple_read(received, &tokens, notice);
			return apple_prove(&tokens, notice, now);
		/* two things come as google_play: pushes, and what a phone holds, signed by another key
		 */
		case PROVIDER_GOOGLE_PLAY:
			other_read(received, notice);
			return google_play_is_purchase_data(received->body)
					   ? google_prove_purchase(received, notice, now)
					   : google_prove(received, notice, now);
		case PROVIDER_STRIPE:
			other_read(received, notice);
			return stripe_prove(received, notice, now);
		default:
			other_read(received, notice);
			return revenuecat_prove(received, notice, now);
	}
}

/* Reads what was proven before. The reader's faults cannot come here but by damage to the row,
 * and raise all the same. */
void
proof_reread(const Received *received, StoreNotice *notice)
{
	AppleTokens tokens;

	body_require(received);
	if (received->provider == PROVIDER_APP_STORE)
		apple_read(received, &tokens, notice);
	else
		other_read(received, notice);
}

/* The readers expect valid JSON. Apple's body may be a token alone. */
static void
body_require(const Received *received)
{
	JsonText text = text_of(received->body);
	size_t where;

	if (received->body.size == 0)
		raise_invalid("The body is empty.");
	/* before anything walks it */
	if (received->body.size > BODY_SIZE)
		raise_invalid("The body has more than 1 MB.");
	if (received->provider == PROVIDER_APP_STORE && received->body.bytes[0] != '{')
		return;
	if (json_text_validate(&text, NULL, 0, &where) != JSON_OK ||
		json_kind(&text, json_root(&text)) != JSON_KIND_OBJECT)
		raise_invalid("The body is no JSON object.");
}

/* Opens all tokens of the body and reads the notice from their payloads, unproven. */
static void
apple_read(const Received *received, AppleTokens *tokens, StoreNotice *notice)
{
	AppleBody body = {{NULL, 0}, {NULL, 0}};
	AppStoreParts parts = {{NULL, 0}, {NULL, 0}};
	FieldFault fault;

	memset(tokens, 0, sizeof(*tokens));
	if (received->body.bytes[0] == '{')
		fields_require(received->body, FIELDS(apple_fields), &body, "the body");
	else
		parts.transaction = received->body;
	if (body.payload.size > 0)
	{
		apple_token_read(plain_of(body.payload), &tokens->notification);
		if (!app_store_parts(tokens->notification.payload, &parts, &fault))
			raise_fault(&fault);
	}
	else if (body.transaction.size > 0)
		parts.transaction = plain_of(body.transaction);
	else if (received->body.bytes[0] == '{')
		raise_invalid("The body has neither signedPayload nor signedTransactionInfo.");
	if (parts.transaction.size > 0)
		apple_token_read(parts.transaction, &tokens->transaction);
	if (parts.renewal.size > 0)
		apple_token_read(parts.renewal, &tokens->renewal);
	if (!app_store_read(tokens->notification.payload, tokens->transaction.payload,
						tokens->renewal.payload, notice, &fault))
		raise_fault(&fault);
	names_require(notice);
}

/* Takes one token apart, in the current context. */
static void
apple_token_read(JsonSlice token, Jws *jws)
{
	const char *fault = jws_read(token, palloc(JWS_ROOM(token.size)), jws);

	if (fault != NULL)
		raise_invalid(psprintf("A token of it %s.", fault));
	jws->payload = from_utf8(jws->payload);
}

/* Proves every token of the body with the roots of its environment. */
static NoticeProof
apple_prove(const AppleTokens *tokens, const StoreNotice *notice, TimestampTz now)
{
	const Jws *all[] = {&tokens->notification, &tokens->transaction, &tokens->renewal};
	StoreKey *roots;
	int nroots = store_keys_read("app_store", "root", notice->environment, now, &roots);

	if (keys_lack(PROVIDER_APP_STORE, nroots, "root"))
		return PROOF_NONE;
	for (int i = 0; i < lengthof(all); i++)
		if (all[i]->payload.size > 0)
			apple_token_prove(all[i], roots, nroots, now);
	application_require(PROVIDER_APP_STORE, "bundle_id", notice, now);
	return PROOF_SIGNED;
}

/* The chain must have been valid when the token says that it was signed; that date is proven
 * with the token. */
static void
apple_token_prove(const Jws *jws, const StoreKey *roots, int nroots, TimestampTz now)
{
	JsonSlice *trusted = palloc(sizeof(JsonSlice) * nroots);
	SignedDate date = {NOTICE_NO_TIME};
	const char *fault;

	/* the algorithm is ours to choose, never the token's: none and HS256 end here */
	if (jws->algorithm != JWS_ES256)
		raise_signature("A token is not signed with ES256.");
	if (jws->certificates[0].size == 0)
		raise_signature("A token comes without its certificates (x5c).");
	fields_require(jws->payload, FIELDS(signed_fields), &date, "a token");
	if (date.at == NOTICE_NO_TIME)
		raise_invalid("A token has no signedDate.");
	/* a date far ahead would outlive the key that is taken out of store_keys */
	if (date.at > now + APPLE_AHEAD * USECS_PER_SEC)
		raise_signature("A token was signed in the future.");
	for (int i = 0; i < nroots; i++)
		trusted[i] = roots[i].material;
	fault = signature_check_chain(jws->certificates, trusted, nroots, unix_seconds(date.at),
								  jws->signed_bytes, jws->signature);
	if (fault != NULL)
		raise_signature(psprintf("The signature of a token %s.", fault));
}

/* Reads the body of a provider whose body is plain JSON. */
static void
other_read(const Received *received, StoreNotice *notice)
{
	FieldFault fault;
	bool sound;

	notice_from_utf8 = from_utf8;
	switch (received->provider)
	{
		case PROVIDER_GOOGLE_PLAY:
			sound = google_play_read(received->body, received->details,
									 palloc(received->body.size + 1), notice, &fault);
			break;
		case PROVIDER_STRIPE:
			sound = stripe_read(received->body, palloc(STRIPE_ROOM), notice, &fault);
			break;
		default:
			sound = revenuecat_read(received->body, notice, &fault);
	}
	if (!sound)
		raise_fault(&fault);
	names_require(notice);
}

/* What is stored and looked for must fit into an index: told in words, and before anything is
 * written. */
static void
names_require(const StoreNotice *notice)
{
	const char *fault = notice_too_long(notice);

	if (fault != NULL)
		raise_invalid(psprintf("Its %s.", fault));
}

/* Google signs for whom it delivers to; what is in the envelope is not signed, nor is the API's
 * document. */
static NoticeProof
google_prove(const Received *received, const StoreNotice *notice, TimestampTz now)
{
	JsonSlice token = received->signature;
	StoreKey *keys;
	int nkeys = store_keys_read("google_play", "push_key", notice->environment, now, &keys);
	Jws jws;
	const char *fault;

	if (header_lacks(received) || keys_lack(PROVIDER_GOOGLE_PLAY, nkeys, "push_key"))
		return PROOF_NONE;
	/* with the word in front or without: gateways differ */
	if (token.size > 7 && pg_strncasecmp(token.bytes, "Bearer ", 7) == 0)
		token = (JsonSlice){token.bytes + 7, token.size - 7};
	fault = jws_read(token, palloc(JWS_ROOM(token.size)), &jws);
	if (fault != NULL)
		raise_signature(psprintf("The push token %s.", fault));
	/* HS256 with Google's public key as its secret is a known attack */
	if (jws.algorithm != JWS_RS256)
		raise_signature("The push token is not signed with RS256.");
	for (int i = 0; i < nkeys; i++)
		/* by its kid alone: trying every key would hide that one is missing */
		if (jws.key_id.size > 0 && json_string_is(jws.key_id, keys[i].key_id))
		{
			fault = signature_check_rsa(keys[i].material, SIGNATURE_SHA256, jws.signed_bytes,
										jws.signature);
			if (fault != NULL)
				raise_signature(psprintf("The signature of the push token %s.", fault));
			push_claims_require(&jws, notice, now);
			application_require(PROVIDER_GOOGLE_PLAY, "package_name", notice, now);
			return PROOF_SENDER;
		}
	ereport(
		ERROR,
		(errcode(ERRCODE_CB_STORE_KEY_UNKNOWN),
		 errmsg("store_keys lacks the key that the push token was signed with"),
		 errhint(
			 "Google changes its keys: enter the ones of today as kind push_key, with their "
			 "kid as key_id. The provider sends the notification again.")));
}

/* What Google's token must say: that Google issued it, for this endpoint, for the account that
 * pushes, and now. */
static void
push_claims_require(const Jws *jws, const StoreNotice *notice, TimestampTz now)
{
	PushClaims claims = {
		.email_verified = 0, .issued_at = NOTICE_NO_TIME, .expires_at = NOTICE_NO_TIME};
	TimestampTz tolerance = TOKEN_TOLERANCE * USECS_PER_SEC;
	StoreKey *audiences, *emails;
	int naudiences =
		store_keys_read("google_play", "push_audience", notice->environment, now, &audiences);
	int nemails =
		store_keys_read("google_play", "push_email", notice->environment, now, &emails);

	fields_require(jws->payload, FIELDS(push_fields), &claims, "the push token");
	if (claims.issuer.size == 0 ||
		(!json_string_is(claims.issuer, "https://accounts.google.com") &&
		 !json_string_is(claims.issuer, "accounts.google.com")))
		raise_signature("The push token was not issued by Google.");
	/* a token for another endpoint of anybody's is genuine, and not for us */
	if (!is_one_of(claims.audience, audiences, naudiences))
		raise_signature("The push token is for another audience than store_keys has.");
	/* anybody's project may push; only ours has this account */
	if (!is_one_of(claims.email, emails, nemails) || claims.email_verified != 1)
		raise_signature("The push token is of another account than store_keys has.");
	if (claims.issued_at == NOTICE_NO_TIME || claims.expires_at == NOTICE_NO_TIME ||
		claims.issued_at > now + tolerance || claims.expires_at < now - tolerance)
		raise_signature("The push token has expired, or is not valid yet.");
}

/* INAPP_PURCHASE_DATA: signed by the app's key over the whole body, with SHA-1, which Google
 * Play has never changed. */
static NoticeProof
google_prove_purchase(const Received *received, const StoreNotice *notice, TimestampTz now)
{
	StoreKey *keys;
	int nkeys = store_keys_read("google_play", "licence_key", notice->environment, now, &keys);
	char *signature = palloc(BASE64_ROOM(received->signature.size));
	const char *fault = NULL;
	size_t size;

	if (header_lacks(received) || keys_lack(PROVIDER_GOOGLE_PLAY, nkeys, "licence_key"))
		return PROOF_NONE;
	if (!base64_decode(BASE64_STANDARD, received->signature.bytes, received->signature.size,
					   signature, &size))
		raise_signature("The signature is no base64.");
	for (int i = 0; i < nkeys; i++)
	{
		fault = signature_check_rsa(keys[i].material, SIGNATURE_SHA1, to_utf8(received->body),
									(JsonSlice){signature, size});
		if (fault == NULL)
		{
			application_require(PROVIDER_GOOGLE_PLAY, "package_name", notice, now);
			return PROOF_SIGNED;
		}
	}
	raise_signature(psprintf("The signature of the purchase data %s.", fault));
}

/* Every secret with every signature: during a rotation there are several of both. */
static NoticeProof
stripe_prove(const Received *received, const StoreNotice *notice, TimestampTz now)
{
	JsonSlice body = to_utf8(received->body);
	StripeHeader header;
	StoreKey *secrets;
	int nsecrets =
		store_keys_read("stripe", "signing_secret", notice->environment, now, &secrets);
	bool same = false;

	if (header_lacks(received) || keys_lack(PROVIDER_STRIPE, nsecrets, "signing_secret"))
		return PROOF_NONE;
	if (!stripe_header_read(received->signature, &header))
		raise_signature("The header Stripe-Signature has no time, or no signature v1.");
	for (int i = 0; i < nsecrets; i++)
	{
		const JsonSlice pieces[] = {header.timestamp, {".", 1}, body};
		unsigned char mac[SIGNATURE_HMAC_SIZE];

		signature_hmac(secrets[i].material, pieces, lengthof(pieces), mac);
		for (int k = 0; k < header.nsignatures; k++)
			same |= signature_same((JsonSlice){(char *) mac, sizeof(mac)},
								   (JsonSlice){(char *) header.signatures[k], sizeof(mac)});
	}
	if (!same)
		raise_signature("No signature v1 of the header fits a signing secret.");
	/* behind the comparison: a wrong signature must not learn the server's clock */
	if (header.seconds < unix_seconds(now) - STRIPE_TOLERANCE ||
		header.seconds > unix_seconds(now) + STRIPE_TOLERANCE)
		raise_signature(
			"The header Stripe-Signature is more than 300 seconds off the server's clock.");
	return PROOF_SIGNED;
}

/* All keys are compared, so that the time does not tell which one was nearest. */
static NoticeProof
revenuecat_prove(const Received *received, const StoreNotice *notice, TimestampTz now)
{
	StoreKey *keys;
	int nkeys = store_keys_read("revenuecat", "authorization", notice->environment, now, &keys);
	bool same = false;

	if (header_lacks(received) || keys_lack(PROVIDER_REVENUECAT, nkeys, "authorization"))
		return PROOF_NONE;
	/* without an early end */
	for (int i = 0; i < nkeys; i++)
		same |= signature_same(received->signature, keys[i].material);
	if (!same)
		raise_signature("The authorization header is not the one in store_keys.");
	application_require(PROVIDER_REVENUECAT, "app_id", notice, now);
	return PROOF_SENDER;
}

/* Whether there is no header; refused where the provider is taken only with proof. */
static bool
header_lacks(const Received *received)
{
	if (received->signature.size > 0)
		return false;
	if (signed_only(notice_provider_names[received->provider]))
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_SIGNATURE_REQUIRED),
			 errmsg("notifications of %s are taken only with their signature",
					notice_provider_names[received->provider]),
			 errdetail(
				 "The setting require_signature names the provider, and no signature came."),
			 errhint("Pass the header on that the provider sent with the body.")));
	return true;
}

/* Whether there is no key; refused where the provider is taken only with proof. */
static bool
keys_lack(NoticeProvider provider, int count, const char *kind)
{
	if (count > 0)
		return false;
	if (signed_only(notice_provider_names[provider]))
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_STORE_KEY_UNKNOWN),
			 errmsg("store_keys has no %s of %s", kind, notice_provider_names[provider]),
			 errdetail("The setting require_signature names the provider."),
			 errhint("Enter it with coursebase.set_store_key(), as the owner of the tables.")));
	return true;
}

/* A genuine notification of another app proves nothing here. Without a name in store_keys any
 * app is taken, unless the provider is taken only with proof. */
static void
application_require(NoticeProvider provider, const char *kind, const StoreNotice *notice,
					TimestampTz now)
{
	StoreKey *names;
	int nnames = store_keys_read(notice_provider_names[provider], kind, notice->environment,
								 now, &names);

	/* RevenueCat's authorization is of one project, whose apps need not be listed */
	if (nnames == 0 && (provider == PROVIDER_REVENUECAT || keys_lack(provider, nnames, kind)))
		return;
	if (!is_one_of(notice->application, names, nnames))
		raise_signature(
			psprintf("The notification is of another app than store_keys has as %s.", kind));
}

/* Whether the raw string is the material of one of the keys; false for an absent one. */
static bool
is_one_of(JsonSlice raw, const StoreKey *keys, int nkeys)
{
	for (int i = 0; raw.size > 0 && i < nkeys; i++)
		if (json_string_equals(raw, keys[i].material))
			return true;
	return false;
}

/* A raw string without its quotes. */
static JsonSlice
plain_of(JsonSlice raw)
{
	return (JsonSlice){raw.bytes + 1, raw.size - 2};
}

/* Seconds since 1970 of a server's time. */
static int64
unix_seconds(TimestampTz time)
{
	return time / USECS_PER_SEC +
		   ((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

/* A text for the JSON cores, which serves interrupts. */
static JsonText
text_of(JsonSlice slice)
{
	JsonText text;

	json_text_init(&text, slice.bytes, slice.size, json_pulse, NULL);
	return text;
}

/* What stood in base64, in the database's encoding; the same bytes where that is UTF-8. */
static JsonSlice
from_utf8(JsonSlice bytes)
{
	char *text;

	if (!pg_verify_mbstr(PG_UTF8, bytes.bytes, (int) bytes.size, true))
		raise_invalid("What it holds in base64 is no UTF-8.");
	if (GetDatabaseEncoding() == PG_UTF8)
		return bytes;
	text = pg_any_to_server(bytes.bytes, (int) bytes.size, PG_UTF8);
	return text == bytes.bytes ? bytes : (JsonSlice){text, strlen(text)};
}

/* A text as its sender had it; the same bytes where the database's encoding is UTF-8. */
static JsonSlice
to_utf8(JsonSlice bytes)
{
	char *text = pg_server_to_any(bytes.bytes, (int) bytes.size, PG_UTF8);

	return text == bytes.bytes ? bytes : (JsonSlice){text, strlen(text)};
}

/* Reads members of an object that is no notice, and raises for a fault. */
static void
fields_require(JsonSlice object, const Field *fields, size_t nfields, void *into,
			   const char *what)
{
	JsonText text = text_of(object);
	FieldFault fault;

	if (!fields_read(&text, json_root(&text), fields, nfields, into, &fault))
		raise_invalid(psprintf("In %s the member %s %s.", what, fault.member, fault.fault));
}

/* Raises KB824 for what a reader found. */
static void
raise_fault(const FieldFault *fault)
{
	raise_invalid(psprintf("Its member %s %s.", fault->member, fault->fault));
}

/* Raises KB824: the body is not what the provider sends. */
static void
raise_invalid(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_NOTIFICATION_INVALID),
			 errmsg("the notification is not what the provider sends"), errdetail("%s", detail),
			 errhint("Pass the body of the request on as it came; nothing was written.")));
}

/* Raises KB821: nothing of the notification is trusted, and nothing is written. */
static void
raise_signature(const char *detail)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_CB_SIGNATURE_INVALID), errmsg("the notification is not genuine"),
		 errdetail("%s", detail),
		 errhint(
			 "Nothing was written. Where this is no attack, compare store_keys with what the "
			 "provider shows.")));
}
