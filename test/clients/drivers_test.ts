// drivers_test.ts: how pg and postgres.js pass an object, and a text that is JSON, to an argument of type json, as
// doc/guide/drivers.md says; and what is said of a JSON string.
// Needs: postgres@3.4.5
//
// The environment is that of client.ts.
import { strict as assert } from "node:assert"
import { Client } from "pg"
import postgres = require("postgres")
import { Calls, inWorld, run, worldOf } from "./client"

const world = worldOf("drivers")
const ada = "00000000-0000-4000-8000-0000000000a1"
const receipt = {
    product_id: "ai_credits_400",
    source: "google_play",
    purchase_id: "r-1",
    purchase_token: "t",
    transaction_date: "1767268800000",
}
const text = JSON.stringify(receipt)

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        await owner.query("INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ($1, 'ada', 'Ada', 'ada@example.org')", [ada])
        await owner.query("INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_400', 'ai_credits', 400)")
        await ofPg(owner)
        await ofPostgresJs()
    })
}

async function ofPg(owner: Client): Promise<void> {
    const calls = new Calls("pg")
    for (const [name, value] of Object.entries({ receipt, text })) {
        await calls.call(name, async () => {
            const answer = await owner.query("SELECT coursebase.validate_purchase($1, $2) AS answer", [ada, value])
            assert.equal(answer.rows[0].answer.status, "valid")
        })
    }
    calls.end()
}

async function ofPostgresJs(): Promise<void> {
    const calls = new Calls("postgres.js")
    const sql = postgres({
        database: world.database,
        host: process.env.PGHOST,
        port: Number(process.env.PGPORT),
        username: process.env.PGUSER,
        max: 1,
    })
    try {
        await calls.call("an object", async () => {
            const [row] = await sql`SELECT coursebase.validate_purchase(${ada}, ${sql.json(receipt)}::json) AS answer`
            assert.equal(row.answer.status, "valid")
        })
        await calls.call("a text that is cast", async () => {
            const [row] = await sql`SELECT coursebase.validate_purchase(${ada}, ${text}::text::json) AS answer`
            assert.equal(row.answer.status, "valid")
        })
        await calls.call("a text that becomes a JSON string", () =>
            assert.rejects(
                sql`SELECT coursebase.validate_purchase(${ada}, ${text}::json)`,
                (error: postgres.PostgresError) => error.code === "KB801" && /JSON string.*cast/.test(error.hint ?? "")
            )
        )
        await calls.call("an object without a cast", () =>
            assert.rejects(sql`SELECT coursebase.validate_purchase(${ada}, ${sql.json(receipt)})`, { code: "42883" })
        )
        calls.end()
    } finally {
        await sql.end({ timeout: 5 })
    }
}

run(main)
