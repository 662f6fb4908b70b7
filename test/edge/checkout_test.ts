// checkout_test.ts: plays the browser's return and the webhook of many checkouts at once, each more than once,
// at each isolation level: every paid session ends as one purchase, and every answer about it is the same.
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import { strict as assert } from "node:assert"
import { Client, Pool } from "pg"
import { Answer, checkoutReturn, Session, StripeEvent, webhook } from "./checkout"

const database = "coursebase_edge"
const role = "coursebase_edge_server"
const levels = ["read committed", "repeatable read", "serializable"]
const buyers = 12

async function main(): Promise<void> {
    const admin = await administrator("postgres")
    try {
        await admin.query(`CREATE ROLE ${role} LOGIN BYPASSRLS`)
        for (const level of levels) {
            await admin.query(`CREATE DATABASE ${database}`)
            await story(level)
            await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)
        }
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

async function administrator(name: string): Promise<Client> {
    const client = new Client({ database: name })
    await client.connect()
    return client
}

async function story(level: string): Promise<void> {
    const owner = await administrator(database)
    const users = await stage(owner)
    const options = `-c default_transaction_isolation=${level.replace(" ", "\\ ")}`
    const server = new Pool({ database, user: role, max: 16, options })
    // an idle connection may end with its database
    server.on("error", () => undefined)
    try {
        await sell(server, owner, users)
        await giveBack(server, owner, users)
        const problems = await owner.query("SELECT * FROM coursebase.check_integrity()")
        assert.deepEqual(problems.rows, [], "check_integrity() finds nothing")
        console.log(`ok: ${level}, ${users.length} checkouts`)
    } finally {
        await server.end()
        await owner.end()
    }
}

/** A bundle of two courses, and the people who will buy it. */
async function stage(owner: Client): Promise<string[]> {
    await owner.query("CREATE EXTENSION coursebase")
    await owner.query("SELECT coursebase.grant_roles(NULL, NULL, $1)", [role])
    await owner.query("INSERT INTO coursebase.courses (title, description) VALUES ('Breathing', ''), ('Speaking', '')")
    await owner.query(
        `SELECT coursebase.save_product(NULL, 'Bundle', 'Two courses', '/bundle.png', 49, 'public',
            ARRAY(SELECT id FROM coursebase.courses))`
    )
    const users = await owner.query<{ id: string }>(
        `INSERT INTO coursebase.users (clerk_user_id, name, email)
         SELECT 'edge_' || n, 'Buyer ' || n, n || '@example.org' FROM generate_series(1, ${buyers}) n RETURNING id`
    )
    return users.rows.map((user) => user.id)
}

function session(user: string, product: string, change: Partial<Session> = {}): Session {
    const told: Session = {
        id: `cs_${user}`,
        client_reference_id: user,
        metadata: { productId: product },
        amount_total: 4900,
        payment_status: "paid",
    }
    return { ...told, ...change }
}

async function productOf(owner: Client): Promise<string> {
    return (await owner.query<{ id: string }>("SELECT id FROM coursebase.products")).rows[0].id
}

async function sell(server: Pool, owner: Client, users: string[]): Promise<void> {
    const product = await productOf(owner)
    const unpaid = await checkoutReturn(server, session(users[0], product, { payment_status: "unpaid" }))
    assert.deepEqual(unpaid.sale, { purchase_id: null, status: "unpaid", already_owned: null, course_ids: null })

    const told = await Promise.all(users.map((user) => toldFourTimes(server, session(user, product))))
    for (const answers of told) {
        assert.deepEqual(answers.map((answer) => answer.status), [303, 200, 200, 303])
        for (const answer of answers) assert.deepEqual(answer.sale, answers[0].sale)
        assert.equal(answers[0].sale?.status, "completed")
        assert.equal(answers[0].sale?.already_owned, false)
        assert.equal(answers[0].sale?.course_ids?.length, 2)
    }
    const sold = await owner.query(
        `SELECT count(*)::integer AS purchases, count(DISTINCT user_id)::integer AS buyers,
            (SELECT count(*)::integer FROM coursebase.course_grants) AS grants,
            (SELECT count(*)::integer FROM coursebase.user_course_access) AS access
         FROM coursebase.purchases`
    )
    const people = users.length
    assert.deepEqual(sold.rows[0], { purchases: people, buyers: people, grants: 2 * people, access: 2 * people })

    const stolen = await webhook(server, completed(session(users[1], product, { id: `cs_${users[0]}` })))
    assert.equal(stolen.status, 409, "a session is one user's")
    const unknown = await checkoutReturn(server, session(users[0], users[0], { id: "cs_unknown" }))
    assert.equal(unknown.status, 404, "a product that is not there is not sold")
}

function completed(paid: Session): StripeEvent {
    return { type: "checkout.session.completed", session: paid }
}

function toldFourTimes(server: Pool, paid: Session): Promise<Answer[]> {
    return Promise.all([
        checkoutReturn(server, paid),
        webhook(server, completed(paid)),
        webhook(server, completed(paid)),
        checkoutReturn(server, paid),
    ])
}

/** The refund is told twice while the session is told once more: it stays refunded. */
async function giveBack(server: Pool, owner: Client, users: string[]): Promise<void> {
    const product = await productOf(owner)
    await Promise.all(
        users.flatMap((user) => {
            const paid = session(user, product)
            const refunded: StripeEvent = { type: "charge.refunded", session: paid }
            return [webhook(server, refunded), webhook(server, refunded), checkoutReturn(server, paid)]
        })
    )
    const late = await checkoutReturn(server, session(users[0], product))
    assert.equal(late.sale?.status, "refunded")
    assert.equal(late.location, "/products/purchase-failure")
    const left = await owner.query(
        `SELECT count(*) FILTER (WHERE refunded_at IS NOT NULL)::integer AS refunded,
            sum(refunded_in_cents)::integer AS cents,
            (SELECT count(*)::integer FROM coursebase.user_course_access) AS access
         FROM coursebase.purchases`
    )
    assert.deepEqual(left.rows[0], { refunded: users.length, cents: 4900 * users.length, access: 0 })
}

main().catch((error) => {
    console.error(error)
    process.exitCode = 1
})
