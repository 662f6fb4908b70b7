// notifications.ts: the edge functions that take what App Store, Google Play, Stripe and RevenueCat send. Each
// passes the body and the header on as they came; the database checks, finds the person and does what it means.
import { Pool } from "pg"

/** A request as it came: the body byte for byte, the names of headers in small letters. */
export interface Request {
    body: string
    headers: Record<string, string | undefined>
}

/** GET of Google's API (androidpublisher/v3) with your service account: the answer's text. */
export type Google = (path: string) => Promise<string>

/** Provider, body, signature, details of take_notification(). */
type Arguments = (string | undefined)[]

interface Taken {
    outcome: "applied" | "noted" | "waiting" | "refused"
    detail: string | null
}

/** Forged, of an unknown key, unreadable: the provider sees the status, and sends again where that helps. */
const statuses: Record<string, number> = { KB821: 401, KB822: 401, KB823: 503, KB824: 422 }

const tries = 10

export async function appStore(database: Pool, request: Request): Promise<number> {
    return take(database, ["app_store", request.body])
}

export async function stripe(database: Pool, request: Request): Promise<number> {
    return take(database, ["stripe", request.body, request.headers["stripe-signature"]])
}

export async function revenueCat(database: Pool, request: Request): Promise<number> {
    return take(database, ["revenuecat", request.body, request.headers["authorization"]])
}

/** Google tells that something happened, and its API what: where a document is needed, it is fetched and passed on. */
export async function googlePlay(database: Pool, request: Request, google: Google): Promise<number> {
    const call = ["google_play", request.body, request.headers["authorization"]]
    return take(database, call, () => googleDocument(request, google))
}

async function googleDocument(request: Request, google: Google): Promise<string | undefined> {
    const { message } = JSON.parse(request.body)
    const told = JSON.parse(Buffer.from(message.data, "base64").toString())
    const purchases = `applications/${told.packageName}/purchases`
    if (told.subscriptionNotification)
        return google(`${purchases}/subscriptionsv2/tokens/${told.subscriptionNotification.purchaseToken}`)
    if (told.oneTimeProductNotification)
        return google(`${purchases}/productsv2/tokens/${told.oneTimeProductNotification.purchaseToken}`)
    const list = await google(`${purchases}/voidedpurchases?includeQuantityBasedPartialRefund=true`)
    const { voidedPurchases } = JSON.parse(list)
    const token = told.voidedPurchaseNotification.purchaseToken
    return JSON.stringify(voidedPurchases.find((entry: { purchaseToken: string }) => entry.purchaseToken === token))
}

/** The status to answer with. 200 also for what waits or was refused: it is kept, and the provider can do no more. */
async function take(database: Pool, call: Arguments, document?: () => Promise<string | undefined>): Promise<number> {
    try {
        const taken = await retried(database, call)
        if (document !== undefined && taken.detail?.startsWith("details are needed")) {
            await retried(database, [...call, await document()])
        }
        return 200
    } catch (error) {
        const status = statuses[sqlstate(error) ?? ""]
        if (status === undefined) throw error
        return status
    }
}

/** Two deliveries at once: one of them may have to begin again. */
async function retried(database: Pool, call: Arguments): Promise<Taken> {
    for (let left = tries; ; left--) {
        try {
            const [provider, body, signature, details] = call
            const sql = "SELECT outcome, detail FROM coursebase.take_notification($1, $2, $3, $4)"
            return (await database.query<Taken>(sql, [provider, body, signature, details])).rows[0]
        } catch (error) {
            if (left === 0 || !["40001", "40P01"].includes(sqlstate(error) ?? "")) throw error
        }
    }
}

function sqlstate(error: unknown): string | undefined {
    return (error as { code?: string }).code
}
