// notifications_test.ts: each provider tells of a pack of credits, signed as it signs where it does, four times at
// once, then takes it back; a forger tells, too. Every person ends with what was paid for, counted once.
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import { strict as assert } from "node:assert"
import { createHmac, createSign, generateKeyPairSync } from "node:crypto"
import { Client, Pool } from "pg"
import { appStore, googlePlay, Request, revenueCat, stripe } from "./notifications"

const database = "coursebase_edge"
const role = "coursebase_edge_server"
const app = "org.example.app"
const audience = "https://edge.example.org/play"
const email = "push@example.iam.gserviceaccount.com"
const google = generateKeyPairSync("rsa", { modulusLength: 2048 })
const milliseconds = Date.now()
const seconds = Math.floor(milliseconds / 1000)

type Handler = (request: Request) => Promise<number>

async function main(): Promise<void> {
    const admin = await connected("postgres")
    try {
        await admin.query(`CREATE ROLE ${role} LOGIN BYPASSRLS`)
        await admin.query(`CREATE DATABASE ${database}`)
        await story()
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

async function connected(name: string): Promise<Client> {
    const client = new Client({ database: name })
    await client.connect()
    return client
}

async function story(): Promise<void> {
    const owner = await connected(database)
    const product = await stage(owner)
    const server = new Pool({ database, user: role, max: 16 })
    server.on("error", () => undefined)
    try {
        await playsPacks(server, owner)
        await applesPacks(server, owner)
        await catsPacks(server, owner)
        await stripesSale(server, owner, product)
        const open = await owner.query("SELECT provider, kind, detail FROM coursebase.notifications_waiting")
        assert.deepEqual(open.rows, [], "nothing waits")
        const problems = await owner.query("SELECT * FROM coursebase.check_integrity()")
        assert.deepEqual(problems.rows, [], "check_integrity() finds nothing")
        console.log("ok: four providers")
    } finally {
        await server.end()
        await owner.end()
    }
}

/** The keys of those who sign, a pack of credits for each app store, a product for the web. */
async function stage(owner: Client): Promise<string> {
    await owner.query("CREATE EXTENSION coursebase")
    await owner.query("SELECT coursebase.grant_roles(NULL, NULL, $1)", [role])
    const spki = google.publicKey.export({ type: "spki", format: "pem" })
    for (const [provider, kind, material, id] of [
        ["stripe", "signing_secret", "whsec_edge", ""],
        ["revenuecat", "authorization", "Bearer sesame", ""],
        ["google_play", "push_key", spki, "k1"],
        ["google_play", "push_audience", audience, ""],
        ["google_play", "push_email", email, ""],
        ["google_play", "package_name", app, ""],
    ])
        await owner.query("SELECT coursebase.set_store_key($1, $2, $3, $4)", [provider, kind, material, id])
    for (const sql of [
        `UPDATE coursebase.settings SET value = 'google_play, stripe, revenuecat' WHERE name = 'require_signature'`,
        `INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('edge.pack', 'ai_credits', 100)`,
        `INSERT INTO coursebase.users (clerk_user_id, name, email)
            SELECT n, n, n || '@example.org' FROM unnest(ARRAY['ana', 'ben', 'cas', 'dan']) n`,
        `INSERT INTO coursebase.courses (title, description) VALUES ('Breathing', '')`,
        `SELECT coursebase.save_product(NULL, 'Course', 'One', '/one.png', 49, 'public',
            ARRAY(SELECT id FROM coursebase.courses))`,
    ])
        await owner.query(sql)
    return (await owner.query<{ id: string }>("SELECT id FROM coursebase.products")).rows[0].id
}

/** Told four times at once: all answers are 200. */
async function told(handler: Handler, request: Request): Promise<void> {
    const answers = await Promise.all([1, 2, 3, 4].map(() => handler(request)))
    assert.deepEqual(answers, [200, 200, 200, 200])
}

async function credits(owner: Client, user: string, counts: number): Promise<void> {
    const packs = await owner.query(
        `SELECT coalesce(sum(p.credits - p.claimed_credits), 0)::integer AS credits
         FROM coursebase.ai_credit_purchases p JOIN coursebase.users u ON u.id = p.user_id WHERE u.clerk_user_id = $1`,
        [user]
    )
    assert.equal(packs.rows[0].credits, counts, `the credits of ${user}`)
}

function base64url(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString("base64url")
}

async function playsPacks(server: Pool, owner: Client): Promise<void> {
    const issued = { iss: "https://accounts.google.com", iat: seconds, exp: seconds + 3600 }
    const claims = { ...issued, aud: audience, email, email_verified: true }
    const head = `${base64url({ alg: "RS256", kid: "k1", typ: "JWT" })}.${base64url(claims)}`
    const signature = createSign("sha256").update(head).sign(google.privateKey).toString("base64url")
    const push = (id: string, told: object, authorization = `Bearer ${head}.${signature}`): Request => {
        const notification = { version: "1.0", packageName: app, eventTimeMillis: `${milliseconds}`, ...told }
        const data = Buffer.from(JSON.stringify(notification)).toString("base64")
        return { body: JSON.stringify({ message: { messageId: id, data } }), headers: { authorization } }
    }
    const asked: string[] = []
    const api = async (path: string): Promise<string> => {
        asked.push(path)
        const voided = { purchaseToken: "token", orderId: "GPA.1", voidedQuantity: 1 }
        if (path.includes("voidedpurchases"))
            return JSON.stringify({ voidedPurchases: [{ purchaseToken: "other" }, voided] })
        return JSON.stringify({
            orderId: "GPA.1",
            purchaseStateContext: { purchaseState: "PURCHASED" },
            purchaseCompletionTime: new Date(milliseconds).toISOString(),
            productLineItem: [{ productId: "edge.pack", productOfferDetails: { quantity: 2 } }],
            obfuscatedExternalAccountId: "ana",
        })
    }
    const handler: Handler = (request) => googlePlay(server, request, api)
    const paid = { oneTimeProductNotification: { notificationType: 1, purchaseToken: "token", sku: "edge.pack" } }
    assert.equal(await handler(push("m-0", paid, `Bearer ${head}.${base64url({})}`)), 401, "a forger")
    assert.equal(await handler({ body: "{", headers: push("m-0", paid).headers }), 422, "nothing that can be read")
    await told(handler, push("m-1", paid))
    assert.equal(asked[0], `applications/${app}/purchases/productsv2/tokens/token`)
    await credits(owner, "ana", 200)
    const voided = { purchaseToken: "token", orderId: "GPA.1", productType: 2, refundType: 2 }
    await told(handler, push("m-2", { voidedPurchaseNotification: voided }))
    await credits(owner, "ana", 100)
}

async function applesPacks(server: Pool, owner: Client): Promise<void> {
    const signature = Buffer.alloc(64, 1).toString("base64url")
    const token = (content: object): string => `${base64url({ alg: "ES256" })}.${base64url(content)}.${signature}`
    const ben = await owner.query<{ id: string }>("SELECT id FROM coursebase.users WHERE clerk_user_id = 'ben'")
    const transaction = {
        bundleId: app,
        environment: "Production",
        type: "Consumable",
        transactionId: "1001",
        productId: "edge.pack",
        purchaseDate: milliseconds,
        quantity: 1,
        appAccountToken: ben.rows[0].id,
    }
    const notification = (id: string, notificationType: string): Request => {
        const data = { bundleId: app, environment: "Production", signedTransactionInfo: token(transaction) }
        const told = { notificationType, notificationUUID: id, signedDate: milliseconds, data }
        return { body: JSON.stringify({ signedPayload: token(told) }), headers: {} }
    }
    const handler: Handler = (request) => appStore(server, request)
    await told(handler, notification("n-1", "ONE_TIME_CHARGE"))
    await credits(owner, "ben", 100)
    await told(handler, notification("n-2", "REFUND"))
    await credits(owner, "ben", 0)
    await told(handler, notification("n-3", "REFUND_REVERSED"))
    await credits(owner, "ben", 100)
}

async function catsPacks(server: Pool, owner: Client): Promise<void> {
    const purchase = {
        store: "APP_STORE",
        app_user_id: "cas",
        product_id: "edge.pack",
        transaction_id: "2001",
        purchased_at_ms: milliseconds,
    }
    const event = (id: string, type: string, authorization = "Bearer sesame"): Request => {
        const told = { id, type, event_timestamp_ms: milliseconds, environment: "PRODUCTION", ...purchase }
        return { body: JSON.stringify({ api_version: "1.0", event: told }), headers: { authorization } }
    }
    const handler: Handler = (request) => revenueCat(server, request)
    assert.equal(await handler(event("rc-0", "NON_RENEWING_PURCHASE", "Bearer simsim")), 401, "a forger")
    await told(handler, event("rc-1", "NON_RENEWING_PURCHASE"))
    await credits(owner, "cas", 100)
}

async function stripesSale(server: Pool, owner: Client, product: string): Promise<void> {
    const event = (id: string, type: string, object: object, secret = "whsec_edge"): Request => {
        const envelope = { id, object: "event", created: seconds, livemode: true, pending_webhooks: 1 }
        const body = JSON.stringify({ ...envelope, type, data: { object } })
        const v1 = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")
        return { body, headers: { "stripe-signature": `t=${seconds},v1=${v1}` } }
    }
    const session = {
        id: "cs_1",
        mode: "payment",
        payment_status: "paid",
        amount_total: 4900,
        currency: "eur",
        client_reference_id: "dan",
        metadata: { product_id: product },
        payment_intent: "pi_1",
    }
    const charge = { id: "ch_1", payment_intent: "pi_1", amount: 4900, amount_refunded: 4900, refunded: true }
    const handler: Handler = (request) => stripe(server, request)
    const owned = async (counts: number): Promise<void> => {
        const access = await owner.query("SELECT count(*)::integer AS courses FROM coursebase.user_course_access")
        assert.equal(access.rows[0].courses, counts)
    }
    assert.equal(await handler(event("evt_0", "checkout.session.completed", session, "whsec_other")), 401, "a forger")
    await told(handler, event("evt_1", "checkout.session.completed", session))
    await owned(1)
    await told(handler, event("evt_2", "charge.refunded", { ...charge, currency: "eur" }))
    await owned(0)
}

main().catch((error) => {
    console.error(error)
    process.exitCode = 1
})
