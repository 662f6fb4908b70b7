// checkout.ts: the buyer's browser comes back from Stripe's checkout. Stripe tells of the same session by a webhook, too
// (notifications.ts), in any order, at once, and more than once: the database makes one purchase of it.
//
// GET ?session_id={CHECKOUT_SESSION_ID}, the success_url of the session. 303 to APP_URL/purchases, or to APP_URL/purchase-failure
// where the session is not paid or was refunded. The session was made with client_reference_id, the buyer's users.id, and with
// metadata.product_id. Environment: that of server.ts, and
//
// APP_URL                       your site
// STRIPE_SECRET_KEY             a restricted key that reads checkout sessions
// STRIPE_API                    https://api.stripe.com, unless you go by another way
import process from "node:process"
import { errorOf } from "./coursebase.ts"
import { ask, Refusal, serve, setting } from "./server.ts"

/** What Stripe says of a session of the checkout, as far as it is read here. */
interface Session {
    id: string
    client_reference_id: string | null
    metadata: { product_id?: string } | null
    amount_total: number
    currency: string
    total_details: { amount_tax: number } | null
    payment_status: "paid" | "unpaid" | "no_payment_required"
    payment_intent: string | null
    invoice: string | null
}

serve("GET", async (request) => {
    const session = await sessionOf(new URL(request.url).searchParams.get("session_id") ?? "")
    const page = (await completed(session)) ? "purchases" : "purchase-failure"
    return new Response(null, { status: 303, headers: { location: `${setting("APP_URL")}/${page}` } })
})

/** Stripe is asked: what a browser says is not what was paid. */
async function sessionOf(id: string): Promise<Session> {
    const base = process.env.STRIPE_API ?? "https://api.stripe.com"
    const headers = { authorization: `Bearer ${setting("STRIPE_SECRET_KEY")}` }
    const answer = await fetch(`${base}/v1/checkout/sessions/${encodeURIComponent(id)}`, { headers })
    if (answer.status === 404) throw new Refusal(404, "not_found", "Stripe knows no such session")
    if (!answer.ok) throw new Error(`Stripe answers ${answer.status}`)
    return answer.json()
}

/** Whether the buyer has, or soon has, what was paid for. */
async function completed(session: Session): Promise<boolean> {
    const sql = `SELECT status FROM coursebase.complete_purchase($1, $2, $3, $4, $5,
        currency => $6, tax_in_cents => $7, payment_intent_id => $8, invoice_id => $9)`
    try {
        const [sale] = await ask<{ status: "completed" | "refunded" | "unpaid" }>(sql, [
            session.client_reference_id,
            session.metadata?.product_id,
            session.id,
            session.amount_total,
            session.payment_status,
            session.currency,
            session.total_details?.amount_tax,
            session.payment_intent,
            session.invoice,
        ])
        return sale.status === "completed"
    } catch (error) {
        // with stripe in require_signature Stripe's signed notification makes the purchase, and this function makes none
        if (errorOf(error)?.name === "signature_required") return session.payment_status !== "unpaid"
        throw error
    }
}
