// shop_test.ts: a shop's program with drizzle, which knows of no stored procedure but where it says so, does what such
// programs do: 60 operations, each followed by what must hold; in the end the data is sound.
// Needs: drizzle-orm@0.45.1
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import { strict as assert } from "node:assert"
import { Client, Pool } from "pg"
import { run } from "./run"
import { Operation, Shop } from "./shop"
import { catalogue } from "./shop_catalogue"
import { people } from "./shop_people"
import { programs } from "./shop_programs"
import { records } from "./shop_records"
import { progress, sales } from "./shop_sales"

const database = "coursebase_edge"
const parts = { anonymous: "coursebase_edge_anonymous", user: "coursebase_edge_user", server: "coursebase_edge_server" }
const gateway = "coursebase_edge_gateway"
const operations: Operation[] = [...people, ...catalogue, ...sales, ...progress, ...programs, ...records]

async function main(): Promise<void> {
    const admin = await connected("postgres")
    try {
        await admin.query(`CREATE ROLE ${parts.anonymous}`)
        await admin.query(`CREATE ROLE ${parts.user}`)
        await admin.query(`CREATE ROLE ${parts.server} LOGIN BYPASSRLS`)
        await admin.query(`CREATE ROLE ${gateway} LOGIN NOINHERIT IN ROLE ${parts.anonymous}, ${parts.user}`)
        await admin.query(`CREATE DATABASE ${database}`)
        await story()
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        for (const role of [gateway, ...Object.values(parts)]) await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

async function connected(name: string): Promise<Client> {
    const client = new Client({ database: name })
    await client.connect()
    return client
}

function pool(user: string): Pool {
    const made = new Pool({ database, user, max: 16, options: "-c search_path=coursebase" })
    // an idle connection may end with its database
    made.on("error", () => undefined)
    return made
}

async function story(): Promise<void> {
    const owner = await connected(database)
    await owner.query("CREATE EXTENSION coursebase")
    await owner.query("SELECT coursebase.grant_roles($1, $2, $3)", [parts.anonymous, parts.user, parts.server])
    const pools = [pool(parts.server), pool(gateway)]
    try {
        const done = await all(new Shop(pools[0], pools[1]))
        const problems = await owner.query("SELECT * FROM coursebase.check_integrity()")
        assert.deepEqual(problems.rows, [], "check_integrity() finds nothing")
        console.log(`${done} of ${operations.length}`)
        if (done < operations.length) process.exitCode = 1
    } finally {
        await Promise.all(pools.map((each) => each.end()))
        await owner.end()
    }
}

/** One after the other; what one leaves is nothing to the next. */
async function all(shop: Shop): Promise<number> {
    let done = 0
    for (const [n, { name, run }] of operations.entries()) {
        try {
            await run(shop)
            done++
            console.log(`ok ${n + 1}: ${name}`)
        } catch (error) {
            console.log(`FAILED ${n + 1}: ${name}`)
            console.log(error)
        }
    }
    return done
}

run(main)
