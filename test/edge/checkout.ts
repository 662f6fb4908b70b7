// checkout.ts: an edge function for the end of a checkout. Stripe tells of a paid session twice, by the buyer's
// browser that comes back and by a webhook, in any order, at once, and more than once: both ways call the same
// stored procedure as the server's role, and the database makes one purchase of it.
import { Pool } from "pg"

/** What Stripe says of a session of the checkout. */
export interface Session {
    id: string
    client_reference_id: string
    metadata: { productId: string }
    amount_total: number
    payment_status: "paid" | "unpaid" | "no_payment_required"
}

export interface StripeEvent {
    type: "checkout.session.completed" | "checkout.session.async_payment_succeeded" | "charge.refunded"
    session: Session
}

export interface Sale {
    purchase_id: string | null
    status: "completed" | "refunded" | "unpaid"
    already_owned: boolean | null
    course_ids: string[] | null
}

export interface Answer {
    status: number
    location?: string
    sale?: Sale
}

/** The SQLSTATEs of coursebase that these calls may meet, as HTTP statuses; all others are ours to mend. */
const statuses: Record<string, number> = { KB106: 404, KB902: 409, KB903: 422 }

const tries = 10

export async function checkoutReturn(database: Pool, session: Session): Promise<Answer> {
    return answered(async () => {
        const sale = await complete(database, session)
        const page = sale.status === "completed" ? "purchases" : "products/purchase-failure"
        return { status: 303, location: `/${page}`, sale }
    })
}

export async function webhook(database: Pool, event: StripeEvent): Promise<Answer> {
    return answered(async () => {
        if (event.type !== "charge.refunded") {
            return { status: 200, sale: await complete(database, event.session) }
        }
        await refund(database, event.session)
        return { status: 200 }
    })
}

async function complete(database: Pool, session: Session): Promise<Sale> {
    const result = await retried(() =>
        database.query<Sale>("SELECT * FROM coursebase.complete_purchase($1, $2, $3, $4, $5)", [
            session.client_reference_id,
            session.metadata.productId,
            session.id,
            session.amount_total,
            session.payment_status,
        ])
    )
    return result.rows[0]
}

async function refund(database: Pool, session: Session): Promise<void> {
    await retried(() =>
        database.query(
            `SELECT r.* FROM coursebase.purchases s, coursebase.refund_purchase(s.id) r
             WHERE s.stripe_session_id = $1`,
            [session.id]
        )
    )
}

/** At REPEATABLE READ and SERIALIZABLE the second of two may have to begin again. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
    for (let left = tries; ; left--) {
        try {
            return await call()
        } catch (error) {
            if (left === 0 || sqlstate(error) !== "40001") throw error
        }
    }
}

async function answered(handle: () => Promise<Answer>): Promise<Answer> {
    try {
        return await handle()
    } catch (error) {
        const status = statuses[sqlstate(error) ?? ""]
        if (status === undefined) throw error
        return { status }
    }
}

function sqlstate(error: unknown): string | undefined {
    return (error as { code?: string }).code
}
