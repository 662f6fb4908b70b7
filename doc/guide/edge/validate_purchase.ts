// validate_purchase.ts: a phone has bought something in its store and wants what it paid for now, without waiting for the store's
// notification. What the phone says counts for nothing: Apple's signature is checked by the database, and Google is asked.
//
// POST, Authorization: Bearer TOKEN, and one of
//   {"source": "app_store", "signed": the transaction's jwsRepresentation (StoreKit 2)}
//   {"source": "google_play", "package": …, "purchase_token": …, "subscription": true for one}
// 200 with the answer of validate_purchase(): {status, message, acknowledged, course | subscription | ai_usage}; 202 while Apple's
// transaction waits for something (detail); 401 for what is not signed by Apple (KB821), 409 for another person's purchase (KB205, other_account),
// 422 for a product that is not in store_products (KB802). The same purchase may be sent again. Environment: that of server.ts,
// and for Google Play that of google.ts.
//
// App Store: before, set_store_key() of root and bundle_id, and app_store in the setting require_signature: a store without keys is
// taken at its word otherwise, and this function answers 503. Google Play in that setting takes notifications alone (KB822).
import { google } from "./google.ts"
import { take } from "./providers.ts"
import type { Taken } from "./providers.ts"
import { ask, askAs, claimsOf, json, objectOf, Refusal, serve } from "./server.ts"

serve("POST", async (request) => {
    const claims = await claimsOf(request)
    const told = await objectOf(request, "source", "signed", "package", "purchase_token")
    const [{ user, required }] = await askAs(claims, (ask) =>
        ask<{ user: string; required: boolean }>(
            `SELECT coursebase.current_user_id() AS user, 'app_store' = ANY (regexp_split_to_array(value, '[\\s,]+')) AS required
             FROM coursebase.settings() WHERE name = 'require_signature'`,
            []
        )
    )
    if (told.source === "google_play" && told.package && told.purchase_token)
        return fromPlay([user, claims.sub], told.package, told.purchase_token, told.subscription === true)
    if (told.source !== "app_store" || !told.signed) throw new Refusal(400, "purchase", "the body names no purchase of a store")
    if (!required) throw new Refusal(503, "require_signature", "the setting require_signature does not name app_store")
    return fromApple(await take(ask, ["app_store", told.signed, undefined, user]))
})

/** What take_notification() answers where validate_purchase() would have raised: the SQLSTATE stands before the detail. */
function fromApple({ outcome, detail, result }: Taken): Response {
    if (outcome === "refused") {
        const [code, ...message] = (detail ?? "").split(" ")
        throw Object.assign(new Error(message.join(" ")), { code: code.replace(/\W/g, "") })
    }
    return result === null ? json({ outcome, detail }, 202) : json(result)
}

/** names: the person's id, and the one in the token. */
async function fromPlay(names: [string, ...unknown[]], application: string, token: string, subscription: boolean): Promise<Response> {
    const purchases = `applications/${encodeURIComponent(application)}/purchases`
    const kind = subscription ? "subscriptionsv2" : "productsv2"
    const document = JSON.parse(await google(`${purchases}/${kind}/tokens/${encodeURIComponent(token)}`))
    const account = document.obfuscatedExternalAccountId ?? document.externalAccountIdentifiers?.obfuscatedExternalAccountId
    if (account && !names.includes(account)) throw new Refusal(409, "other_account", "the purchase names another account")
    const bought = subscription ? subscriptionOf(document, token) : productOf(document)
    const receipt = { ...bought, source: "google_play", purchase_token: token }
    const sql = "SELECT coursebase.validate_purchase($1, $2::json)::text AS answer"
    const [{ answer }] = await ask<{ answer: string }>(sql, [names[0], JSON.stringify(receipt)])
    const { status, acknowledged } = JSON.parse(answer)
    // Google gives the money back after three days unless it hears that the thing was delivered
    if (status === "valid" && !acknowledged) {
        const path = `${subscription ? "subscriptions" : "products"}/${encodeURIComponent(receipt.product_id)}`
        await google(`${purchases}/${path}/tokens/${encodeURIComponent(token)}:acknowledge`, "POST")
        await ask("SELECT coursebase.acknowledge_purchase('google_play', $1, $2)", [receipt.environment, receipt.purchase_id])
    }
    return json(answer)
}

// Google's names of what a receipt says; the values are the database's to read.

interface PlayProduct {
    orderId: string
    purchaseStateContext: { purchaseState: string }
    purchaseCompletionTime: string
    testPurchaseContext?: object
    productLineItem: [{ productId: string; productOfferDetails?: { quantity?: number } }]
}

function productOf(document: PlayProduct) {
    const [line] = document.productLineItem
    return {
        product_id: line.productId,
        environment: document.testPurchaseContext ? "sandbox" : "production",
        purchase_id: document.orderId,
        transaction_date: document.purchaseCompletionTime,
        state: document.purchaseStateContext.purchaseState,
        quantity: line.productOfferDetails?.quantity ?? 1,
    }
}

interface PlaySubscription {
    subscriptionState: string
    latestOrderId: string
    startTime: string
    testPurchase?: object
    linkedPurchaseToken?: string
    lineItems: Array<{
        productId: string
        expiryTime?: string
        latestSuccessfulOrderId?: string
        autoRenewingPlan?: { autoRenewEnabled?: boolean }
        offerDetails?: { basePlanId: string; offerId?: string }
        offerPhase?: { freeTrial?: object }
    }>
}

/** A line of periods is known by its token. */
function subscriptionOf(document: PlaySubscription, token: string) {
    // A change of plan at the end of the period has two: the plan that runs is the one that ends last, and one to come has no end
    const [line] = [...document.lineItems].sort((a, b) => Date.parse(b.expiryTime ?? "1970") - Date.parse(a.expiryTime ?? "1970"))
    return {
        product_id: line.productId,
        environment: document.testPurchase ? "sandbox" : "production",
        purchase_id: line.latestSuccessfulOrderId ?? document.latestOrderId,
        original_transaction_id: token,
        linked_purchase_token: document.linkedPurchaseToken,
        transaction_date: document.startTime,
        period_end: line.expiryTime,
        state: document.subscriptionState === "SUBSCRIPTION_STATE_PENDING" ? "pending" : "paid",
        auto_renew: document.lineItems.some((item) => item.autoRenewingPlan?.autoRenewEnabled),
        // A trial is no payment: nobody's referrer is paid for it
        is_trial: line.offerPhase?.freeTrial !== undefined,
        base_plan_id: line.offerDetails?.basePlanId,
        offer_id: line.offerDetails?.offerId,
    }
}
