/*
 * notices_test.c: what App Store, Google Play, Stripe and RevenueCat send becomes the notice
 * that their documentation and the rules mean, or is refused with the member that is wrong.
 *
 * A case has a body with ' for ", @2026-03-01 for a time of the provider's unit, and the notice
 * as a line: its subject, then each member that it says something about. A case that is refused
 * has "fault: member words". A parted body of Google Play has the notification within its
 * envelope, which the test makes.
 */
#include <stdlib.h>
#include <time.h>

#include "notifications/app_store.h"
#include "notifications/google_play.h"
#include "notifications/revenuecat.h"
#include "notifications/stripe.h"
#include "table.h"

typedef enum Reader
{
	APPLE,      /* the notification's payload, the transaction's, the renewal's */
	PLAY,       /* the notification, the API's document */
	PLAY_PLAIN, /* the body as it is, the API's document */
	STRIPE,
	CAT,
} Reader;

typedef struct Case
{
	Reader reader;
	const char *parts[3];
	const char *expected;
} Case;

/* App Store. */

#define APPLE_NOTE(type, members)                                                              \
	"{'notificationType':'" type "','notificationUUID':'u','signedDate':@2026-03-02,"          \
	"'data':{'bundleId':'com.x','environment':'Production'}" members "}"
#define APPLE_PAID(members)                                                                    \
	"{'environment':'Production','bundleId':'com.x','transactionId':'t2',"                     \
	"'originalTransactionId':'t1','productId':'p'" members "}"
#define APPLE_LINE  ",'type':'Auto-Renewable Subscription'"
#define APPLE_THING ",'type':'Non-Consumable'"
#define APPLE_ALONE ",'signedDate':@2026-03-05"
#define APPLE_NOTED " id=u type="
#define APPLE_SAID  " time=2026-03-02 app=com.x"
/* What APPLE_PAID says in every notice. */
#define APPLE_BOUGHT " product=p transaction=t2 original=t1 token=t2 scale=1000"
/* A non-consumable is known by its original transaction, whichever a restore names. */
#define APPLE_ORIGINAL " product=p transaction=t1 original=t1 token=t1 scale=1000"

/* Google Play. */

#define PLAY_NOTE(kind)                                                                        \
	"{'version':'1.0','packageName':'com.x','eventTimeMillis':'@2026-03-02'," kind "}"
#define PLAY_LINE(type)                                                                        \
	PLAY_NOTE("'subscriptionNotification':{'version':'1.0','notificationType':" type           \
			  ",'purchaseToken':'k1','subscriptionId':'p'}")
#define PLAY_THING(type)                                                                       \
	PLAY_NOTE("'oneTimeProductNotification':{'version':'1.0','notificationType':" type         \
			  ",'purchaseToken':'k1','sku':'p'}")
#define PLAY_VOID(members)                                                                     \
	PLAY_NOTE("'voidedPurchaseNotification':{'purchaseToken':'k1','orderId':'GPA.1'" members   \
			  "}")
#define PLAY_PRODUCT2(members) "{'kind':'androidpublisher#productPurchaseV2'" members "}"
#define PLAY_STATE(word)       ",'purchaseStateContext':{'purchaseState':'" word "'}"
#define PLAY_ITEMS             ",'productLineItem':[{'productId':'p'}]"
#define PLAY_SUB(members)      "{'kind':'androidpublisher#subscriptionPurchaseV2'" members "}"
#define PLAY_PLAN                                                                              \
	",'lineItems':[{'productId':'p','expiryTime':'2026-04-01T00:00:00Z',"                      \
	"'autoRenewingPlan':{'autoRenewEnabled':true}}]"
#define PLAY_ITEM(members) ",'lineItems':[{'productId':'p'" members "}]"
#define PLAY_LEFT(members)                                                                     \
	"{'productId':'old','expiryTime':'2026-03-20T00:00:00Z','autoRenewingPlan':{}" members "}"
#define PLAY_OF(type) " id=m type=" type " time=2026-03-02 app=com.x"
#define PLAY_KEYS     " original=k1 token=k1"

#define NEEDS_SUBSCRIPTION " needs=purchases.subscriptionsv2.get of its purchaseToken"
#define NEEDS_PRODUCT      " needs=purchases.productsv2.getproductpurchasev2 of its purchaseToken"

/* Stripe. */

#define STRIPE_OF(type, object, more)                                                          \
	"{'id':'evt','type':'" type "','created':@2026-03-02,'livemode':true,'data':{'object':"    \
	"{" object "}" more "}}"
#define STRIPE_EVENT(type, object) STRIPE_OF(type, object, "")
#define STRIPE_UPDATE(object, previous)                                                        \
	STRIPE_OF("customer.subscription.updated", "'id':'sub_1'," object,                         \
			  ",'previous_attributes':{" previous "}")
#define STRIPE_SAID(type) " id=evt type=" type
#define STRIPE_AT         " time=2026-03-02"
#define STRIPE_UPDATED(sub)                                                                    \
	"subscription" STRIPE_SAID("customer.subscription.updated") " subtype=" sub STRIPE_AT      \
																" original=sub_1"

/* RevenueCat. */

#define CAT_EVENT(type, members)                                                               \
	"{'api_version':'1.0','event':{'id':'c','type':'" type                                     \
	"','event_timestamp_ms':@2026-03-02" members "}}"
#define CAT_SAID(type) " id=c type=" type
#define CAT_AT         " time=2026-03-02"

/* The longest status that "status." and it have room for. */
#define LETTERS                                                                                \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SIXTEEN                                                                                \
	"'n01','n02','n03','n04','n05','n06','n07','n08','n09','n10','n11','n12','n13','n14',"     \
	"'n15','n16'"

static const Case cases[] = {
	/* App Store: types of subscriptions say what happened; subject, whose and how long come
	   from the transaction, grace and renewal from the renewal. */
	{APPLE,
	 {APPLE_NOTE("SUBSCRIBED", ",'subtype':'INITIAL_BUY'"),
	  APPLE_PAID(APPLE_LINE ",'appAccountToken':'a','purchaseDate':@2026-03-01,"
							"'expiresDate':@2026-04-01,'price':4990,'currency':'EUR',"
							"'transactionReason':'PURCHASE','signedDate':@2026-03-05"),
	  "{'environment':'Production','originalTransactionId':'t1','autoRenewStatus':1,"
	  "'renewalDate':@2026-04-01}"},
	 "subscription id=u type=SUBSCRIBED subtype=INITIAL_BUY time=2026-03-02 accounts=a "
	 "app=com.x product=p transaction=t2 original=t1 token=t2 amount=4990 scale=1000 "
	 "currency=EUR purchased=2026-03-01 start=2026-03-01 end=2026-04-01 renew=1"},
	{APPLE,
	 {APPLE_NOTE("DID_FAIL_TO_RENEW", ",'subtype':'GRACE_PERIOD'"),
	  APPLE_PAID(APPLE_LINE ",'expiresDate':@2026-03-02"),
	  "{'environment':'Production','originalTransactionId':'t1','autoRenewStatus':0,"
	  "'gracePeriodExpiresDate':@2026-03-18}"},
	 "subscription id=u type=DID_FAIL_TO_RENEW subtype=GRACE_PERIOD time=2026-03-02 app=com.x "
	 "product=p transaction=t2 original=t1 token=t2 scale=1000 end=2026-03-02 "
	 "grace=2026-03-18 renew=0"},
	/* an introductory offer is a trial only where it is free */
	{APPLE,
	 {APPLE_NOTE("OFFER_REDEEMED", ""),
	  APPLE_PAID(APPLE_LINE ",'offerIdentifier':'o','offerDiscountType':'FREE_TRIAL'")},
	 "subscription id=u type=OFFER_REDEEMED time=2026-03-02 app=com.x product=p offer=o "
	 "transaction=t2 original=t1 token=t2 scale=1000 trial"},
	{APPLE,
	 {APPLE_NOTE("OFFER_REDEEMED", ""),
	  APPLE_PAID(APPLE_LINE ",'offerDiscountType':'PAY_UP_FRONT'")},
	 "subscription" APPLE_NOTED "OFFER_REDEEMED" APPLE_SAID APPLE_BOUGHT},
	{APPLE,
	 {APPLE_NOTE("REFUND", ""), APPLE_PAID(APPLE_LINE ",'revocationDate':@2026-03-01")},
	 "subscription" APPLE_NOTED "REFUND" APPLE_SAID APPLE_BOUGHT " revoked=2026-03-01"},
	/* Apple's question is about money of a subscription as of any other purchase */
	{APPLE,
	 {APPLE_NOTE("CONSUMPTION_REQUEST", ""), APPLE_PAID(APPLE_LINE)},
	 "review" APPLE_NOTED "CONSUMPTION_REQUEST" APPLE_SAID APPLE_BOUGHT},
	{APPLE,
	 {APPLE_NOTE("CONSUMPTION_REQUEST", ""), APPLE_PAID(APPLE_THING)},
	 "review" APPLE_NOTED "CONSUMPTION_REQUEST" APPLE_SAID APPLE_ORIGINAL},
	{APPLE,
	 {APPLE_NOTE("ONE_TIME_CHARGE", ""), APPLE_PAID(",'type':'Consumable','quantity':3")},
	 "purchase" APPLE_NOTED "ONE_TIME_CHARGE" APPLE_SAID
	 " product=p transaction=t2 original=t1 token=t2 quantity=3 scale=1000"},
	{APPLE,
	 {APPLE_NOTE("REFUND", ""), APPLE_PAID(APPLE_THING ",'revocationDate':@2026-03-01")},
	 "refund" APPLE_NOTED "REFUND" APPLE_SAID APPLE_ORIGINAL " revoked=2026-03-01"},
	/* what a family shares is each member's own */
	{APPLE,
	 {APPLE_NOTE("ONE_TIME_CHARGE", ""),
	  APPLE_PAID(APPLE_THING ",'inAppOwnershipType':'FAMILY_SHARED'")},
	 "purchase" APPLE_NOTED "ONE_TIME_CHARGE" APPLE_SAID APPLE_BOUGHT},
	/* family sharing ended */
	{APPLE,
	 {APPLE_NOTE("REVOKE", ""), APPLE_PAID(APPLE_THING)},
	 "refund" APPLE_NOTED "REVOKE" APPLE_SAID APPLE_ORIGINAL},
	{APPLE,
	 {APPLE_NOTE("REFUND_REVERSED", ""), APPLE_PAID(APPLE_THING)},
	 "reversal" APPLE_NOTED "REFUND_REVERSED" APPLE_SAID APPLE_ORIGINAL},
	{APPLE,
	 {APPLE_NOTE("REFUND_DECLINED", ""), APPLE_PAID(APPLE_THING)},
	 "nothing" APPLE_NOTED "REFUND_DECLINED" APPLE_SAID APPLE_ORIGINAL},
	/* what comes without a transaction is about nothing */
	{APPLE, {APPLE_NOTE("TEST", "")}, "nothing" APPLE_NOTED "TEST" APPLE_SAID},
	{APPLE,
	 {"{'notificationType':'RENEWAL_EXTENSION','subtype':'SUMMARY','notificationUUID':'u',"
	  "'signedDate':@2026-03-02,'summary':{'environment':'Sandbox','bundleId':'com.x'}}"},
	 "nothing sandbox id=u type=RENEWAL_EXTENSION subtype=SUMMARY time=2026-03-02 app=com.x"},
	{APPLE,
	 {"{'notificationType':'EXTERNAL_PURCHASE_TOKEN','subtype':'UNREPORTED',"
	  "'notificationUUID':'u','signedDate':@2026-03-02,"
	  "'externalPurchaseToken':{'bundleId':'com.x'}}"},
	 "nothing id=u type=EXTERNAL_PURCHASE_TOKEN subtype=UNREPORTED time=2026-03-02 app=com.x"},
	/* a renewal without its transaction still names the line */
	{APPLE,
	 {APPLE_NOTE("PRICE_INCREASE", ""), "",
	  "{'environment':'Production','originalTransactionId':'t1','autoRenewStatus':1}"},
	 "nothing" APPLE_NOTED "PRICE_INCREASE" APPLE_SAID " original=t1 renew=1"},
	/* a renewal that names no line is of the transaction's */
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(APPLE_LINE), "{'autoRenewStatus':1}"},
	 "subscription" APPLE_NOTED "DID_RENEW" APPLE_SAID APPLE_BOUGHT " renew=1"},
	/* ids are numbers in one version and strings in the other */
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""),
	  "{'environment':'Production','type':'Auto-Renewable Subscription','transactionId':12,"
	  "'originalTransactionId':11,'productId':'p'}",
	  "{'originalTransactionId':'11'}"},
	 "subscription" APPLE_NOTED "DID_RENEW" APPLE_SAID
	 " product=p transaction=12 original=11 token=12 scale=1000"},
	/* the first transaction of a thing is its own line */
	{APPLE,
	 {APPLE_NOTE("ONE_TIME_CHARGE", ""),
	  "{'environment':'Production','type':'Consumable','transactionId':'t9','productId':'p'}"},
	 "purchase" APPLE_NOTED "ONE_TIME_CHARGE" APPLE_SAID
	 " product=p transaction=t9 original=t9 token=t9 scale=1000"},
	/* A transaction that came alone: the event that led to it, when it was bought or taken
	 * back.
	 */
	{APPLE,
	 {"", APPLE_PAID(APPLE_LINE APPLE_ALONE ",'purchaseDate':@2026-03-01,"
											"'transactionReason':'PURCHASE'")},
	 "subscription type=created time=2026-03-01 signed=2026-03-05 app=com.x" APPLE_BOUGHT
	 " purchased=2026-03-01 start=2026-03-01"},
	{APPLE,
	 {"", APPLE_PAID(APPLE_LINE APPLE_ALONE ",'purchaseDate':@2026-03-01,"
											"'transactionReason':'RENEWAL'")},
	 "subscription type=renewed time=2026-03-01 signed=2026-03-05 app=com.x" APPLE_BOUGHT
	 " purchased=2026-03-01 start=2026-03-01"},
	{APPLE,
	 {"", APPLE_PAID(APPLE_LINE APPLE_ALONE ",'revocationDate':@2026-03-03,"
											"'purchaseDate':@2026-03-01")},
	 "subscription type=revoked time=2026-03-03 signed=2026-03-05 app=com.x" APPLE_BOUGHT
	 " purchased=2026-03-01 start=2026-03-01 revoked=2026-03-03"},
	{APPLE,
	 {"", APPLE_PAID(APPLE_THING APPLE_ALONE)},
	 "purchase type=created time=2026-03-05 signed=2026-03-05 app=com.x" APPLE_ORIGINAL},
	{APPLE,
	 {"", APPLE_PAID(APPLE_THING APPLE_ALONE ",'revocationDate':@2026-03-03")},
	 "refund type=revoked time=2026-03-03 signed=2026-03-05 app=com.x" APPLE_ORIGINAL
	 " revoked=2026-03-03"},
	{APPLE,
	 {"",
	  "{'environment':'Xcode','transactionId':'0','productId':'p','signedDate':@2026-03-05}"},
	 "purchase sandbox type=created time=2026-03-05 signed=2026-03-05 product=p transaction=0 "
	 "original=0 token=0 scale=1000"},
	{APPLE,
	 {"", APPLE_PAID(APPLE_LINE APPLE_ALONE),
	  "{'environment':'Production','originalTransactionId':'t1','autoRenewStatus':1}"},
	 "subscription type=created time=2026-03-05 signed=2026-03-05 app=com.x" APPLE_BOUGHT
	 " renew=1"},
	/* what is missing, and what does not agree */
	{APPLE,
	 {"{'notificationUUID':'u','signedDate':@2026-03-02}"},
	 "fault: notificationType is missing"},
	{APPLE,
	 {"{'notificationType':'TEST','signedDate':@2026-03-02}"},
	 "fault: notificationUUID is missing"},
	{APPLE,
	 {"{'notificationType':'TEST','notificationUUID':'u'}"},
	 "fault: signedDate is missing"},
	{APPLE,
	 {"{'notificationType':'TEST','notificationUUID':5}"},
	 "fault: notificationUUID is no string"},
	{APPLE,
	 {"{'notificationType':'TEST','notificationUUID':'u','signedDate':1772409600}"},
	 "fault: signedDate is not between 2008 and 2100 in milliseconds since 1970"},
	{APPLE,
	 {"{'notificationType':'TEST','notificationUUID':'u','signedDate':@2026-03-02,"
	  "'data':{'bundleId':5}}"},
	 "fault: bundleId is no string"},
	{APPLE,
	 {"{'notificationType':'TEST','notificationUUID':'u','signedDate':@2026-03-02,"
	  "'data':{'environment':'Mars'}}"},
	 "fault: environment is neither Production nor Sandbox"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), "{'environment':'Production','productId':'p'}"},
	 "fault: transactionId is missing"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), "{'environment':'Production','transactionId':'t2'}"},
	 "fault: productId is missing"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(",'quantity':0")},
	 "fault: quantity is not positive"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(",'quantity':1.5")},
	 "fault: quantity is no whole number"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""),
	  "{'environment':'Sandbox','transactionId':'t2','productId':'p'}"},
	 "fault: environment is another in one payload than in the other"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), "{'bundleId':'com.y','transactionId':'t2','productId':'p'}"},
	 "fault: bundleId is another in one payload than in the other"},
	{APPLE, {"", APPLE_PAID(APPLE_LINE)}, "fault: signedDate is missing"},
	{APPLE,
	 {"", "{'transactionId':'t2','productId':'p','signedDate':@2026-03-05}"},
	 "fault: environment is missing"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(APPLE_LINE), "{'environment':'Sandbox'}"},
	 "fault: environment is another in one payload than in the other"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(APPLE_LINE), "{'autoRenewStatus':7}"},
	 "fault: autoRenewStatus is neither true nor false"},
	{APPLE,
	 {APPLE_NOTE("DID_RENEW", ""), APPLE_PAID(APPLE_LINE), "{'originalTransactionId':'t3'}"},
	 "fault: originalTransactionId is another in the renewal than in the transaction"},

	/* Google Play: a notification says that something happened, the document what holds. */
	{PLAY,
	 {PLAY_NOTE("'testNotification':{'version':'1.0'}")},
	 "nothing id=m time=2026-03-02 app=com.x"},
	{PLAY,
	 {PLAY_NOTE("'laterNotification':{'purchaseToken':'k1'}")},
	 "nothing id=m time=2026-03-02 app=com.x"},
	{PLAY,
	 {PLAY_LINE("4")},
	 "subscription" PLAY_OF("4") " product=p" PLAY_KEYS NEEDS_SUBSCRIPTION},
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'subscriptionState':'SUBSCRIPTION_STATE_ACTIVE','latestOrderId':'GPA.1',"
			   "'startTime':'2026-03-01T00:00:00Z','linkedPurchaseToken':'k0',"
			   "'externalAccountIdentifiers':{'obfuscatedExternalAccountId':'a',"
			   "'externalAccountId':'b'}" PLAY_PLAN)},
	 "subscription id=m type=4 time=2026-03-02 accounts=a,b app=com.x product=p "
	 "transaction=GPA.1 original=k1 token=k1 linked=k0 purchased=2026-03-01 end=2026-04-01 "
	 "renew=1"},
	/* the item's own order is that of the payment; a tester's purchase is of the sandbox */
	{PLAY,
	 {PLAY_LINE("2"),
	  PLAY_SUB(",'testPurchase':{},'latestOrderId':'GPA.1..2'" PLAY_ITEM(
		  ",'latestSuccessfulOrderId':'GPA.1..1','autoRenewingPlan':{'autoRenewEnabled':false},"
		  "'offerDetails':{'basePlanId':'monthly','offerId':'spring'},"
		  "'offerPhase':{'freeTrial':{}}"))},
	 "subscription sandbox id=m type=2 time=2026-03-02 app=com.x product=p plan=monthly "
	 "offer=spring transaction=GPA.1..1 original=k1 token=k1 renew=0 trial"},
	/* a change at the end of the period: the plan that runs, and then the new one */
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'lineItems':[" PLAY_LEFT(
		  ",'deferredItemReplacement':{'productId':'p'}") ","
														  "{'productId':'p','autoRenewingPlan':"
														  "{'autoRenewEnabled':true}}]")},
	 "subscription" PLAY_OF("4") " product=old" PLAY_KEYS " end=2026-03-20 renew=1"},
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'lineItems':[{'productId':'p','autoRenewingPlan':{}}," PLAY_LEFT(
		  ",'deferredItemReplacement':{'productId':'p'}") "]")},
	 "subscription" PLAY_OF("4") " product=old" PLAY_KEYS " end=2026-03-20 renew=0"},
	{PLAY,
	 {PLAY_LINE("2"),
	  PLAY_SUB(",'lineItems':[" PLAY_LEFT(
		  "") ",{'productId':'p','expiryTime':"
			  "'2026-04-20T00:00:00Z','autoRenewingPlan':{'autoRenewEnabled':true}}]")},
	 "subscription" PLAY_OF("2") " product=p" PLAY_KEYS " end=2026-04-20 renew=1"},
	{PLAY,
	 {PLAY_LINE("3"),
	  PLAY_SUB(",'lineItems':[{'productId':'p','expiryTime':'2026-04-20T00:00:00Z',"
			   "'autoRenewingPlan':{}}," PLAY_LEFT("") "]")},
	 "subscription" PLAY_OF("3") " product=p" PLAY_KEYS " end=2026-04-20 renew=0"},
	/* a plan that does not say it will, and a prepaid one, do not renew */
	{PLAY,
	 {PLAY_LINE("2"),
	  PLAY_SUB(PLAY_ITEM(",'autoRenewingPlan':{},'offerPhase':{'basePrice':{}}"))},
	 "subscription" PLAY_OF("2") " product=p" PLAY_KEYS " renew=0"},
	{PLAY,
	 {PLAY_LINE("2"), PLAY_SUB(PLAY_ITEM(",'prepaidPlan':{}"))},
	 "subscription" PLAY_OF("2") " product=p" PLAY_KEYS " renew=0"},
	{PLAY,
	 {PLAY_LINE("2"), PLAY_SUB(PLAY_ITEM(""))},
	 "subscription" PLAY_OF("2") " product=p" PLAY_KEYS},
	{PLAY,
	 {PLAY_LINE("6"),
	  PLAY_SUB(",'subscriptionState':'SUBSCRIPTION_STATE_IN_GRACE_PERIOD'" PLAY_PLAN)},
	 "subscription" PLAY_OF("6") " product=p" PLAY_KEYS " grace=2026-04-01 renew=1"},
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'subscriptionState':'SUBSCRIPTION_STATE_PENDING'" PLAY_ITEM(""))},
	 "subscription" PLAY_OF("4") " product=p" PLAY_KEYS " pending"},
	/* for ever is after 2100 */
	{PLAY,
	 {PLAY_LINE("2"), PLAY_SUB(PLAY_ITEM(",'expiryTime':'2999-01-01T00:00:00Z'"))},
	 "subscription" PLAY_OF("2") " product=p" PLAY_KEYS " end=ever"},
	/* one-time products: type 2 says all there is, type 1 needs the document */
	{PLAY, {PLAY_THING("1")}, "purchase" PLAY_OF("1") " product=p" PLAY_KEYS NEEDS_PRODUCT},
	{PLAY,
	 {PLAY_THING("2")},
	 "purchase" PLAY_OF("2") " product=p transaction=k1" PLAY_KEYS " canceled"},
	{PLAY,
	 {PLAY_THING("2"), PLAY_PRODUCT2(PLAY_STATE("CANCELLED") PLAY_ITEMS)},
	 "purchase" PLAY_OF("2") " product=p transaction=k1" PLAY_KEYS " canceled"},
	{PLAY,
	 {PLAY_THING("1"),
	  PLAY_PRODUCT2(PLAY_STATE("PURCHASED") ",'orderId':'GPA.1',"
											"'obfuscatedExternalAccountId':'a',"
											"'purchaseCompletionTime':'2026-03-01T00:00:00Z',"
											"'productLineItem':[{'productId':'p2',"
											"'productOfferDetails':{'quantity':3}}]")},
	 "purchase id=m type=1 time=2026-03-02 accounts=a app=com.x product=p2 transaction=GPA.1 "
	 "original=k1 token=k1 order=GPA.1 quantity=3 purchased=2026-03-01"},
	{PLAY,
	 {PLAY_THING("1"),
	  PLAY_PRODUCT2(PLAY_STATE("PENDING") ",'testPurchaseContext':{}" PLAY_ITEMS)},
	 "purchase sandbox" PLAY_OF("1") " product=p transaction=k1" PLAY_KEYS " pending"},
	/* the older document: numbers, and its type 0 is a tester's */
	{PLAY,
	 {PLAY_THING("1"), "{'productId':'p','purchaseToken':'k1','orderId':'GPA.1',"
					   "'purchaseState':0,'purchaseType':0,'purchaseTimeMillis':'@2026-03-01',"
					   "'quantity':2}"},
	 "purchase sandbox" PLAY_OF("1") " product=p transaction=GPA.1" PLAY_KEYS
									 " order=GPA.1 quantity=2 purchased=2026-03-01"},
	{PLAY,
	 {PLAY_THING("1"), "{'productId':'p','purchaseState':1,'purchaseType':1}"},
	 "purchase" PLAY_OF("1") " product=p transaction=k1" PLAY_KEYS " canceled"},
	{PLAY,
	 {PLAY_THING("1"), "{'productId':'p','purchaseState':2}"},
	 "purchase" PLAY_OF("1") " product=p transaction=k1" PLAY_KEYS " pending"},
	/* voided: 1 is a subscription, 2 a thing; of a part the quantity stands in the list alone
	 */
	{PLAY,
	 {PLAY_VOID(",'productType':1,'refundType':1")},
	 "subscription" PLAY_OF(
		 "voidedPurchaseNotification") " transaction=GPA.1 original=k1 token=k1 order=GPA.1"},
	{PLAY,
	 {PLAY_VOID(",'productType':2,'refundType':1")},
	 "refund id=m time=2026-03-02 app=com.x transaction=GPA.1 original=k1 token=k1 "
	 "order=GPA.1"},
	{PLAY,
	 {PLAY_VOID(",'productType':2,'refundType':2")},
	 "refund id=m time=2026-03-02 app=com.x transaction=GPA.1 original=k1 token=k1 "
	 "order=GPA.1 needs=purchases.voidedpurchases.list, the entry of its purchaseToken"},
	{PLAY,
	 {PLAY_VOID(",'productType':2,'refundType':2"),
	  "{'purchaseToken':'k1','orderId':'GPA.1','voidedTimeMillis':'@2026-03-01',"
	  "'voidedQuantity':2}"},
	 "refund id=m time=2026-03-02 app=com.x transaction=GPA.1 original=k1 token=k1 "
	 "order=GPA.1 refunded=2 revoked=2026-03-01"},
	{PLAY,
	 {PLAY_NOTE("'pendingRefundReviewNotification':{'purchaseToken':'k1','orderId':'GPA.1'}")},
	 "review id=m time=2026-03-02 app=com.x original=k1 token=k1 order=GPA.1"},
	/* a phone's purchase data: signed by the app's key, no notification around it */
	{PLAY_PLAIN,
	 {"{'orderId':'GPA.1','packageName':'com.x','productId':'p','purchaseTime':@2026-03-01,"
	  "'purchaseState':0,'purchaseToken':'k1','quantity':1,'obfuscatedAccountId':'a'}"},
	 "purchase id=k1 time=2026-03-01 accounts=a app=com.x product=p transaction=GPA.1 "
	 "token=k1 order=GPA.1 purchased=2026-03-01"},
	{PLAY_PLAIN,
	 {"{'productId':'p','purchaseTime':@2026-03-01,'purchaseState':4,'purchaseToken':'k1'}"},
	 "purchase id=k1 time=2026-03-01 product=p transaction=k1 token=k1 pending "
	 "purchased=2026-03-01"},
	{PLAY_PLAIN,
	 {"{'productId':'p','purchaseState':0,'purchaseToken':'k1'}"},
	 "fault: purchaseTime is missing"},
	{PLAY_PLAIN,
	 {"{'productId':'p','purchaseTime':@2026-03-01,'purchaseState':3,'purchaseToken':'k1'}"},
	 "fault: purchaseState is none that is known"},
	/* envelopes that are none */
	{PLAY_PLAIN, {"{}"}, "fault: message is missing"},
	{PLAY_PLAIN, {"{'message':5}"}, "fault: message is no object"},
	{PLAY_PLAIN,
	 {"{'message':{},'purchaseToken':'k1'}"},
	 "fault: message.messageId is missing"},
	{PLAY_PLAIN,
	 {"{'message':{'messageId':true}}"},
	 "fault: messageId is neither a string nor a whole number"},
	{PLAY_PLAIN, {"{'message':{'messageId':'m'}}"}, "fault: message.data is missing"},
	{PLAY_PLAIN,
	 {"{'message':{'messageId':'m','data':'e30'}}"},
	 "fault: message.data is no base64"},
	{PLAY_PLAIN, /* {} */
	 {"{'message':{'messageId':'m','data':'e30='}}"},
	 "fault: eventTimeMillis is missing"},
	{PLAY_PLAIN, /* [] */
	 {"{'message':{'messageId':'m','data':'W10='}}"},
	 "fault: message.data is no JSON object in base64"},
	{PLAY_PLAIN, /* {}} */
	 {"{'message':{'messageId':'m','data':'e319'}}"},
	 "fault: message.data is no JSON object in base64"},
	{PLAY,
	 {"{'eventTimeMillis':5}"},
	 "fault: eventTimeMillis is not between 2008 and 2100 in milliseconds since 1970"},
	{PLAY,
	 {PLAY_NOTE("'voidedPurchaseNotification':{'orderId':'GPA.1'}")},
	 "fault: purchaseToken is missing"},
	{PLAY, {PLAY_VOID(",'productType':'x'")}, "fault: productType is no whole number"},
	/* documents of something else, or that do not say enough */
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB("")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[5]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[{'productId':'p'},{'productId':'q'}]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'lineItems':[{'productId':'p','expiryTime':'2026-04-20T00:00:00Z',"
			   "'autoRenewingPlan':{'autoRenewEnabled':true}},{'productId':'q','expiryTime':"
			   "'2026-04-10T00:00:00Z','autoRenewingPlan':{'autoRenewEnabled':true}}]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[" PLAY_LEFT("") "," PLAY_LEFT("") "]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[" PLAY_LEFT("") ",{'productId':'p'}]")},
	 "fault: lineItems is not of one item: subscriptions with add-ons are not sold here"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'lineItems':[{}]")},
	 "fault: lineItems.productId is missing"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(PLAY_ITEM(",'expiryTime':5"))},
	 "fault: expiryTime is no time of ISO 8601 with a zone"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(PLAY_ITEM(",'autoRenewingPlan':{'autoRenewEnabled':7}"))},
	 "fault: autoRenewEnabled is neither true nor false"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(PLAY_ITEM(",'offerDetails':{'basePlanId':7}"))},
	 "fault: basePlanId is no string"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(PLAY_ITEM(",'offerPhase':{'freeTrial':7}"))},
	 "fault: freeTrial is no object"},
	{PLAY,
	 {PLAY_LINE("4"),
	  PLAY_SUB(",'externalAccountIdentifiers':{'externalAccountId':7}" PLAY_PLAN)},
	 "fault: externalAccountId is no string"},
	{PLAY,
	 {PLAY_LINE("4"), PLAY_SUB(",'startTime':7")},
	 "fault: startTime is no time of ISO 8601 with a zone"},
	{PLAY,
	 {PLAY_THING("1"), PLAY_PRODUCT2(PLAY_STATE("REFUNDED") PLAY_ITEMS)},
	 "fault: purchaseState is none that is known"},
	{PLAY,
	 {PLAY_THING("1"), "{'productId':'p'}"},
	 "fault: purchaseState is none that is known"},
	{PLAY, {PLAY_THING("1"), "{'purchaseState':0}"}, "fault: productId is missing"},
	{PLAY,
	 {PLAY_THING("1"), "{'purchaseState':0,'productId':'p','quantity':0}"},
	 "fault: quantity is not positive"},
	{PLAY,
	 {PLAY_THING("1"), "{'purchaseState':0,'productId':'p','quantity':-1}"},
	 "fault: quantity is not positive"},
	{PLAY,
	 {PLAY_THING("1"), "{'purchaseState':0,'productId':'p','orderId':7}"},
	 "fault: orderId is no string"},
	{PLAY,
	 {PLAY_THING("1"), "{'purchaseState':0,'productId':'p','purchaseToken':'k2'}"},
	 "fault: purchaseToken is another in the document than in the notification"},
	{PLAY,
	 {PLAY_THING("1"), PLAY_PRODUCT2(",'purchaseStateContext':{'purchaseState':1}" PLAY_ITEMS)},
	 "fault: purchaseState is no string"},
	{PLAY,
	 {PLAY_THING("1"), PLAY_PRODUCT2(PLAY_STATE("PURCHASED") ",'productLineItem':[]")},
	 "fault: productLineItem is not of one item"},
	{PLAY,
	 {PLAY_THING("1"),
	  PLAY_PRODUCT2(PLAY_STATE("PURCHASED") ",'productLineItem':[{'productId':'p'},{}]")},
	 "fault: productLineItem is not of one item"},
	{PLAY,
	 {PLAY_THING("1"),
	  PLAY_PRODUCT2(PLAY_STATE("PURCHASED") ",'productLineItem':[{'productId':7}]")},
	 "fault: productId is no string"},
	{PLAY,
	 {PLAY_THING("1"),
	  PLAY_PRODUCT2(PLAY_STATE("PURCHASED") ",'productLineItem':[{'productId':'p',"
											"'productOfferDetails':{'quantity':'many'}}]")},
	 "fault: quantity is no whole number"},
	{PLAY,
	 {PLAY_VOID(",'productType':2"), "{'purchaseToken':'k2'}"},
	 "fault: purchaseToken is another in the document than in the notification"},
	{PLAY,
	 {PLAY_VOID(",'productType':2"), "{'voidedQuantity':'x'}"},
	 "fault: voidedQuantity is no whole number"},
	{PLAY,
	 {PLAY_VOID(",'productType':2"), "{'voidedQuantity':4294967297}"},
	 "fault: voidedQuantity is no quantity"},
	{PLAY,
	 {PLAY_VOID(",'productType':2"), "{'voidedQuantity':-1}"},
	 "fault: voidedQuantity is no quantity"},
	{PLAY,
	 {PLAY_VOID(",'productType':2"), "{}"},
	 "refund id=m time=2026-03-02 app=com.x transaction=GPA.1 original=k1 token=k1 "
	 "order=GPA.1"},

	/* Stripe: the envelope. */
	{STRIPE,
	 {"{'type':'x','created':@2026-03-02,'livemode':true,'data':{'object':{}}}"},
	 "fault: id is missing"},
	{STRIPE,
	 {"{'id':'evt','created':@2026-03-02,'livemode':true,'data':{'object':{}}}"},
	 "fault: type is missing"},
	{STRIPE,
	 {"{'id':'evt','type':'x','livemode':true,'data':{'object':{}}}"},
	 "fault: created is missing"},
	{STRIPE,
	 {"{'id':'evt','type':'x','created':@2026-03-02,'data':{'object':{}}}"},
	 "fault: livemode is missing"},
	{STRIPE,
	 {"{'id':'evt','type':'x','created':@2026-03-02,'livemode':true}"},
	 "fault: data is missing"},
	{STRIPE,
	 {"{'id':'evt','type':'x','created':@2026-03-02,'livemode':true,'data':{}}"},
	 "fault: data.object is missing"},
	{STRIPE,
	 {"{'id':'evt','type':'x','created':@2026-03-02,'livemode':true,'data':{'object':5}}"},
	 "fault: object is no object"},
	{STRIPE,
	 {"{'id':'evt','type':'x','created':1772409600000}"},
	 "fault: created is not between 2008 and 2100 in seconds since 1970"},
	/* another family of types is about nothing; the test mode is the sandbox */
	{STRIPE,
	 {"{'id':'evt','type':'customer.created','created':@2026-03-02,'livemode':false,"
	  "'data':{'object':{'id':'cus_1'}}}"},
	 "nothing sandbox id=evt type=customer.created time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("charge.succeeded", "'id':'ch_1','amount':900")},
	 "nothing id=evt type=charge.succeeded time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice", "'id':'in_1','subscription':'sub_1'")},
	 "nothing id=evt type=invoice time=2026-03-02"},
	{STRIPE, {STRIPE_EVENT("x", "'id':7")}, "fault: id is no string"},
	/* checkouts: an order that is paid, under way, or will never be */
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.completed",
				   "'id':'cs_1','mode':'payment','payment_status':'paid','currency':'eur',"
				   "'amount_total':1190,'client_reference_id':'a','payment_intent':'pi_1',"
				   "'total_details':{'amount_tax':190},"
				   "'metadata':{'user_id':'b','product_id':'p'}")},
	 "checkout id=evt type=checkout.session.completed time=2026-03-02 accounts=a,b product=p "
	 "order=cs_1 payment=pi_1 amount=1190 tax=190 currency=eur purchased=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.completed",
				   "'id':'cs_1','mode':'payment','payment_status':'unpaid'")},
	 "checkout id=evt type=checkout.session.completed time=2026-03-02 order=cs_1 pending "
	 "purchased=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.async_payment_failed",
				   "'id':'cs_1','mode':'payment','payment_status':'unpaid'")},
	 "checkout id=evt type=checkout.session.async_payment_failed time=2026-03-02 order=cs_1 "
	 "canceled purchased=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.expired",
				   "'id':'cs_1','mode':'payment','payment_status':'unpaid'")},
	 "checkout id=evt type=checkout.session.expired time=2026-03-02 order=cs_1 canceled "
	 "purchased=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.async_payment_succeeded",
				   "'id':'cs_1','mode':'payment','payment_status':'paid'")},
	 "fault: data.object.amount_total is missing"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.completed",
				   "'id':'cs_1','mode':'subscription','subscription':'sub_1',"
				   "'client_reference_id':'a'")},
	 "subscription id=evt type=checkout.session.completed time=2026-03-02 accounts=a "
	 "original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.expired", "'id':'cs_1','mode':'subscription'")},
	 "nothing id=evt type=checkout.session.expired time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.completed", "'id':'cs_1','mode':'setup'")},
	 "nothing id=evt type=checkout.session.completed time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("checkout.session.completed", "'mode':'payment'")},
	 "fault: data.object.id is missing"},
	/* payment intents without a session: a failed try may be tried again */
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.succeeded",
				   "'id':'pi_1','amount_received':900,'latest_charge':'ch_1'")},
	 "checkout id=evt type=payment_intent.succeeded time=2026-03-02 payment=pi_1 charge=ch_1 "
	 "amount=900"},
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.canceled", "'id':'pi_1'")},
	 "checkout id=evt type=payment_intent.canceled time=2026-03-02 payment=pi_1 canceled"},
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.payment_failed", "'id':'pi_1'")},
	 "nothing id=evt type=payment_intent.payment_failed time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.succeeded", "'id':'pi_1'")},
	 "fault: data.object.amount_received is missing"},
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.succeeded", "'amount_received':900")},
	 "fault: data.object.id is missing"},
	{STRIPE,
	 {STRIPE_EVENT("payment_intent.canceled", "'amount_received':900")},
	 "fault: data.object.id is missing"},
	/* subscriptions: by status when made, by what changed later */
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.created",
				   "'id':'sub_1','status':'active','cancel_at_period_end':false,"
				   "'metadata':{'user_id':'a'},'items':{'data':[{'current_period_start':"
				   "@2026-03-01,'current_period_end':@2026-04-01,'price':{'id':'price_1',"
				   "'product':'prod_1'}}]}")},
	 "subscription id=evt type=customer.subscription.created subtype=active time=2026-03-02 "
	 "accounts=a product=prod_1 plan=price_1 original=sub_1 start=2026-03-01 end=2026-04-01 "
	 "renew=1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.created",
				   "'id':'sub_1','status':'trialing','current_period_end':@2026-04-01,"
				   "'items':{'data':[{'price':{'id':'price_1','lookup_key':'key',"
				   "'product':{'id':'prod_1'}}},{'price':{'id':'price_2'}}]}")},
	 "subscription id=evt type=customer.subscription.created subtype=trialing time=2026-03-02 "
	 "product=key plan=price_1 original=sub_1 end=2026-04-01 trial"},
	/* what was never paid gives no period, whatever the object names */
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.created",
				   "'id':'sub_1','status':'incomplete','current_period_start':@2026-03-01,"
				   "'current_period_end':@2026-04-01,"
				   "'items':{'data':[{'price':{'id':'price_1'}}]}")},
	 "subscription id=evt type=customer.subscription.created subtype=incomplete "
	 "time=2026-03-02 product=price_1 plan=price_1 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.updated",
				   "'id':'sub_1','status':'incomplete_expired',"
				   "'current_period_end':@2026-04-01")},
	 "subscription id=evt type=customer.subscription.updated time=2026-03-02 original=sub_1"},
	/* nor does the period that began with a charge that failed, whatever changed */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','cancel_at_period_end':false,"
					"'current_period_start':@2026-03-01,'current_period_end':@2026-04-01",
					"'cancel_at_period_end':true")},
	 STRIPE_UPDATED("cancel_at_period_end.false") " renew=1"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'unpaid','items':{'data':[{'current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01}]}",
					"'items':{}")},
	 STRIPE_UPDATED("items")},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.paused",
				   "'id':'sub_1','status':'paused','current_period_end':@2026-04-01")},
	 "subscription id=evt type=customer.subscription.paused time=2026-03-02 original=sub_1"},
	/* the team's own name goes first */
	{STRIPE,
	 {STRIPE_OF("customer.subscription.deleted",
				"'id':'sub_1','status':'canceled','metadata':{'product_id':'p'},"
				"'items':{'data':[{'price':{'id':'price_1','lookup_key':'key'}}]}",
				",'previous_attributes':{'status':'active'}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 product=p "
	 "plan=price_1 original=sub_1"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due'", "'status':'active','items':{}")},
	 STRIPE_UPDATED("status.past_due")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active'", "'status':'incomplete'")},
	 STRIPE_UPDATED("status.active")},
	/* nothing is paid yet when a trial is over: a day of the period at most */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01",
					"'status':'trialing'")},
	 STRIPE_UPDATED("status.active.trial_over") " start=2026-03-01 end=2026-03-02 trial"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active'", "'status':'trialing'")},
	 STRIPE_UPDATED("status.active.trial_over") " end=2026-03-03 trial"},
	/* and no longer than the period */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','current_period_start':@2026-03-01,"
					"'current_period_end':1772326800",
					"'status':'trialing'")},
	 STRIPE_UPDATED(
		 "status.active.trial_over") " start=2026-03-01 end=2026-03-01T01:00:00 trial"},
	/* nor when the next period of a plan begins: in the words of 2025, and in those before */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','items':{'data':[{'price':{'id':'m'},"
					"'current_period_start':@2026-03-01,'current_period_end':@2026-04-01}]}",
					"'latest_invoice':'in','items':{'data':[{'price':{'id':'m'},"
					"'current_period_start':@2026-02-01,'current_period_end':@2026-03-01}]}")},
	 "subscription id=evt type=customer.subscription.updated subtype=current_period "
	 "time=2026-03-02 product=m plan=m original=sub_1 start=2026-03-01 end=2026-03-02"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01",
					"'current_period_end':@2026-03-01")},
	 STRIPE_UPDATED("current_period") " start=2026-03-01 end=2026-03-02"},
	/* another plan, a period that another one takes the place of, a pause, no active one */
	{STRIPE,
	 {STRIPE_UPDATE(
		 "'status':'active','items':{'data':[{'price':{'id':'y'},"
		 "'current_period_start':@2026-03-01,'current_period_end':@2026-04-01}]}",
		 "'items':{'data':[{'price':{'id':'m'},'current_period_end':@2026-03-01}]}")},
	 "subscription id=evt type=customer.subscription.updated subtype=items time=2026-03-02 "
	 "product=y plan=y original=sub_1 start=2026-03-01 end=2026-04-01"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01",
					"'items':{'data':[{'current_period_end':@2026-03-02}]}")},
	 STRIPE_UPDATED("items") " start=2026-03-01 end=2026-04-01"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','pause_collection':{'behavior':'void'},"
					"'current_period_start':@2026-03-01,'current_period_end':@2026-04-01",
					"'items':{'data':[{'current_period_end':@2026-03-01}]}")},
	 STRIPE_UPDATED("items") " start=2026-03-01 end=2026-04-01"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01",
					"'items':{'data':[{'current_period_end':@2026-03-01}]}")},
	 STRIPE_UPDATED("items")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active','current_period_start':@2026-03-01,"
					"'current_period_end':@2026-04-01",
					"'items':{'data':[{'current_period_end':'x'}]}")},
	 STRIPE_UPDATED("items") " start=2026-03-01 end=2026-04-01"},
	/* items that are none name no product */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','items':{'data':{'price':{'id':'x'}}}",
					"'status':''")},
	 STRIPE_UPDATED("status.past_due")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','items':{'data':'{'}", "'status':''")},
	 STRIPE_UPDATED("status.past_due")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','items':{'data':[['price',{'id':'x'}]]}",
					"'status':''")},
	 STRIPE_UPDATED("status.past_due")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','items':{'data':[]}", "'status':''")},
	 STRIPE_UPDATED("status.past_due")},
	/* a type that is nearly one, with nothing behind it */
	{STRIPE,
	 {"{'id':'evt','created':@2026-03-02,'livemode':true,'data':{'object':{'id':'x'}},"
	  "'type':'customer.subscripti'}"},
	 "nothing id=evt type=customer.subscripti time=2026-03-02"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'past_due','current_period_end':@2026-04-01",
					"'status':'trialing'")},
	 STRIPE_UPDATED("status.past_due")},
	{STRIPE,
	 {STRIPE_UPDATE("'pause_collection':{'behavior':'void'}", "'pause_collection':null")},
	 STRIPE_UPDATED("pause_collection.set")},
	{STRIPE,
	 {STRIPE_UPDATE("'pause_collection':null", "'pause_collection':{'behavior':'void'}")},
	 STRIPE_UPDATED("pause_collection.unset")},
	{STRIPE,
	 {STRIPE_UPDATE("'cancel_at_period_end':true", "'cancel_at_period_end':false")},
	 STRIPE_UPDATED("cancel_at_period_end.true") " renew=0"},
	{STRIPE,
	 {STRIPE_UPDATE("'cancel_at_period_end':false", "'cancel_at_period_end':true")},
	 STRIPE_UPDATED("cancel_at_period_end.false") " renew=1"},
	{STRIPE,
	 {STRIPE_UPDATE("'cancel_at_period_end':false,'cancel_at':@2026-05-01",
					"'cancel_at':null")},
	 STRIPE_UPDATED("cancel_at") " renew=0"},
	{STRIPE,
	 {STRIPE_UPDATE("'cancel_at_period_end':false,'cancel_at':null", "'cancel_at':5")},
	 STRIPE_UPDATED("cancel_at.null") " renew=1"},
	{STRIPE, {STRIPE_UPDATE("'status':'active'", "'items':{}")}, STRIPE_UPDATED("items")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active'", "'trial_end':5")},
	 STRIPE_UPDATED("trial_end")},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'active'", "'metadata':{}")},
	 "subscription id=evt type=customer.subscription.updated time=2026-03-02 original=sub_1"},
	/* the status is put into room for 128 bytes: "status." and 120 letters do not fit */
	{STRIPE,
	 {STRIPE_UPDATE("'status':'" LETTERS "'", "'status':'active'")},
	 STRIPE_UPDATED("status." LETTERS)},
	{STRIPE,
	 {STRIPE_UPDATE("'status':'" LETTERS "x'", "'status':'active'")},
	 "subscription id=evt type=customer.subscription.updated time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_UPDATE("'status':null", "'status':'active'")},
	 "subscription id=evt type=customer.subscription.updated time=2026-03-02 original=sub_1"},
	/* lists that hold nothing to read */
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted", "'id':'sub_1','items':{}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted",
				   "'id':'sub_1','items':{'data':{'price':{'id':'price_1'}}}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted", "'id':'sub_1','items':{'data':'{1}'}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted", "'id':'sub_1','items':{'data':[]}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted", "'id':'sub_1','items':{'data':[5]}")},
	 "subscription id=evt type=customer.subscription.deleted time=2026-03-02 original=sub_1"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted",
				   "'id':'sub_1','items':{'data':[{'price':5}]}")},
	 "fault: price is no object"},
	{STRIPE,
	 {STRIPE_EVENT("customer.subscription.deleted",
				   "'id':'sub_1','items':{'data':[{'price':{'id':5}}]}")},
	 "fault: id is no string"},
	/* members within: each that is wrong is told */
	{STRIPE,
	 {STRIPE_EVENT("x", "'parent':{'subscription_details':5}")},
	 "fault: subscription_details is no object"},
	{STRIPE, {STRIPE_EVENT("x", "'metadata':{'user_id':5}")}, "fault: user_id is no string"},
	{STRIPE,
	 {STRIPE_EVENT("x", "'subscription_details':{'subscription':5}")},
	 "fault: subscription is no string"},
	{STRIPE,
	 {STRIPE_EVENT("x", "'subscription_details':{'metadata':{'user_id':5}}")},
	 "fault: user_id is no string"},
	{STRIPE,
	 {STRIPE_EVENT("x", "'total_details':{'amount_tax':'x'}")},
	 "fault: amount_tax is no whole number"},
	{STRIPE,
	 {STRIPE_EVENT("x", "'evidence_details':{'due_by':'x'}")},
	 "fault: due_by is no number of seconds since 1970"},
	/* invoices: one that is paid gives the period of its lines that ends last */
	{STRIPE,
	 {STRIPE_EVENT(
		 "invoice.paid",
		 "'id':'in_1','subscription':'sub_1','billing_reason':'subscription_cycle',"
		 "'amount_paid':900,'currency':'eur','payment_intent':'pi_1','lines':{'data':["
		 "{'period':{'start':@2026-03-01,'end':@2026-03-10}},"
		 "{'period':{'start':@2026-03-02,'end':@2026-04-02}},"
		 "{'period':{'start':@2026-02-01,'end':@2026-03-01}},{}]}")},
	 "subscription id=evt type=invoice.paid subtype=subscription_cycle time=2026-03-02 "
	 "transaction=in_1 original=sub_1 payment=pi_1 invoice=in_1 amount=900 paid=900 "
	 "currency=eur start=2026-03-02 end=2026-04-02"},
	/* from a year to a month: what is left of the year is given back, and is no period */
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid",
				   "'id':'in_1','subscription':'sub_1','billing_reason':'subscription_update',"
				   "'amount_paid':0,'lines':{'data':["
				   "{'amount':-8000,'period':{'start':@2026-03-01,'end':@2027-01-01}},"
				   "{'amount':900,'period':{'start':@2026-03-01,'end':@2026-04-01}}]}")},
	 "subscription id=evt type=invoice.paid subtype=subscription_update time=2026-03-02 "
	 "transaction=in_1 original=sub_1 invoice=in_1 amount=0 start=2026-03-01 end=2026-04-01"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid",
				   "'id':'in_1','amount_paid':0,'billing_reason':'subscription_create',"
				   "'parent':{'subscription_details':{'subscription':'sub_1','metadata':"
				   "{'user_id':'a'}}},'lines':{'data':[{'period':{'start':@2026-03-01,"
				   "'end':@2026-03-08}}]},'payments':{'data':[{'payment':{'payment_intent':"
				   "'pi_1','charge':'ch_1'}},{'payment':{'payment_intent':'pi_2'}}]}")},
	 "subscription id=evt type=invoice.paid subtype=subscription_create time=2026-03-02 "
	 "accounts=a transaction=in_1 original=sub_1 payment=pi_1 charge=ch_1 invoice=in_1 "
	 "amount=0 start=2026-03-01 end=2026-03-08 trial"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'id':'in_1','subscription':'sub_1','amount_paid':0,"
								   "'billing_reason':'subscription_cycle'")},
	 "subscription id=evt type=invoice.paid subtype=subscription_cycle time=2026-03-02 "
	 "transaction=in_1 original=sub_1 invoice=in_1 amount=0"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'id':'in_1','subscription':'sub_1','amount_paid':1,"
								   "'billing_reason':'subscription_create'")},
	 "subscription id=evt type=invoice.paid subtype=subscription_create time=2026-03-02 "
	 "transaction=in_1 original=sub_1 invoice=in_1 amount=1 paid=1"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.payment_failed",
				   "'id':'in_1','subscription':'sub_1','amount_paid':0,"
				   "'billing_reason':'subscription_create','lines':{'data':[{'period':"
				   "{'start':@2026-03-01,'end':@2026-04-01}}]}")},
	 "subscription id=evt type=invoice.payment_failed subtype=subscription_create "
	 "time=2026-03-02 transaction=in_1 original=sub_1 invoice=in_1 amount=0"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'id':'in_1','amount_paid':900")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'lines':{}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'lines':{'data':{'a':1}}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'lines':{'data':[5]}")},
	 "fault: lines.data has an element that is no object"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'lines':{'data':[{'period':5}]}")},
	 "fault: period is no object"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'lines':{'data':[{'period':{'end':5}}]}")},
	 "fault: end is not between 2008 and 2100 in seconds since 1970"},
	{STRIPE, {STRIPE_EVENT("invoice.paid", "'payments':5")}, "fault: payments is no object"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{'data':{'payment':5}}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{'data':[]}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{'data':[5]}")},
	 "nothing id=evt type=invoice.paid time=2026-03-02"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{'data':[{'payment':5}]}")},
	 "fault: payment is no object"},
	{STRIPE,
	 {STRIPE_EVENT("invoice.paid", "'payments':{'data':[{'payment':{'charge':5}}]}")},
	 "fault: charge is no string"},
	/* the member means something else elsewhere */
	{STRIPE,
	 {STRIPE_EVENT("charge.updated", "'id':'ch_1','payments':5")},
	 "nothing id=evt type=charge.updated time=2026-03-02"},
	/* what paid an invoice: the names by which refunds find it */
	{STRIPE,
	 {STRIPE_EVENT("invoice_payment.paid",
				   "'id':'inpay_1','invoice':'in_1','amount_paid':900,"
				   "'payment':{'type':'payment_intent','payment_intent':'pi_1'}")},
	 "payment id=evt type=invoice_payment.paid time=2026-03-02 payment=pi_1 invoice=in_1"},
	{STRIPE,
	 {STRIPE_EVENT("invoice_payment.paid", "'payment':{'payment_intent':'pi_1'}")},
	 "fault: data.object.invoice is missing"},
	{STRIPE,
	 {STRIPE_EVENT("invoice_payment.canceled", "'invoice':'in_1'")},
	 "nothing id=evt type=invoice_payment.canceled time=2026-03-02 invoice=in_1"},
	/* refunds: one by its id, the charge's by their sum, disputes by theirs */
	{STRIPE,
	 {STRIPE_EVENT("refund.created",
				   "'id':'re_1','status':'succeeded','amount':400,'currency':'eur',"
				   "'charge':'ch_1','payment_intent':'pi_1'")},
	 "refund id=evt type=refund.created time=2026-03-02 payment=pi_1 charge=ch_1 refund=re_1 "
	 "amount=400 currency=eur"},
	{STRIPE,
	 {STRIPE_EVENT("charge.refund.updated", "'id':'re_1','status':'pending','amount':400")},
	 "refund id=evt type=charge.refund.updated time=2026-03-02 refund=re_1 amount=400"},
	{STRIPE,
	 {STRIPE_EVENT("refund.failed", "'id':'re_1','status':'failed','amount':400")},
	 "reversal id=evt type=refund.failed subtype=failed time=2026-03-02 refund=re_1 "
	 "amount=400"},
	{STRIPE,
	 {STRIPE_EVENT("refund.updated", "'id':'re_1','status':'canceled','amount':400")},
	 "reversal id=evt type=refund.updated subtype=canceled time=2026-03-02 refund=re_1 "
	 "amount=400"},
	{STRIPE,
	 {STRIPE_EVENT("refund.created", "'amount':400")},
	 "fault: data.object.id is missing"},
	{STRIPE,
	 {STRIPE_EVENT("refund.created", "'id':'re_1'")},
	 "fault: data.object.amount is missing"},
	{STRIPE,
	 {STRIPE_EVENT("charge.refunded",
				   "'id':'ch_1','amount':900,'amount_refunded':400,'payment_intent':'pi_1'")},
	 "refund id=evt type=charge.refunded time=2026-03-02 payment=pi_1 charge=ch_1 "
	 "refund=ch_1 total amount=400 paid=900"},
	{STRIPE,
	 {STRIPE_EVENT("charge.refunded", "'id':'ch_1','amount':900")},
	 "fault: data.object.amount_refunded is missing"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.created",
				   "'id':'dp_1','status':'needs_response','amount':900,'charge':'ch_1',"
				   "'evidence_details':{'due_by':@2026-03-09}")},
	 "review id=evt type=charge.dispute.created time=2026-03-02 charge=ch_1 refund=dp_1 "
	 "dispute amount=900 answer=2026-03-09"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.closed", "'id':'dp_1','status':'lost','amount':900")},
	 "refund id=evt type=charge.dispute.closed subtype=lost time=2026-03-02 refund=dp_1 "
	 "dispute amount=900"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.closed", "'id':'dp_1','status':'won','amount':900")},
	 "reversal id=evt type=charge.dispute.closed subtype=won time=2026-03-02 refund=dp_1 "
	 "dispute amount=900"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.created", "'id':'dp_1','status':'warning_needs_response'")},
	 "nothing id=evt type=charge.dispute.created time=2026-03-02 refund=dp_1 dispute"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.created", "'id':'dp_1','status':'under_review'")},
	 "fault: data.object.amount is missing"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.closed", "'id':'dp_1','status':'lost'")},
	 "fault: data.object.amount is missing"},
	{STRIPE,
	 {STRIPE_EVENT("charge.dispute.created", "'amount':900")},
	 "fault: data.object.id is missing"},

	/* RevenueCat: an event of a line, whose store stays behind it. */
	{CAT,
	 {CAT_EVENT(
		 "INITIAL_PURCHASE",
		 ",'app_user_id':'a','original_app_user_id':'$RCAnonymousID:1',"
		 "'aliases':['a','b','$RCAnonymousID:1'],'app_id':'app1','environment':'SANDBOX',"
		 "'store':'APP_STORE','product_id':'p','period_type':'TRIAL',"
		 "'transaction_id':'t2','original_transaction_id':'t1',"
		 "'purchased_at_ms':@2026-03-01,'expiration_at_ms':@2026-04-01")},
	 "subscription sandbox id=c type=INITIAL_PURCHASE time=2026-03-02 "
	 "accounts=a,$RCAnonymousID:1,b store=APP_STORE app=app1 product=p transaction=t2 "
	 "original=t1 purchased=2026-03-01 start=2026-03-01 end=2026-04-01 trial"},
	{CAT,
	 {CAT_EVENT("BILLING_ISSUE", ",'environment':'PRODUCTION','product_id':'p',"
								 "'transaction_id':12,'period_type':'NORMAL',"
								 "'expiration_at_ms':@2026-03-02,"
								 "'grace_period_expiration_at_ms':@2026-03-18")},
	 "subscription id=c type=BILLING_ISSUE time=2026-03-02 product=p transaction=12 "
	 "original=12 end=2026-03-02 grace=2026-03-18"},
	/* why: a cancellation's reason and an expiration's are the subtype */
	{CAT,
	 {CAT_EVENT("CANCELLATION", ",'product_id':'p','cancel_reason':'UNSUBSCRIBE',"
								"'expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=CANCELLATION subtype=UNSUBSCRIBE time=2026-03-02 product=p "
	 "end=2026-04-01"},
	{CAT,
	 {CAT_EVENT("EXPIRATION", ",'product_id':'p','expiration_reason':'BILLING_ERROR',"
							  "'expiration_at_ms':@2026-03-02")},
	 "subscription id=c type=EXPIRATION subtype=BILLING_ERROR time=2026-03-02 product=p "
	 "end=2026-03-02"},
	/* what has no end was bought once: its refund and the reversal are no subscription's */
	{CAT,
	 {CAT_EVENT("CANCELLATION", ",'product_id':'p','cancel_reason':'CUSTOMER_SUPPORT'")},
	 "refund id=c type=CANCELLATION subtype=CUSTOMER_SUPPORT time=2026-03-02 product=p"},
	{CAT,
	 {CAT_EVENT("CANCELLATION", ",'product_id':'p','cancel_reason':'CUSTOMER_SUPPORT',"
								"'expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=CANCELLATION subtype=CUSTOMER_SUPPORT time=2026-03-02 product=p "
	 "end=2026-04-01"},
	{CAT,
	 {CAT_EVENT("CANCELLATION", ",'product_id':'p','cancel_reason':'CUSTOMER_SUPPORT',"
								"'period_type':'PROMOTIONAL'")},
	 "subscription id=c type=CANCELLATION subtype=CUSTOMER_SUPPORT time=2026-03-02 product=p "
	 "end=ever"},
	{CAT,
	 {CAT_EVENT("CANCELLATION", ",'product_id':'p','cancel_reason':'UNSUBSCRIBE'")},
	 "subscription id=c type=CANCELLATION subtype=UNSUBSCRIBE time=2026-03-02 product=p"},
	{CAT,
	 {CAT_EVENT("REFUND_REVERSED", ",'product_id':'p'")},
	 "reversal id=c type=REFUND_REVERSED time=2026-03-02 product=p"},
	{CAT,
	 {CAT_EVENT("REFUND_REVERSED", ",'product_id':'p','expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=REFUND_REVERSED time=2026-03-02 product=p end=2026-04-01"},
	{CAT,
	 {CAT_EVENT("UNCANCELLATION", ",'product_id':'p','cancel_reason':'CUSTOMER_SUPPORT'")},
	 "subscription id=c type=UNCANCELLATION subtype=CUSTOMER_SUPPORT time=2026-03-02 "
	 "product=p"},
	{CAT,
	 {CAT_EVENT("NON_RENEWING_PURCHASE", ",'product_id':'p','transaction_id':'t1',"
										 "'period_type':'NORMAL'")},
	 "purchase id=c type=NON_RENEWING_PURCHASE time=2026-03-02 product=p transaction=t1 "
	 "original=t1"},
	{CAT,
	 {CAT_EVENT("NON_RENEWING_PURCHASE", ",'product_id':'p','period_type':'NORMAL',"
										 "'expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=NON_RENEWING_PURCHASE subtype=PERIOD time=2026-03-02 product=p "
	 "end=2026-04-01"},
	{CAT,
	 {CAT_EVENT("NON_RENEWING_PURCHASE", ",'product_id':'p','period_type':'PROMOTIONAL',"
										 "'expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=NON_RENEWING_PURCHASE subtype=PROMOTIONAL time=2026-03-02 "
	 "product=p end=2026-04-01"},
	{CAT,
	 {CAT_EVENT("NON_RENEWING_PURCHASE", ",'product_id':'p','period_type':'PROMOTIONAL'")},
	 "subscription id=c type=NON_RENEWING_PURCHASE subtype=PROMOTIONAL time=2026-03-02 "
	 "product=p end=ever"},
	/* a subscription's event without a period is its, not another kind's */
	{CAT,
	 {CAT_EVENT("RENEWAL", ",'original_transaction_id':'t1'")},
	 "subscription id=c type=RENEWAL time=2026-03-02 original=t1"},
	{CAT,
	 {CAT_EVENT("RENEWAL", ",'transaction_id':'t1'")},
	 "subscription id=c type=RENEWAL time=2026-03-02 transaction=t1 original=t1"},
	{CAT,
	 {CAT_EVENT("TEST", ",'app_user_id':'a'")},
	 "nothing id=c type=TEST time=2026-03-02 accounts=a"},
	/* a day at most, as a line that nobody sold, and no payment */
	{CAT,
	 {CAT_EVENT("TEMPORARY_ENTITLEMENT_GRANT",
				",'product_id':'p','store':'APP_STORE','transaction_id':'t1',"
				"'expiration_at_ms':@2026-04-01")},
	 "subscription id=c type=TEMPORARY_ENTITLEMENT_GRANT time=2026-03-02 store=PROMOTIONAL "
	 "product=p transaction=c original=c start=2026-03-02 end=2026-03-03 trial"},
	{CAT,
	 {CAT_EVENT("TEMPORARY_ENTITLEMENT_GRANT",
				",'product_id':'p','expiration_at_ms':1772496000000")},
	 "subscription id=c type=TEMPORARY_ENTITLEMENT_GRANT time=2026-03-02 store=PROMOTIONAL "
	 "product=p transaction=c original=c start=2026-03-02 end=2026-03-03 trial"},
	{CAT,
	 {CAT_EVENT("TEMPORARY_ENTITLEMENT_GRANT",
				",'product_id':'p','expiration_at_ms':1772431200000")},
	 "subscription id=c type=TEMPORARY_ENTITLEMENT_GRANT time=2026-03-02 store=PROMOTIONAL "
	 "product=p transaction=c original=c start=2026-03-02 end=2026-03-02T06:00:00 trial"},
	{CAT,
	 {CAT_EVENT("TEMPORARY_ENTITLEMENT_GRANT", ",'product_id':'p'")},
	 "subscription id=c type=TEMPORARY_ENTITLEMENT_GRANT time=2026-03-02 store=PROMOTIONAL "
	 "product=p transaction=c original=c start=2026-03-02 end=2026-03-03 trial"},
	/* a transfer names two people by all their names, and is the receiving one's */
	{CAT,
	 {CAT_EVENT("TRANSFER", ",'transferred_from':['a','b'],'transferred_to':['c','d'],"
							"'aliases':['e'],'store':'PLAY_STORE'")},
	 "transfer id=c type=TRANSFER time=2026-03-02 accounts=c,d from=a,b store=PLAY_STORE"},
	{CAT,
	 {CAT_EVENT("TRANSFER", ",'transferred_from':[" SIXTEEN "],'transferred_to':['c']")},
	 "transfer id=c type=TRANSFER time=2026-03-02 accounts=c "
	 "from=n01,n02,n03,n04,n05,n06,n07,n08,n09,n10,n11,n12,n13,n14,n15,n16"},
	{CAT,
	 {CAT_EVENT("TRANSFER", ",'transferred_from':[" SIXTEEN ",'n17'],'transferred_to':['c']")},
	 "fault: event.transferred_from has more than 16 elements"},
	{CAT,
	 {CAT_EVENT("TRANSFER", ",'transferred_from':['a'],'transferred_to':[5]")},
	 "fault: event.transferred_to has an element that is no string"},
	{CAT,
	 {CAT_EVENT("RENEWAL", ",'aliases':[" SIXTEEN ",'n17']")},
	 "fault: event.aliases has more than 16 elements"},
	{CAT,
	 {CAT_EVENT("RENEWAL", ",'aliases':['a',null]")},
	 "fault: event.aliases has an element that is no string"},
	/* what is missing */
	{CAT, {"{'api_version':'1.0'}"}, "fault: event is missing"},
	{CAT, {"{'event':5}"}, "fault: event is no object"},
	{CAT, {"{'event':{'id':5}}"}, "fault: id is no string"},
	{CAT,
	 {"{'event':{'type':'TEST','event_timestamp_ms':@2026-03-02}}"},
	 "fault: event.id is missing"},
	{CAT,
	 {"{'event':{'id':'c','event_timestamp_ms':@2026-03-02}}"},
	 "fault: event.type is missing"},
	{CAT, {"{'event':{'id':'c','type':'TEST'}}"}, "fault: event.event_timestamp_ms is missing"},
	{CAT,
	 {CAT_EVENT("TEST", ",'environment':'MARS'")},
	 "fault: event.environment is neither PRODUCTION nor SANDBOX"},
	{CAT,
	 {CAT_EVENT("TEST", ",'expiration_at_ms':1772442000")},
	 "fault: expiration_at_ms is not between 2008 and 2100 in milliseconds since 1970"},
};

/* Bodies. */

/* Seconds since 1970 of a day. */
static int64_t
day_seconds(const char *day)
{
	struct tm tm = {0};

	sscanf(day, "%4d-%2d-%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm);
}

/* The bytes that a part stands for, in memory that ends where they end. */
static JsonSlice
part_write(Reader reader, const char *part)
{
	size_t room = part == NULL ? 0 : strlen(part) * 2 + 1;
	char *written = malloc(room + 1);
	char *bytes;
	size_t n = 0;

	for (const char *p = part; p != NULL && *p != '\0'; p++)
	{
		if (*p == '@' && p[1] >= '0' && p[1] <= '9')
		{
			n += (size_t) sprintf(written + n, "%lld%s", (long long) day_seconds(p + 1),
								  reader == STRIPE ? "" : "000");
			p += strlen("2026-03-01");
		}
		else
			written[n++] = (char) (*p == '\'' ? '"' : *p);
	}
	bytes = malloc(n > 0 ? n : 1);
	memcpy(bytes, written, n);
	free(written);
	return (JsonSlice){bytes, n};
}

/* Pub/Sub's envelope around a notification of Google Play, which it takes. */
static JsonSlice
envelope_write(JsonSlice event)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *body = malloc(event.size * 2 + 100);
	size_t n = (size_t) sprintf(body, "{\"message\":{\"messageId\":\"m\",\"data\":\"");

	for (size_t i = 0; i < event.size; i += 3)
	{
		uint32_t group = 0;

		for (size_t k = i; k < i + 3; k++)
			group = group << 8 | (k < event.size ? (unsigned char) event.bytes[k] : 0);
		for (size_t k = 0; k < 4; k++)
			body[n++] = (char) (i + k > event.size ? '=' : digits[group >> (18 - 6 * k) & 63]);
	}
	n += (size_t) sprintf(body + n, "\"},\"subscription\":\"s\"}");
	free((char *) event.bytes);
	return (JsonSlice){body, n};
}

static bool
case_read(Reader reader, const JsonSlice *parts, char *room, StoreNotice *notice,
		  FieldFault *fault)
{
	switch (reader)
	{
		case APPLE:
			return app_store_read(parts[0], parts[1], parts[2], notice, fault);
		case PLAY:
		case PLAY_PLAIN:
			return google_play_read(parts[0], parts[1], room, notice, fault);
		case STRIPE:
			return stripe_read(parts[0], room, notice, fault);
		default:
			return revenuecat_read(parts[0], notice, fault);
	}
}

/* Notices as lines. */

typedef struct Line
{
	char text[2048];
	size_t size;
} Line;

/* A raw string without its quotes; nothing for an empty one. */
static void
slice_say(Line *line, const char *name, JsonSlice raw)
{
	bool quoted = raw.size >= 2 && raw.bytes[0] == '"';

	if (raw.size > 0)
		line->size += (size_t) snprintf(
			line->text + line->size, sizeof(line->text) - line->size, "%s%.*s", name,
			(int) (quoted ? raw.size - 2 : raw.size), quoted ? raw.bytes + 1 : raw.bytes);
}

static void
number_say(Line *line, const char *name, int64_t number, int64_t silent)
{
	if (number != silent)
		line->size +=
			(size_t) snprintf(line->text + line->size, sizeof(line->text) - line->size,
							  " %s=%lld", name, (long long) number);
}

static void
word_say(Line *line, bool said, const char *word)
{
	if (said)
		line->size += (size_t) snprintf(line->text + line->size,
										sizeof(line->text) - line->size, "%s", word);
}

/* A day, or a day with its time where it is not midnight. */
static void
time_say(Line *line, const char *name, int64_t time)
{
	time_t seconds = (time_t) (time / 1000000 + 946684800);
	struct tm tm;
	char day[64];

	if (time == NOTICE_NO_TIME)
		return;
	if (time == FIELD_FOR_EVER)
		snprintf(day, sizeof(day), "ever");
	else
		strftime(day, sizeof(day), seconds % 86400 == 0 ? "%F" : "%FT%T",
				 gmtime_r(&seconds, &tm));
	word_say(line, true, " ");
	word_say(line, true, name);
	word_say(line, true, day);
}

static void
list_say(Line *line, const char *name, const JsonSlice *slices, int count)
{
	for (int i = 0; i < count; i++)
		slice_say(line, i == 0 ? name : ",", slices[i]);
}

static void
bought_say(Line *line, const StoreNotice *notice)
{
	slice_say(line, " store=", notice->store);
	slice_say(line, " app=", notice->application);
	slice_say(line, " product=", notice->product);
	slice_say(line, " plan=", notice->base_plan);
	slice_say(line, " offer=", notice->offer);
	slice_say(line, " transaction=", notice->transaction);
	slice_say(line, " original=", notice->original_transaction);
	slice_say(line, " token=", notice->token);
	slice_say(line, " linked=", notice->linked_token);
	slice_say(line, " order=", notice->order);
	slice_say(line, " payment=", notice->payment);
	slice_say(line, " charge=", notice->charge);
	slice_say(line, " invoice=", notice->invoice);
	slice_say(line, " refund=", notice->refund);
	word_say(line, notice->refund_kind == NOTICE_REFUND_TOTAL, " total");
	word_say(line, notice->refund_kind == NOTICE_REFUND_DISPUTE, " dispute");
	word_say(line, notice->state == PURCHASE_STATE_PENDING, " pending");
	word_say(line, notice->state == PURCHASE_STATE_CANCELED, " canceled");
	number_say(line, "quantity", notice->quantity, 1);
	number_say(line, "refunded", notice->refunded_quantity, 0);
	number_say(line, "amount", notice->amount, NOTICE_NO_AMOUNT);
	number_say(line, "scale", notice->amount_scale, 1);
	number_say(line, "paid", notice->paid, 0);
	number_say(line, "tax", notice->tax, NOTICE_NO_AMOUNT);
	slice_say(line, " currency=", notice->currency);
}

static void
notice_say(Line *line, const StoreNotice *notice)
{
	static const char *const subjects[] = {"nothing",  "subscription", "purchase",
										   "checkout", "payment",      "refund",
										   "reversal", "review",       "transfer"};

	line->size = 0;
	word_say(line, true, subjects[notice->subject]);
	word_say(line, notice->environment == NOTICE_SANDBOX, " sandbox");
	slice_say(line, " id=", notice->id);
	slice_say(line, " type=", notice->type);
	slice_say(line, " subtype=", notice->subtype);
	time_say(line, "time=", notice->time);
	time_say(line, "signed=", notice->signed_at);
	list_say(line, " accounts=", notice->accounts, notice->naccounts);
	list_say(line, " from=", notice->transferred_from, notice->ntransferred);
	bought_say(line, notice);
	time_say(line, "purchased=", notice->purchased_at);
	time_say(line, "start=", notice->period_start);
	time_say(line, "end=", notice->period_end);
	time_say(line, "grace=", notice->grace_until);
	time_say(line, "revoked=", notice->revoked_at);
	time_say(line, "answer=", notice->answer_until);
	number_say(line, "renew", notice->auto_renew, -1);
	word_say(line, notice->trial, " trial");
	word_say(line, notice->lifetime, " lifetime");
	word_say(line, notice->needs != NULL, " needs=");
	word_say(line, notice->needs != NULL, notice->needs);
}

static void
check_cases(void)
{
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		JsonSlice parts[3];
		FieldFault fault = {NULL, NULL};
		StoreNotice notice;
		Line line;
		char *room;

		for (int k = 0; k < 3; k++)
			parts[k] = part_write(cases[i].reader, cases[i].parts[k]);
		if (cases[i].reader == PLAY)
			parts[0] = envelope_write(parts[0]);
		room = malloc(cases[i].reader == STRIPE ? STRIPE_ROOM : parts[0].size + 1);
		if (case_read(cases[i].reader, parts, room, &notice, &fault))
			notice_say(&line, &notice);
		else
			snprintf(line.text, sizeof(line.text), "fault: %s %s",
					 fault.member == NULL ? "-" : fault.member,
					 fault.fault == NULL ? "-" : fault.fault);
		if (!table_check(strcmp(line.text, cases[i].expected) == 0, "cases", i,
						 cases[i].expected))
			printf("     it is: %s\n", line.text);
		for (int k = 0; k < 3; k++)
			free((char *) parts[k].bytes);
		free(room);
	}
}

/* The tokens within a notification, which are checked before their payloads are read. */

static const struct
{
	const char *body;
	const char *transaction; /* NULL: the body is refused */
	const char *renewal;
} nested[] = {
	{APPLE_NOTE("TEST", ""), "", ""},
	{"{'data':{'signedTransactionInfo':'a.b.c'}}", "a.b.c", ""},
	{"{'data':{'signedRenewalInfo':'d.e.f','signedTransactionInfo':'a.b.c'}}", "a.b.c",
	 "d.e.f"},
	{"{'data':{'signedTransactionInfo':''}}", "", ""},
	{"{'data':{'signedTransactionInfo':5}}", NULL, NULL},
	{"{'data':5}", NULL, NULL},
};

static void
check_nested(void)
{
	for (size_t i = 0; i < LENGTH(nested); i++)
	{
		JsonSlice body = part_write(APPLE, nested[i].body);
		FieldFault fault = {NULL, NULL};
		AppStoreParts parts;
		bool read = app_store_parts(body, &parts, &fault);

		table_check(read == (nested[i].transaction != NULL), "nested", i, nested[i].body);
		if (read && nested[i].transaction != NULL)
			table_check(
				parts.transaction.size == strlen(nested[i].transaction) &&
					parts.renewal.size == strlen(nested[i].renewal) &&
					(parts.transaction.size == 0 ||
					 memcmp(parts.transaction.bytes, nested[i].transaction,
							parts.transaction.size) == 0) &&
					(parts.renewal.size == 0 ||
					 memcmp(parts.renewal.bytes, nested[i].renewal, parts.renewal.size) == 0),
				"nested", i, "the tokens");
		free((char *) body.bytes);
	}
}

/* What a phone has, and what Pub/Sub pushes. */
static void
check_purchase_data(void)
{
	static const struct
	{
		const char *body;
		bool is;
	} bodies[] = {
		{"{'purchaseToken':'k1'}", true},
		{"{'message':{}}", false},
		{"{'message':{},'purchaseToken':'k1'}", false},
		{"{}", false},
	};

	for (size_t i = 0; i < LENGTH(bodies); i++)
	{
		JsonSlice body = part_write(PLAY, bodies[i].body);

		table_check(google_play_is_purchase_data(body) == bodies[i].is, "purchase data", i,
					bodies[i].body);
		free((char *) body.bytes);
	}
}

/* Stripe's header. A signature is 64 digits: here one digit, and its byte, again and again. */

#define HEX8(c)  c c c c c c c c
#define HEX63(c) HEX8(c) HEX8(c) HEX8(c) HEX8(c) HEX8(c) HEX8(c) HEX8(c) c c c c c c c
#define HEX(c)   HEX63(c) c
#define V1(c)    ",v1=" HEX(c)

static const struct
{
	const char *header;
	int64_t seconds;   /* -1: refused */
	const char *time;  /* as it came */
	const char *bytes; /* the first byte of each signature that counts */
} headers[] = {
	{"t=1772442000" V1("0"), 1772442000, "1772442000", "\x00"},
	{"t=1772442000" V1("9"), 1772442000, "1772442000", "\x99"},
	{"t=1772442000" V1("a"), 1772442000, "1772442000", "\xaa"},
	{"t=1772442000" V1("f"), 1772442000, "1772442000", "\xff"},
	{"v1=" HEX("1") ",t=0017", 17, "0017", "\x11"},
	{"t=17" V1("1") V1("2"), 17, "17", "\x11\x22"},
	{"t=17" V1("1") ",v0=" HEX("2") ",v2=" HEX("3"), 17, "17", "\x11"},
	{"t=17" V1("1") V1("2") V1("3") V1("4") V1("5") V1("6") V1("7") V1("8") V1("9"), 17, "17",
	 "\x11\x22\x33\x44\x55\x66\x77\x88"},
	{"t=17,t=18" V1("1"), 18, "18", "\x11"},
	{"t=17" V1("1") ",", 17, "17", "\x11"},
	{",,t=17" V1("1"), 17, "17", "\x11"},
	{"t=123456789012345" V1("1"), INT64_C(123456789012345), "123456789012345", "\x11"},
	{"t=1234567890123456" V1("1"), -1, NULL, NULL},
	/* one that is malformed is passed over beside one that is not */
	{"t=17,v1=" HEX63("1") V1("2"), 17, "17", "\x22"},
	{"t=17,v1=" V1("2"), 17, "17", "\x22"},
	{"", -1, NULL, NULL},
	{"t=17", -1, NULL, NULL},
	{"v1=" HEX("1"), -1, NULL, NULL},
	{"t=" V1("1"), -1, NULL, NULL},
	{"x=17" V1("1"), -1, NULL, NULL},
	{"t=17,w1=" HEX("1"), -1, NULL, NULL},
	{"t=17x" V1("1"), -1, NULL, NULL},
	{"t=17/" V1("1"), -1, NULL, NULL},
	{"t=17:" V1("1"), -1, NULL, NULL},
	{"t=-17" V1("1"), -1, NULL, NULL},
	{"t=17,v1=", -1, NULL, NULL},
	{"t=17,v1=" HEX63("1"), -1, NULL, NULL},
	{"t=17,v1=" HEX("1") "1", -1, NULL, NULL},
	{"t=17,v1=" HEX63("1") "g", -1, NULL, NULL},
	{"t=17,v1=" HEX63("1") "`", -1, NULL, NULL},
	{"t=17,v1=" HEX63("1") "/", -1, NULL, NULL},
	{"t=17,v1=" HEX63("1") ":", -1, NULL, NULL},
	{"t=17,v1=" HEX("A"), -1, NULL, NULL},
};

static void
check_headers(void)
{
	for (size_t i = 0; i < LENGTH(headers); i++)
	{
		JsonSlice header = part_write(PLAY, headers[i].header);
		StripeHeader parts;
		bool read = stripe_header_read(header, &parts);

		table_check(read == (headers[i].seconds >= 0), "headers", i, headers[i].header);
		if (read && headers[i].seconds >= 0)
		{
			/* the byte 0 ends the list, and is the first signature's own at most */
			int count = headers[i].bytes[0] == 0 ? 1 : (int) strlen(headers[i].bytes);

			table_check(parts.seconds == headers[i].seconds, "headers", i, "its time");
			table_check(
				parts.timestamp.size == strlen(headers[i].time) &&
					memcmp(parts.timestamp.bytes, headers[i].time, parts.timestamp.size) == 0,
				"headers", i, "its time as it came");
			table_check(parts.nsignatures == count, "headers", i, "how many");
			for (int k = 0; k < count && k < parts.nsignatures; k++)
				for (int b = 0; b < 32; b++)
					table_check(parts.signatures[k][b] == (unsigned char) headers[i].bytes[k],
								"headers", i, "a byte");
		}
		free((char *) header.bytes);
	}
}

/* Names that are stored, and how long each may be: as long is good, one byte more is too long.
 */
static const struct
{
	const char *fault;
	size_t place;
	size_t most;
} sizes[] = {
	{"id is too long", offsetof(StoreNotice, id), 2048},
	{"type is too long", offsetof(StoreNotice, type), 512},
	{"subtype is too long", offsetof(StoreNotice, subtype), 512},
	{"product is too long", offsetof(StoreNotice, product), 512},
	{"transaction is too long", offsetof(StoreNotice, transaction), 512},
	{"original transaction is too long", offsetof(StoreNotice, original_transaction), 2048},
	{"purchase token is too long", offsetof(StoreNotice, token), 2048},
	{"order or session is too long", offsetof(StoreNotice, order), 512},
	{"payment is too long", offsetof(StoreNotice, payment), 512},
	{"charge is too long", offsetof(StoreNotice, charge), 512},
	{"invoice is too long", offsetof(StoreNotice, invoice), 512},
	{"refund is too long", offsetof(StoreNotice, refund), 512},
	{"account is too long", offsetof(StoreNotice, accounts[1]), 512},
	{"account is too long", offsetof(StoreNotice, transferred_from[1]), 512},
};

static void
check_sizes(void)
{
	for (size_t i = 0; i < LENGTH(sizes); i++)
	{
		StoreNotice notice;
		JsonSlice *name = (JsonSlice *) ((char *) &notice + sizes[i].place);
		const char *fault;

		notice_begin(&notice);
		notice.naccounts = notice.ntransferred = 2;
		name->size = sizes[i].most;
		table_check(notice_too_long(&notice) == NULL, "sizes", i, "the longest");
		name->size++;
		fault = notice_too_long(&notice);
		table_check(fault != NULL && strcmp(fault, sizes[i].fault) == 0, "sizes", i,
					sizes[i].fault);
		/* one that the notice does not count is not looked at */
		notice.naccounts = notice.ntransferred = 1;
		table_check((notice_too_long(&notice) == NULL) ==
						(strcmp(sizes[i].fault, "account is too long") == 0),
					"sizes", i, "how many accounts");
	}
}

/* What a caller of another encoding makes of what stood in base64 is what counts. */
static JsonSlice
other_encoding(JsonSlice decoded)
{
	static const char other[] =
		"{\"packageName\":\"other\",\"eventTimeMillis\":\"1772445600000\"}";

	(void) decoded;
	return (JsonSlice){other, sizeof(other) - 1};
}

static void
check_encoding(void)
{
	static const char event[] = "{\"packageName\":\"p\",\"eventTimeMillis\":\"1772445600000\"}";
	char *copy = malloc(sizeof(event));
	char room[512];
	StoreNotice notice;
	FieldFault fault;
	JsonSlice body;

	memcpy(copy, event, sizeof(event));
	body = envelope_write((JsonSlice){copy, sizeof(event) - 1});
	notice_from_utf8 = other_encoding;
	table_check(google_play_read(body, (JsonSlice){NULL, 0}, room, &notice, &fault) &&
					json_string_is(notice.application, "other"),
				"encoding", 0, "what was converted is read");
	notice_from_utf8 = NULL;
	table_check(google_play_read(body, (JsonSlice){NULL, 0}, room, &notice, &fault) &&
					json_string_is(notice.application, "p"),
				"encoding", 1, "or what was decoded");
	free((char *) body.bytes);
}

int
main(void)
{
	check_cases();
	check_sizes();
	check_encoding();
	check_nested();
	check_purchase_data();
	check_headers();
	return table_end();
}
