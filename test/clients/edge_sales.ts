// edge_sales.ts: the stores and Stripe tell notifications.ts what happened, and buyers' browsers come back to checkout.ts: each
// telling 40 times at once or by both ways, forged ones between; whoever paid has what was paid for, once.
import { strict as assert } from "node:assert"
import { appleToken, application, Answer, pushToken, refused, Running, statuses, stripeHeader, Story, times } from "./edge_runtime"

const at = Date.now()
const buyers = 12

type Told = { body: string; headers: Record<string, string> }

function tell(to: Running, provider: string, told: Told): Promise<Answer> {
    return to.call(`/notifications/${provider}`, { method: "POST", ...told })
}

/** Told 40 times at once: each time it is taken, once it takes effect. */
async function told(to: Running, provider: string, message: Told): Promise<void> {
    const answers = await times(40, () => tell(to, provider, message))
    for (const answer of answers) assert.deepEqual([answer.status, answer.body], [200, { outcome: "applied" }], answer.text)
}

async function person(story: Story, name: string): Promise<string> {
    const sql = "INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ($1, $2, $1 || '@example.org') RETURNING id"
    return (await story.owner.query(sql, [`${story.name}-${name}`, name])).rows[0].id
}

async function credits(story: Story, user: string, expected: number): Promise<void> {
    const sql = "SELECT coalesce(sum(credits - claimed_credits), 0)::integer AS credits FROM coursebase.ai_credit_purchases WHERE user_id = $1"
    assert.equal((await story.owner.query(sql, [user])).rows[0].credits, expected)
}

async function courses(story: Story, user: string, expected: number): Promise<void> {
    const sql = "SELECT count(*)::integer AS courses FROM coursebase.user_course_access WHERE user_id = $1"
    assert.equal((await story.owner.query(sql, [user])).rows[0].courses, expected)
}

export async function salesStory(story: Story, levels: string[]): Promise<void> {
    const { calls } = story
    await calls.call("notifications: Google Play, 40 times at once, and forged", () => playsPacks(story))
    await calls.call("notifications: App Store, 40 times at once, and forged", () => applesPacks(story))
    await calls.call("notifications: RevenueCat, 40 times at once, and forged", () => catsPacks(story))
    await calls.call("notifications: Stripe, 40 times at once, and forged", () => stripesSale(story))
    await calls.call("notifications: who is no provider", async () => {
        const to = story.run("notifications")
        refused(await tell(to, "constructor", { body: "{}", headers: {} }), 404, "provider")
        refused(await tell(to, "stripe", { body: "{", headers: { "stripe-signature": stripeHeader("{") } }), 422, "KB824")
    })
    for (const level of levels) await calls.call(`checkout: ${level}, browser and webhook at once`, () => checkouts(story, level))
    await calls.call("checkout: sessions that are not as they should be", () => oddSessions(story))
}

async function playsPacks(story: Story): Promise<void> {
    const to = story.run("notifications")
    const user = await person(story, "ana")
    const token = `ana-${story.name}`
    const order = `GPA.${token}`
    const push = (id: string, what: object, authorization = pushToken()): Told => {
        const data = Buffer.from(JSON.stringify({ version: "1.0", packageName: application, eventTimeMillis: `${at}`, ...what })).toString("base64")
        return { body: JSON.stringify({ message: { messageId: `${id}-${story.name}`, data } }), headers: { authorization } }
    }
    const purchases = `/applications/${application}/purchases`
    story.stores.documents.set(`${purchases}/productsv2/tokens/${token}`, {
        orderId: order,
        purchaseStateContext: { purchaseState: "PURCHASED" },
        purchaseCompletionTime: new Date(at).toISOString(),
        productLineItem: [{ productId: "edge.pack", productOfferDetails: { quantity: 2 } }],
        obfuscatedExternalAccountId: `${story.name}-ana`,
    })
    story.stores.documents.set(`${purchases}/voidedpurchases`, {
        voidedPurchases: [{ purchaseToken: "other" }, { purchaseToken: token, orderId: order, voidedQuantity: 1 }],
    })
    const paid = { oneTimeProductNotification: { notificationType: 1, purchaseToken: token, sku: "edge.pack" } }
    refused(await tell(to, "google_play", push("m-0", paid, pushToken(false))), 401, "KB821")
    refused(await tell(to, "google_play", { body: "{", headers: { authorization: pushToken() } }), 422, "KB824")
    await told(to, "google_play", push("m-1", paid))
    await credits(story, user, 200)
    await told(to, "google_play", push("m-2", { voidedPurchaseNotification: { purchaseToken: token, orderId: order, productType: 2, refundType: 2 } }))
    await credits(story, user, 100)
}

async function applesPacks(story: Story): Promise<void> {
    const to = story.run("notifications")
    const user = await person(story, "ben")
    const common = { environment: "Production", signedDate: at, bundleId: application }
    const id = `ben-${story.name}`
    const transaction = {
        ...common,
        type: "Consumable",
        transactionId: id,
        originalTransactionId: id,
        productId: "edge.pack",
        purchaseDate: at,
        quantity: 1,
        appAccountToken: user,
    }
    const notification = (n: string, notificationType: string): Told => {
        const data = { bundleId: application, environment: "Production", signedTransactionInfo: appleToken(transaction, story.apple) }
        const content = { notificationType, notificationUUID: `${n}-${story.name}`, signedDate: at, data }
        return { body: JSON.stringify({ signedPayload: appleToken(content, story.apple) }), headers: {} }
    }
    const forged = notification("n-0", "ONE_TIME_CHARGE")
    forged.body = forged.body.replace(/.....("})$/, "AAAAA$1")
    refused(await tell(to, "app_store", forged), 401, "KB821")
    await told(to, "app_store", notification("n-1", "ONE_TIME_CHARGE"))
    await credits(story, user, 100)
    await told(to, "app_store", notification("n-2", "REFUND"))
    await credits(story, user, 0)
    await told(to, "app_store", notification("n-3", "REFUND_REVERSED"))
    await credits(story, user, 100)
}

async function catsPacks(story: Story): Promise<void> {
    const to = story.run("notifications")
    const user = await person(story, "cas")
    const event = (n: string, authorization = "Bearer sesame"): Told => ({
        body: JSON.stringify({
            api_version: "1.0",
            event: {
                id: `${n}-${story.name}`,
                type: "NON_RENEWING_PURCHASE",
                event_timestamp_ms: at,
                environment: "PRODUCTION",
                store: "APP_STORE",
                app_user_id: `${story.name}-cas`,
                product_id: "edge.pack",
                transaction_id: `cas-${story.name}`,
                purchased_at_ms: at,
            },
        }),
        headers: { authorization },
    })
    refused(await tell(to, "revenuecat", event("rc-0", "Bearer simsim")), 401, "KB821")
    await told(to, "revenuecat", event("rc-1"))
    await credits(story, user, 100)
}

/** What Stripe's webhook says of an object. */
function stripeEvent(id: string, type: string, object: object, by?: string): Told {
    const envelope = { id, object: "event", created: Math.floor(at / 1000), livemode: true, pending_webhooks: 1 }
    const body = JSON.stringify({ ...envelope, type, data: { object } })
    return { body, headers: { "stripe-signature": stripeHeader(body, by) } }
}

function sessionOf(id: string, user: string, product: string, change: object = {}) {
    return {
        id,
        mode: "payment",
        payment_status: "paid",
        amount_total: 4900,
        currency: "eur",
        client_reference_id: user,
        metadata: { product_id: product },
        payment_intent: `pi_${id}`,
        ...change,
    }
}

/** A product of its own, of two courses. */
async function productOf(story: Story, name: string): Promise<string> {
    const sql = `WITH made AS (INSERT INTO coursebase.courses (title, description) VALUES ($1 || ' 1', ''), ($1 || ' 2', '') RETURNING id)
        SELECT coursebase.save_product(NULL, $1, 'Two courses', '/two.png', 49, 'private', ARRAY(SELECT id FROM made)) AS id`
    return (await story.owner.query(sql, [`${name} ${story.name}`])).rows[0].id
}

async function stripesSale(story: Story): Promise<void> {
    const to = story.run("notifications")
    const user = await person(story, "dan")
    const session = sessionOf(`cs_dan_${story.name}`, user, await productOf(story, "Dan's"))
    const event = (n: string, type: string, object: object, by?: string) => stripeEvent(`evt_${n}_${story.name}`, type, object, by)
    refused(await tell(to, "stripe", event("0", "checkout.session.completed", session, "whsec_other")), 401, "KB821")
    await told(to, "stripe", event("1", "checkout.session.completed", session))
    await courses(story, user, 2)
    const charge = { id: `ch_${story.name}`, payment_intent: session.payment_intent, amount: 4900, amount_refunded: 4900, refunded: true, currency: "eur" }
    await told(to, "stripe", event("2", "charge.refunded", charge))
    await courses(story, user, 0)
}

/** Each of twelve sessions is told by two returns and two webhooks at once; then refunded, while the browser comes back once more. */
async function checkouts(story: Story, level: string): Promise<void> {
    const page = story.run("checkout", level)
    const hook = story.run("notifications", level)
    const of = `${level.replace(" ", "_")}_${story.name}`
    const product = await productOf(story, level)
    const users = await times(buyers, (n) => person(story, `${level} ${n}`))
    const sessions = users.map((user, n) => sessionOf(`cs_${n}_${of}`, user, product))
    for (const session of sessions) story.stores.documents.set(`/v1/checkout/sessions/${session.id}`, session)
    const back = (id: string) => page.call(`/checkout?session_id=${id}`)

    await Promise.all(
        sessions.map(async (session) => {
            const event = stripeEvent(`evt_${session.id}`, "checkout.session.completed", session)
            const answers = await Promise.all([back(session.id), tell(hook, "stripe", event), tell(hook, "stripe", event), back(session.id)])
            assert.deepEqual(statuses(answers), [200, 200, 303, 303], answers.map(({ text }) => text).join())
            assert.equal(answers[0].headers.get("location"), "https://app.example.org/purchases")
            assert.deepEqual(answers[1].body, { outcome: "applied" })
        })
    )
    const sold = `SELECT count(*)::integer AS purchases, count(DISTINCT user_id)::integer AS buyers, sum(refunded_in_cents)::integer AS refunded,
            (SELECT count(*)::integer FROM coursebase.user_course_access a WHERE a.user_id = ANY ($2)) AS access
        FROM coursebase.purchases WHERE product_id = $1`
    const values = [product, users]
    assert.deepEqual((await story.owner.query(sold, values)).rows[0], { purchases: buyers, buyers, refunded: 0, access: 2 * buyers })

    await Promise.all(
        sessions.map(async (session) => {
            const charge = { id: `ch_${session.id}`, payment_intent: session.payment_intent, amount: 4900, amount_refunded: 4900, refunded: true, currency: "eur" }
            const event = stripeEvent(`evt_r_${session.id}`, "charge.refunded", charge)
            const answers = await Promise.all([tell(hook, "stripe", event), back(session.id), tell(hook, "stripe", event)])
            assert.deepEqual(statuses(answers), [200, 200, 303], answers.map(({ text }) => text).join())
        })
    )
    assert.equal((await back(sessions[0].id)).headers.get("location"), "https://app.example.org/purchase-failure")
    const given = { purchases: buyers, buyers, refunded: 4900 * buyers, access: 0 }
    assert.deepEqual((await story.owner.query(sold, values)).rows[0], given)
}

async function oddSessions(story: Story): Promise<void> {
    const page = story.run("checkout")
    const user = await person(story, "eva")
    const other = await person(story, "fay")
    const product = await productOf(story, "Eva's")
    const back = (id: string, session?: object) => {
        if (session !== undefined) story.stores.documents.set(`/v1/checkout/sessions/${id}`, session)
        return page.call(`/checkout?session_id=${id}`)
    }
    const id = `cs_eva_${story.name}`
    const unpaid = await back(id, sessionOf(id, user, product, { payment_status: "unpaid" }))
    assert.deepEqual([unpaid.status, unpaid.headers.get("location")], [303, "https://app.example.org/purchase-failure"])
    await courses(story, user, 0)
    assert.equal((await back(id, sessionOf(id, user, product))).headers.get("location"), "https://app.example.org/purchases")
    await courses(story, user, 2)
    refused(await back(id, sessionOf(id, other, product)), 409, "KB902")
    refused(await back(`${id}_2`, sessionOf(`${id}_2`, user, user)), 404, "KB106")
    refused(await back(`${id}_3`), 404, "not_found")
    refused(await back("../../"), 404, "not_found")
    refused(await back(`${id}_4`, sessionOf(`${id}_4`, user, product, { client_reference_id: null })), 400, "22004")

    // Stripe's word is taken only signed: the browser is sent on, and the webhook makes the purchase
    await story.owner.query("UPDATE coursebase.settings SET value = 'app_store, stripe' WHERE name = 'require_signature'")
    const signed = sessionOf(`${id}_5`, other, product)
    assert.equal((await back(signed.id, signed)).headers.get("location"), "https://app.example.org/purchases")
    await courses(story, other, 0)
    await told(story.run("notifications"), "stripe", stripeEvent(`evt_${signed.id}`, "checkout.session.completed", signed))
    await courses(story, other, 2)
    await story.owner.query("UPDATE coursebase.settings SET value = 'app_store' WHERE name = 'require_signature'")
}
