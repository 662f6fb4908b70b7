// drivers_test.ts: how pg and postgres.js pass an object, and a text that is JSON, to an argument of type json, as
// doc/guide/edge-functions.md says; and what is said of a JSON string.
// Needs: postgres@3.4.5
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases.
import { strict as assert } from "node:assert"
import { Client } from "pg"
import postgres = require("postgres")

const database = "coursebase_drivers"
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
    const admin = new Client({ database: "postgres" })
    await admin.connect()
    try {
        await admin.query(`CREATE DATABASE ${database}`)
        const owner = new Client({ database })
        await owner.connect()
        try {
            await owner.query("CREATE EXTENSION coursebase")
            await owner.query("INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ($1, 'ada', 'Ada', 'ada@example.org')", [ada])
            await owner.query("INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_400', 'ai_credits', 400)")
            await ofPg(owner)
            await ofPostgresJs()
        } finally {
            await owner.end()
        }
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        await admin.end()
    }
}

async function ofPg(owner: Client): Promise<void> {
    for (const value of [receipt, text]) {
        const answer = await owner.query("SELECT coursebase.validate_purchase($1, $2) AS answer", [ada, value])
        assert.equal(answer.rows[0].answer.status, "valid")
    }
}

async function ofPostgresJs(): Promise<void> {
    const sql = postgres({
        database,
        host: process.env.PGHOST,
        port: Number(process.env.PGPORT),
        username: process.env.PGUSER,
        max: 1,
    })
    try {
        const [object] = await sql`SELECT coursebase.validate_purchase(${ada}, ${sql.json(receipt)}::json) AS answer`
        assert.equal(object.answer.status, "valid")
        const [cast] = await sql`SELECT coursebase.validate_purchase(${ada}, ${text}::text::json) AS answer`
        assert.equal(cast.answer.status, "valid")
        await assert.rejects(
            sql`SELECT coursebase.validate_purchase(${ada}, ${text}::json)`,
            (error: postgres.PostgresError) => error.code === "KB801" && /JSON string.*cast/.test(error.hint ?? "")
        )
        await assert.rejects(sql`SELECT coursebase.validate_purchase(${ada}, ${sql.json(receipt)})`, { code: "42883" })
    } finally {
        await sql.end()
    }
}

main().catch((error) => {
    console.error(error)
    process.exitCode = 1
})
