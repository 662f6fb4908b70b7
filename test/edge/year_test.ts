// year_test.ts: a year of one customer of App Store, of Google Play, of Stripe and of RevenueCat: a trial, renewals, a
// price that rises, charges that fail, cancellation, return, refund and its reversal, an upgrade, credits, a course.
// providers.ts of doc/guide/edge gets what each provider sends, lost and sent again, doubled, out of order, and forged between; each
// day an oracle (what was told to be paid for and was not given back) and the database agree.
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles; STORE is the program that
// makes a chain of certificates as Apple's; SEED is the number of the year (1): another number, another year.
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { createHmac, createSign, generateKeyPairSync } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import { Client, Pool } from "pg"
import { appStore, AskTaken, googlePlay, revenueCat, stripe, Taken } from "./providers"
import { run } from "./run"

const database = "coursebase_year"
const role = "coursebase_year_server"
const app = "org.example.app"
const audience = "https://edge.example.org/play"
const email = "push@example.iam.gserviceaccount.com"
const authorization = "Bearer sesame"
const hour = 3600 * 1000
const day = 24 * hour
const first = Date.UTC(2025, 0, 1)

const seed = Number(process.env.SEED ?? 1)
let state = seed
/** A number from 0 up to 1 (mulberry32). */
function random(): number {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

function between(from: number, until: number): number {
    return Math.floor((from + random() * (until - from)) / 1000) * 1000
}

/** What was paid for, from when until when; told, back and again: since when we know of it, of its refund, of that
 *  one's reversal. */
interface Span {
    id: string
    from: number
    until: number
    told: number
    back: number
    again: number
}

type Kind =
    | "start"
    | "renew"
    | "price"
    | "fail"
    | "hold"
    | "recover"
    | "cancel"
    | "expire"
    | "return"
    | "refund"
    | "reverse"
    | "upgrade"
    | "pack"
    | "packRefund"
    | "packReverse"
    | "course"
    | "courseRefund"
    | "courseReverse"

/** What happens at a time: to the span, and to the one that it is about instead of or beside it. */
interface Step {
    kind: Kind
    at: number
    span: Span
    /** the payment that fails or that an upgrade replaces */
    of?: Span
}

/** What a provider sends about a step. Its document, if it has one, is fetched when the message is taken. */
interface Message {
    step: Step
    /** the member of the step's span that it tells, since when it is told */
    tells?: "told" | "back" | "again"
    body: string
    document?: (now: number) => string
}

interface Provider {
    name: string
    /** whether a subscription's refund may be taken back */
    reverses: boolean
    /** whether it sells credits */
    packs: boolean
    messages(life: Step[], user: string): Message[]
    take(server: AskTaken, message: Message, forged: boolean, now: number): Promise<Taken>
}

interface Customer {
    user: string
    provider: Provider
    life: Step[]
    messages: Message[]
}

// The life

function span(id: string, from: number, until: number): Span {
    return { id, from, until, told: Infinity, back: Infinity, again: Infinity }
}

/** The year of a customer, the same for all providers but for what a provider cannot do. */
function life(user: string, provider: Provider): Step[] {
    const steps: Step[] = []
    let count = 0
    const add = (kind: Kind, at: number, about: Span, of?: Span): Span => {
        steps.push({ kind, at, span: about, of })
        return about
    }
    const pay = (kind: Kind, at: number, days: number, of?: Span): Span =>
        add(kind, at, span(`${user}-${++count}`, at, at + days * day), of)
    let paid = pay("start", between(first + 5 * day, first + 15 * day), 7)
    paid = pay("renew", paid.until, 30)
    add("price", between(paid.from + day, paid.until - day), paid)
    paid = pay("renew", paid.until, 30)
    // a charge that fails, and is made up for while a grace lasts; then one for which it is not
    add("fail", paid.until, span(`${user}-grace-1`, paid.until, paid.until + 6 * day), paid)
    paid = pay("recover", between(paid.until + hour, paid.until + 5 * day), 30)
    add("fail", paid.until, span(`${user}-grace-2`, paid.until, paid.until + 6 * day), paid)
    add("hold", paid.until + 6 * day, paid)
    paid = pay("recover", between(paid.until + 7 * day, paid.until + 12 * day), 30)
    add("cancel", between(paid.from + day, paid.until - day), paid)
    add("expire", paid.until, paid)
    const earlier = pay("return", between(paid.until + 4 * day, paid.until + 15 * day), 30)
    paid = pay("renew", earlier.until, 30)
    const refund = between(paid.from + 5 * day, paid.from + 10 * day)
    add("refund", refund, paid)
    if (provider.reverses) add("reverse", between(refund + 4 * day, refund + 8 * day), paid)
    paid = provider.reverses
        ? pay("renew", paid.until, 30)
        : pay("return", between(refund + 4 * day, refund + 8 * day), 30)
    paid = pay("upgrade", between(paid.from + 5 * day, paid.until - 5 * day), 30, paid)
    add("refund", between(paid.from + 5 * day, paid.until - 5 * day), earlier)
    paid = pay("renew", paid.until, 30)
    add("cancel", between(paid.from + day, paid.until - day), paid)
    add("expire", paid.until, paid)
    for (const kind of provider.packs ? (["pack", "course"] as const) : (["course"] as const)) {
        const thing = add(kind, between(first + 20 * day, first + 120 * day), span(`${user}-${kind}`, 0, Infinity))
        const back = between(first + 140 * day, first + 240 * day)
        add(`${kind}Refund`, back, thing)
        if (provider.reverses && random() < 0.5) add(`${kind}Reverse`, between(back + 4 * day, back + 40 * day), thing)
    }
    return steps.sort((a, b) => a.at - b.at)
}

/** Whether somebody has what any of the spans gives, by what is known at that time. */
function holds(spans: Span[], at: number): boolean {
    const back = (paid: Span): boolean => paid.back <= at && paid.again > at
    return spans.some((paid) => paid.told <= at && paid.from <= at && at < paid.until && !back(paid))
}

function spansOf(customer: Customer, kind: "premium" | "pack" | "course"): Span[] {
    const spans = customer.life.map((step) => step.span)
    const of = (about: Span): string => (/-(pack|course)$/.exec(about.id) ?? ["", "premium"])[1]
    return [...new Set(spans)].filter((about) => of(about) === kind)
}

/** What the kind of a step tells of its span. */
function telling(kind: Kind): "told" | "back" | "again" | undefined {
    if (["refund", "packRefund", "courseRefund"].includes(kind)) return "back"
    if (["reverse", "packReverse", "courseReverse"].includes(kind)) return "again"
    return ["price", "hold", "cancel", "expire"].includes(kind) ? undefined : "told"
}

// App Store

function base64url(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString("base64url")
}

interface Chain {
    root: string
    key: string
    x5c: string[]
}

function chain(name: string): Chain {
    const years = ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"]
    return JSON.parse(execFileSync(process.env.STORE ?? "store", ["chain", name, ...years], { encoding: "utf8" }))
}

const apple = chain("apple")
const forger = chain("forger")

function appleToken(content: object, by: Chain): string {
    const signed = `${base64url({ alg: "ES256", x5c: by.x5c })}.${base64url(content)}`
    const key = { key: by.key, dsaEncoding: "ieee-p1363" as const }
    return `${signed}.${createSign("sha256").update(signed).sign(key).toString("base64url")}`
}

const appleTypes: Record<Kind, string> = {
    start: "SUBSCRIBED/INITIAL_BUY",
    renew: "DID_RENEW",
    price: "PRICE_INCREASE/ACCEPTED",
    fail: "DID_FAIL_TO_RENEW/GRACE_PERIOD",
    hold: "GRACE_PERIOD_EXPIRED",
    recover: "DID_RENEW/BILLING_RECOVERY",
    cancel: "DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED",
    expire: "EXPIRED/VOLUNTARY",
    return: "SUBSCRIBED/RESUBSCRIBE",
    refund: "REFUND",
    reverse: "REFUND_REVERSED",
    upgrade: "DID_CHANGE_RENEWAL_PREF/UPGRADE",
    pack: "ONE_TIME_CHARGE",
    packRefund: "REFUND",
    packReverse: "REFUND_REVERSED",
    course: "ONE_TIME_CHARGE",
    courseRefund: "REFUND",
    courseReverse: "REFUND_REVERSED",
}

/** The words of a provider for what is sold. */
function product(step: Step): string {
    if (step.kind.startsWith("pack")) return "year.pack"
    return step.kind.startsWith("course") ? "year.course" : "year.premium"
}

const appStoreProvider: Provider = {
    name: "app_store",
    reverses: true,
    packs: true,
    messages: (steps, user) =>
        steps.map((step, n) => {
            const [notificationType, subtype] = appleTypes[step.kind].split("/")
            const paid = step.kind === "fail" ? (step.of as Span) : step.span
            const once = step.kind.startsWith("pack") || step.kind.startsWith("course")
            const common = {
                environment: "Production",
                signedDate: step.at,
                originalTransactionId: once ? paid.id : `${user}-1`,
            }
            const transaction = {
                ...common,
                bundleId: app,
                transactionId: paid.id,
                productId: product(step),
                quantity: 1,
                appAccountToken: user,
                type: once
                    ? step.kind.startsWith("pack")
                        ? "Consumable"
                        : "Non-Consumable"
                    : "Auto-Renewable Subscription",
                purchaseDate: once ? step.at : paid.from,
                ...(once ? {} : { expiresDate: paid.until }),
                ...(paid.id === `${user}-1` ? { offerDiscountType: "FREE_TRIAL" } : {}),
                ...(notificationType === "REFUND" ? { revocationDate: step.at } : {}),
            }
            const renewal = {
                ...common,
                autoRenewStatus: step.kind === "cancel" || step.kind === "expire" ? 0 : 1,
                ...(step.kind === "fail" ? { gracePeriodExpiresDate: step.span.until } : {}),
            }
            const told = {
                notificationType,
                ...(subtype ? { subtype } : {}),
                notificationUUID: `${user}-n${n}`,
                signedDate: step.at,
            }
            return { step, tells: telling(step.kind), body: JSON.stringify([told, transaction, once ? null : renewal]) }
        }),
    take: (server, message, forged) => {
        const [told, transaction, renewal] = JSON.parse(message.body)
        const by = forged ? forger : apple
        // the forger hides behind a notification whose own signature is genuine
        const data = {
            bundleId: app,
            environment: "Production",
            signedTransactionInfo: appleToken(transaction, by),
            ...(renewal ? { signedRenewalInfo: appleToken(renewal, apple) } : {}),
        }
        return appStore(server, {
            body: JSON.stringify({ signedPayload: appleToken({ ...told, data }, apple) }),
            headers: {},
        })
    },
}

// Google Play

const google = generateKeyPairSync("rsa", { modulusLength: 2048 })
const seconds = Math.floor(Date.now() / 1000)

function pushToken(genuine: boolean): string {
    const claims = {
        iss: "https://accounts.google.com",
        iat: seconds,
        exp: seconds + 3600,
        aud: audience,
        email,
        email_verified: true,
    }
    const signed = `${base64url({ alg: "RS256", kid: "k1", typ: "JWT" })}.${base64url(claims)}`
    const signature = createSign("sha256").update(signed).sign(google.privateKey).toString("base64url")
    return `Bearer ${signed}.${genuine ? signature : base64url({ n: seconds })}`
}

const playTypes: Partial<Record<Kind, number>> = {
    start: 4,
    renew: 2,
    price: 8,
    fail: 6,
    hold: 5,
    recover: 1,
    cancel: 3,
    expire: 13,
    return: 4,
    refund: 12,
    upgrade: 4,
}

/** A purchase token lasts until the customer comes back or changes the plan. */
function tokens(steps: Step[]): Map<Span, string> {
    const names = new Map<Span, string>()
    let token = ""
    for (const step of steps) {
        if (["start", "return", "upgrade"].includes(step.kind)) token = `token-${step.span.id}`
        if (!names.has(step.span)) names.set(step.span, token)
    }
    return names
}

/** purchases.subscriptionsv2 of the token as it is now. */
function playDocument(steps: Step[], user: string, token: string, now: number): string {
    const names = tokens(steps)
    const past = steps.filter(
        (step) => step.at <= now && names.get(step.span) === token && product(step) === "year.premium"
    )
    const paid = past.filter((step) => telling(step.kind) === "told" && step.kind !== "fail").map((step) => step.span)
    const last = paid[paid.length - 1]
    const about = past.filter((step) => step.at >= last.from && (step.span === last || step.of === last))
    const has = (kind: Kind): Step | undefined => about.find((step) => step.kind === kind)
    const failed = has("fail")
    const grace = failed !== undefined && now < failed.span.until
    const ended = has("refund")
    const upgrade = steps.find((step) => step.kind === "upgrade" && step.span === paid[0])
    const expires = grace ? failed.span.until : ended ? ended.at : last.until
    return JSON.stringify({
        subscriptionState: grace ? "SUBSCRIPTION_STATE_IN_GRACE_PERIOD" : "SUBSCRIPTION_STATE_ACTIVE",
        startTime: new Date(paid[0].from).toISOString(),
        ...(upgrade ? { linkedPurchaseToken: names.get(upgrade.of as Span) } : {}),
        externalAccountIdentifiers: { obfuscatedExternalAccountId: user },
        lineItems: [
            {
                productId: "year.premium",
                latestSuccessfulOrderId: last.id,
                expiryTime: new Date(expires).toISOString(),
                autoRenewingPlan: has("cancel") || ended ? {} : { autoRenewEnabled: true },
                ...(last.id === `${user}-1` ? { offerPhase: { freeTrial: {} } } : {}),
            },
        ],
    })
}

function playMessage(step: Step, steps: Step[], user: string): [object, Message["document"]] {
    const { id } = step.span
    const type = playTypes[step.kind]
    if (step.kind === "pack" || step.kind === "course")
        return [
            { oneTimeProductNotification: { notificationType: 1, purchaseToken: `token-${id}`, sku: product(step) } },
            () =>
                JSON.stringify({
                    orderId: id,
                    purchaseStateContext: { purchaseState: "PURCHASED" },
                    purchaseCompletionTime: new Date(step.at).toISOString(),
                    productLineItem: [{ productId: product(step), productOfferDetails: { quantity: 1 } }],
                    obfuscatedExternalAccountId: user,
                }),
        ]
    if (type === undefined)
        return [
            {
                voidedPurchaseNotification: {
                    purchaseToken: `token-${id}`,
                    orderId: id,
                    productType: 2,
                    refundType: 1,
                },
            },
            undefined,
        ]
    const purchaseToken = tokens(steps).get(step.span) as string
    return [
        { subscriptionNotification: { notificationType: type, purchaseToken } },
        (now) => playDocument(steps, user, purchaseToken, now),
    ]
}

const googleProvider: Provider = {
    name: "google_play",
    reverses: false,
    packs: true,
    messages: (steps, user) =>
        steps
            .filter((step) => step.kind !== "refund" || step.span.until > step.at)
            .map((step, n) => {
                const [what, document] = playMessage(step, steps, user)
                const told = { version: "1.0", packageName: app, eventTimeMillis: `${step.at}`, ...what }
                const data = Buffer.from(JSON.stringify(told)).toString("base64")
                return {
                    step,
                    tells: telling(step.kind),
                    body: JSON.stringify({ message: { messageId: `${user}-m${n}`, data } }),
                    document,
                }
            }),
    take: (server, message, forged, now) =>
        googlePlay(
            server,
            { body: message.body, headers: { authorization: pushToken(!forged) } },
            async () => message.document?.(now) ?? "{}"
        ),
}

// Stripe

function stripeMessages(step: Step, lines: Map<Span, string>, user: string, sold: string): [string, object, object?][] {
    const at = (time: number): number => Math.floor(time / 1000)
    const paid = step.kind === "fail" ? (step.of as Span) : step.span
    const metadata = { user_id: user, product_id: "year.premium" }
    const period = { start: at(paid.from), end: at(paid.until) }
    const id = lines.get(step.span) as string
    const subscription = (more: object): object => ({
        id,
        object: "subscription",
        status: "active",
        cancel_at_period_end: false,
        metadata,
        items: {
            data: [{ price: { id: "price_1" }, current_period_start: period.start, current_period_end: period.end }],
        },
        ...more,
    })
    const invoice = (reason: string, more: object = {}): object => ({
        id: `in_${paid.id}`,
        object: "invoice",
        billing_reason: reason,
        amount_paid: 999,
        currency: "eur",
        parent: { subscription_details: { subscription: id, metadata } },
        lines: { data: [{ period }] },
        ...more,
    })
    const charge = (more: object): object => ({
        id: `ch_${step.span.id}`,
        object: "charge",
        amount: 999,
        amount_refunded: 999,
        currency: "eur",
        ...more,
    })
    switch (step.kind) {
        case "start":
            return [
                ["customer.subscription.created", subscription({ status: "trialing" })],
                ["invoice.paid", invoice("subscription_create", { amount_paid: 0 })],
            ]
        case "return":
            return [
                ["customer.subscription.created", subscription({})],
                ["invoice.paid", invoice("subscription_create")],
            ]
        case "renew":
            return [
                ["invoice.paid", invoice("subscription_cycle")],
                ["customer.subscription.updated", subscription({}), { latest_invoice: "in_0" }],
            ]
        case "price":
            return [
                [
                    "customer.subscription.updated",
                    subscription({}),
                    { items: { data: [{ price: { id: "price_0" } }] } },
                ],
            ]
        case "fail":
            return [
                [
                    "invoice.payment_failed",
                    invoice("subscription_cycle", { id: `in_${step.span.id}`, amount_paid: 0, lines: { data: [] } }),
                ],
                ["customer.subscription.updated", subscription({ status: "past_due" }), { status: "active" }],
            ]
        case "hold":
            return [["customer.subscription.updated", subscription({ status: "unpaid" }), { status: "past_due" }]]
        case "recover":
            return [
                ["invoice.paid", invoice("subscription_cycle")],
                ["customer.subscription.updated", subscription({}), { status: "past_due" }],
            ]
        case "cancel":
            return [
                [
                    "customer.subscription.updated",
                    subscription({ cancel_at_period_end: true }),
                    { cancel_at_period_end: false },
                ],
            ]
        case "expire":
            return [["customer.subscription.deleted", subscription({ status: "canceled" })]]
        case "upgrade":
            return [
                [
                    "customer.subscription.updated",
                    subscription({}),
                    { items: { data: [{ price: { id: "price_1" } }] } },
                ],
                ["invoice.paid", invoice("subscription_update")],
            ]
        case "refund":
            return [["charge.refunded", charge({ invoice: `in_${step.span.id}` })]]
        case "course":
            return [
                [
                    "checkout.session.completed",
                    {
                        id: `cs_${user}`,
                        object: "checkout.session",
                        mode: "payment",
                        payment_status: "paid",
                        amount_total: 4900,
                        currency: "eur",
                        client_reference_id: user,
                        metadata: { product_id: sold },
                        payment_intent: `pi_${user}`,
                    },
                ],
            ]
        default:
            return [["charge.refunded", charge({ amount: 4900, amount_refunded: 4900, payment_intent: `pi_${user}` })]]
    }
}

let sold = ""

const stripeProvider: Provider = {
    name: "stripe",
    reverses: false,
    packs: false,
    messages: (steps, user) => {
        const lines = new Map<Span, string>()
        let line = ""
        for (const step of steps) {
            if (step.kind === "start" || step.kind === "return") line = `sub_${step.span.id}`
            if (!lines.has(step.span)) lines.set(step.span, line)
        }
        return steps.flatMap((step, n) =>
            stripeMessages(step, lines, user, sold).map(([type, object, previous], k) => {
                const data = { object, ...(previous ? { previous_attributes: previous } : {}) }
                const event = {
                    id: `evt_${user}-${n}-${k}`,
                    object: "event",
                    type,
                    created: Math.floor(step.at / 1000),
                    livemode: true,
                    pending_webhooks: 1,
                    data,
                }
                // of a renewal the invoice tells; the subscription shows another invoice, and no more
                return {
                    step,
                    tells: previous && step.kind === "renew" ? undefined : telling(step.kind),
                    body: JSON.stringify(event),
                }
            })
        )
    },
    take: (server, { body }, forged) => {
        const now = Math.floor(Date.now() / 1000)
        const v1 = createHmac("sha256", forged ? "whsec_other" : "whsec_year")
            .update(`${now}.${body}`)
            .digest("hex")
        return stripe(server, { body, headers: { "stripe-signature": `t=${now},v1=${v1}` } })
    },
}

// RevenueCat

const catTypes: Partial<Record<Kind, string>> = {
    start: "INITIAL_PURCHASE",
    renew: "RENEWAL",
    fail: "BILLING_ISSUE",
    hold: "EXPIRATION/BILLING_ERROR",
    recover: "RENEWAL",
    cancel: "CANCELLATION/UNSUBSCRIBE",
    expire: "EXPIRATION/UNSUBSCRIBE",
    return: "RENEWAL",
    refund: "CANCELLATION/CUSTOMER_SUPPORT",
    reverse: "REFUND_REVERSED",
    upgrade: "PRODUCT_CHANGE RENEWAL",
    pack: "NON_RENEWING_PURCHASE",
    packRefund: "CANCELLATION/CUSTOMER_SUPPORT",
    packReverse: "REFUND_REVERSED",
    course: "NON_RENEWING_PURCHASE",
    courseRefund: "CANCELLATION/CUSTOMER_SUPPORT",
    courseReverse: "REFUND_REVERSED",
}

const catProvider: Provider = {
    name: "revenuecat",
    reverses: true,
    packs: true,
    messages: (steps, user) =>
        steps.flatMap((step, n) =>
            (catTypes[step.kind] ?? "")
                .split(" ")
                .filter((word) => word !== "")
                .map((word) => {
                    const [type, reason] = word.split("/")
                    const paid = step.kind === "fail" || type === "PRODUCT_CHANGE" ? (step.of as Span) : step.span
                    const once = step.kind.startsWith("pack") || step.kind.startsWith("course")
                    const event = {
                        id: `${user}-${type}-${n}`,
                        type,
                        event_timestamp_ms: step.at,
                        environment: "PRODUCTION",
                        store: "APP_STORE",
                        app_user_id: user,
                        product_id: product(step),
                        transaction_id: paid.id,
                        original_transaction_id: once ? paid.id : `${user}-1`,
                        purchased_at_ms: once ? step.at : paid.from,
                        expiration_at_ms: once ? null : paid.until,
                        period_type: step.kind === "start" ? "TRIAL" : "NORMAL",
                        ...(type === "CANCELLATION"
                            ? { cancel_reason: reason }
                            : reason
                              ? { expiration_reason: reason }
                              : {}),
                        ...(type === "BILLING_ISSUE" ? { grace_period_expiration_at_ms: step.span.until } : {}),
                    }
                    return {
                        step,
                        tells: type === "PRODUCT_CHANGE" ? undefined : telling(step.kind),
                        body: JSON.stringify({ api_version: "1.0", event }),
                    }
                })
        ),
    take: (server, { body }, forged) =>
        revenueCat(server, {
            body,
            headers: { authorization: forged ? "Bearer simsim" : authorization },
        }),
}

const providers = [appStoreProvider, googleProvider, stripeProvider, catProvider]

// The deliveries

interface Delivery {
    at: number
    customer: Customer
    message: Message
    forged: boolean
}

/** Each message comes once or more, soon or days later: the first deliveries of some are lost. */
function deliveries(customer: Customer): Delivery[] {
    return customer.messages.flatMap((message) => {
        const delay = random() < 0.15 ? 3 * day : random() < 0.5 ? 12 * hour : 0
        const at = between(message.step.at, message.step.at + delay + 1000)
        const list = [{ at, customer, message, forged: false }]
        // at the same moment, and later
        if (random() < 0.3) list.push({ ...list[0] })
        while (random() < 0.3) list.push({ ...list[0], at: between(at, at + 5 * day) })
        if (random() < 0.3) list.push({ ...list[0], at: between(message.step.at - day, at + day), forged: true })
        return list
    })
}

async function deliver(server: Pool, { customer, message, forged }: Delivery, now: number): Promise<void> {
    const ask: AskTaken = async (sql, values) => (await server.query<Taken>(sql, values)).rows
    const genuine = await customer.provider.take(ask, message, forged, now).then(
        () => true,
        (error) => {
            if (error.code !== "KB821") throw error
            return false
        }
    )
    assert.equal(genuine, !forged, `${customer.provider.name}, ${message.body}`)
    if (!forged) know(message, now)
}

/** What the message tells is known from now on. */
function know({ step, tells }: Message, now: number): void {
    if (tells !== undefined) step.span[tells] = Math.min(step.span[tells], now)
    // an upgrade gives back what was paid for the plan before
    if (step.kind === "upgrade" && step.of && tells) step.of.back = Math.min(step.of.back, now)
}

async function compare(owner: Client, customers: Customer[], at: number): Promise<void> {
    const sql = `SELECT u.id AS user, coursebase.has_premium(u.id, $2) AS premium, coursebase.has_course_access(c.id, u.id, $2) AS course,
            (SELECT coalesce(sum(p.credits - p.claimed_credits), 0)::integer FROM coursebase.ai_credit_purchases p WHERE p.user_id = u.id) AS credits
         FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n), coursebase.courses c ORDER BY u.n`
    const found = await owner.query(sql, [customers.map((customer) => customer.user), new Date(at)])
    for (const [n, customer] of customers.entries()) {
        const { premium, course, credits } = found.rows[n]
        const truth = (kind: "premium" | "pack" | "course"): boolean => holds(spansOf(customer, kind), at)
        const expected = { premium: truth("premium"), course: truth("course"), credits: truth("pack") ? 100 : 0 }
        if (isDeepStrictEqual({ premium, course, credits }, expected)) continue
        await tell(owner, customer, at)
        assert.deepEqual(
            { premium, course, credits },
            expected,
            `${customer.provider.name} ${customer.user} at ${date(at)}`
        )
    }
}

function date(at: number): string {
    return Number.isFinite(at) && at !== 0 ? new Date(at).toISOString().slice(5, 16) : "-"
}

/** What a failure is understood by: what happened, and what the database made of it. */
async function tell(owner: Client, { user, life: steps }: Customer, at: number): Promise<void> {
    for (const { kind, at: happened, span: about } of steps.filter((step) => step.at <= at))
        console.log(
            date(happened),
            kind,
            about.id.slice(user.length),
            [about.from, about.until, about.told, about.back, about.again].map(date).join(" ")
        )
    for (const table of ["subscription_history", "subscriptions", "store_notifications"]) {
        const skipped = "'{body,details,result,id,user_id,subscription_id,purchase_token,created_at,updated_at}'"
        const { rows } = await owner.query(
            `SELECT (to_jsonb(t) - ${skipped}::text[])::text AS row FROM coursebase.${table} t WHERE user_id = $1`,
            [user]
        )
        if (table !== "store_notifications") rows.forEach(({ row }) => console.log(table, row))
        else
            rows.filter(({ row }) => !/"outcome": "(applied|noted)"/.test(row)).forEach(({ row }) =>
                console.log(table, row)
            )
    }
}

async function customersOf(owner: Client): Promise<Customer[]> {
    const customers: Customer[] = []
    for (const provider of providers) {
        const sql = `INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES (gen_random_uuid()::text, $1, 'a@example.org') RETURNING id`
        const user = (await owner.query<{ id: string }>(sql, [provider.name])).rows[0].id
        const steps = life(user, provider)
        customers.push({ user, provider, life: steps, messages: provider.messages(steps, user) })
    }
    return customers
}

/** The year, day by day. */
async function year(owner: Client, server: Pool): Promise<string> {
    const customers = await customersOf(owner)
    const queue = customers.flatMap(deliveries).sort((a, b) => a.at - b.at)
    const count = queue.length
    for (let noon = first + day / 2; noon < first + 365 * day; noon += day) {
        while (queue.length > 0 && queue[0].at <= noon) {
            const together = queue.filter((one) => one.at === queue[0].at)
            queue.splice(0, together.length)
            await Promise.all(together.map((one) => deliver(server, one, one.at)))
        }
        await server.query("SELECT count(*) FROM coursebase.replay_notifications()")
        await compare(owner, customers, noon)
    }
    return `365 days, ${count} deliveries`
}

/** What becomes of a thing whose refund is reversed is told in turn: a store takes days to decide, and what it sent
 *  before has been answered by then. */
function inTurn(late: Delivery[]): void {
    for (const { message } of late.filter((one) => /^(pack|course)Reverse$/.test(one.message.step.kind))) {
        const places = late.flatMap((one, n) => (one.message.step.span === message.step.span ? [n] : []))
        const told = places.map((n) => late[n]).sort((a, b) => a.message.step.at - b.message.step.at)
        places.forEach((n, k) => (late[n] = told[k]))
    }
}

/** What was held up for months comes at once, in any order: a line of the fold for each permutation. */
async function backlog(owner: Client, server: Pool): Promise<string> {
    let count = 0
    for (let round = 0; round < 4; round++) {
        const customers = await customersOf(owner)
        const until = between(first + 40 * day, first + 330 * day)
        const late = customers.flatMap((customer) =>
            customer.messages
                .filter((message) => message.step.at <= until)
                .map((message) => ({ at: until, customer, message, forged: false }))
        )
        for (let n = late.length; n > 1; n--) {
            const other = Math.floor(random() * n)
            ;[late[n - 1], late[other]] = [late[other], late[n - 1]]
        }
        inTurn(late)
        for (const one of late) await deliver(server, one, until)
        await server.query("SELECT count(*) FROM coursebase.replay_notifications()")
        await compare(owner, customers, until)
        count += late.length
    }
    return `${count} in any order`
}

/** The keys of those who sign, and what is sold. */
async function stage(owner: Client): Promise<void> {
    await owner.query("CREATE EXTENSION coursebase")
    await owner.query("SELECT coursebase.grant_roles(NULL, NULL, $1)", [role])
    const spki = google.publicKey.export({ type: "spki", format: "pem" })
    for (const [provider, kind, material, id] of [
        ["app_store", "root", apple.root, ""],
        ["app_store", "bundle_id", app, ""],
        ["stripe", "signing_secret", "whsec_year", ""],
        ["revenuecat", "authorization", authorization, ""],
        ["google_play", "push_key", spki, "k1"],
        ["google_play", "push_audience", audience, ""],
        ["google_play", "push_email", email, ""],
        ["google_play", "package_name", app, ""],
    ])
        await owner.query("SELECT coursebase.set_store_key($1, $2, $3, $4)", [provider, kind, material, id])
    for (const sql of [
        "UPDATE coursebase.settings SET value = 'app_store, google_play, stripe, revenuecat' WHERE name = 'require_signature'",
        "UPDATE coursebase.settings SET value = '6' WHERE name = 'grace_days_stripe'",
        "INSERT INTO coursebase.courses (title, description) VALUES ('Breathing', '')",
        `INSERT INTO coursebase.store_products (product_id, kind, credits, course_id)
            SELECT * FROM (VALUES ('year.pack', 'ai_credits', 100, NULL), ('year.premium', 'subscription', NULL, NULL),
                ('year.course', 'course', NULL, (SELECT id FROM coursebase.courses))) v`,
        "SELECT coursebase.save_product(NULL, 'Course', 'One', '/one.png', 49, 'public', ARRAY(SELECT id FROM coursebase.courses))",
    ])
        await owner.query(sql)
    sold = (await owner.query<{ id: string }>("SELECT id FROM coursebase.products")).rows[0].id
}

async function connected(name: string): Promise<Client> {
    const client = new Client({ database: name })
    await client.connect()
    return client
}

async function main(): Promise<void> {
    console.log(`seed ${seed} (SEED=${seed} repeats it)`)
    const admin = await connected("postgres")
    try {
        await admin.query(`CREATE ROLE ${role} LOGIN BYPASSRLS`)
        await admin.query(`CREATE DATABASE ${database}`)
        const owner = await connected(database)
        const server = new Pool({ database, user: role, max: 4 })
        server.on("error", () => undefined)
        try {
            await stage(owner)
            console.log(`ok: ${await year(owner, server)}`)
            console.log(`ok: ${await backlog(owner, server)}`)
            const problems = await owner.query("SELECT * FROM coursebase.check_integrity()")
            assert.deepEqual(problems.rows, [], "check_integrity() finds nothing")
        } finally {
            await server.end()
            await owner.end()
        }
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

run(main)
