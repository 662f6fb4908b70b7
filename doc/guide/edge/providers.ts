// providers.ts: what App Store, Google Play, Stripe and RevenueCat send goes to take_notification() as it came: the database
// checks that it is genuine, finds the person and does what it means. For Google Play the document that it asks for is fetched.

/** A request as it came: the body byte for byte, the names of headers in small letters. */
export interface Told {
    body: string
    headers: Record<string, string | undefined>
}

/** GET of Google's API (androidpublisher/v3): the answer's text. */
export type Google = (path: string) => Promise<string>

/** What take_notification() answers. */
export interface Taken {
    outcome: "applied" | "noted" | "waiting" | "refused"
    detail: string | null
    result: string | null
}

/** One statement and its values; ask() of server.ts. */
export type AskTaken = (sql: string, values: unknown[]) => Promise<Taken[]>

/** Provider, body, signature, and the person where neither the content nor the payment says whose it is. */
export type Arguments = [provider: string, body: string, signature?: string, user?: string]

export async function appStore(ask: AskTaken, told: Told): Promise<Taken> {
    return take(ask, ["app_store", told.body])
}

export async function stripe(ask: AskTaken, told: Told): Promise<Taken> {
    return take(ask, ["stripe", told.body, told.headers["stripe-signature"]])
}

export async function revenueCat(ask: AskTaken, told: Told): Promise<Taken> {
    return take(ask, ["revenuecat", told.body, told.headers["authorization"]])
}

/** Google tells that something happened, and its API what. */
export async function googlePlay(ask: AskTaken, told: Told, google: Google): Promise<Taken> {
    return take(ask, ["google_play", told.body, told.headers["authorization"]], () => googleDocument(told.body, google))
}

/** What a notification means is asked for only once it is known to be genuine: a forger makes nobody call Google. */
export async function take(ask: AskTaken, call: Arguments, document?: () => Promise<string | undefined>): Promise<Taken> {
    const taken = await takeOnce(ask, call)
    if (document === undefined || !taken.detail?.startsWith("details are needed")) return taken
    return takeOnce(ask, call, await document())
}

async function takeOnce(ask: AskTaken, [provider, body, signature, user]: Arguments, details?: string): Promise<Taken> {
    const sql = `SELECT outcome, detail, result::text AS result
        FROM coursebase.take_notification($1, $2, $3, $4::json, $5)`
    const [taken] = await ask(sql, [provider, body, signature, details, user])
    return taken
}

async function googleDocument(body: string, google: Google): Promise<string | undefined> {
    const told = JSON.parse(Buffer.from(JSON.parse(body).message.data, "base64").toString())
    const purchases = `applications/${told.packageName}/purchases`
    if (told.subscriptionNotification)
        return google(`${purchases}/subscriptionsv2/tokens/${told.subscriptionNotification.purchaseToken}`)
    if (told.oneTimeProductNotification)
        return google(`${purchases}/productsv2/tokens/${told.oneTimeProductNotification.purchaseToken}`)
    const list = await google(`${purchases}/voidedpurchases?includeQuantityBasedPartialRefund=true`)
    const token = told.voidedPurchaseNotification.purchaseToken
    const { voidedPurchases } = JSON.parse(list)
    return JSON.stringify(voidedPurchases?.find((entry: { purchaseToken: string }) => entry.purchaseToken === token))
}
