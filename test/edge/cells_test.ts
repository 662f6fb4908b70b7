// cells_test.ts: the router of doc/guide/edge/cells.ts between two cells: whoever lives in one is answered by it, whatever the router
// believed before; a call is made once, also while its person moves; who is new is home's; one server that is away stops nobody of
// the other.
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import { strict as assert } from "node:assert"
import { Client, Pool } from "pg"
import { Cells } from "./cells"
import { run } from "./run"

const databases = ["coursebase_cells_0", "coursebase_cells_1"]
const roles = ["coursebase_cells_anonymous", "coursebase_cells_user", "coursebase_cells_server"]
const people = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"]
const product = "00000000-0000-4000-8000-0000000000d1"

async function connected(database: string): Promise<Client> {
    const client = new Client({ database })
    await client.connect()
    return client
}

/** A pool that counts the calls about people which come to it. */
class Counting extends Pool {
    calls = 0
}

function pool(database: string, port?: number): Counting {
    const made = new Counting({ database, port, user: roles[2], max: 4 })
    made.on("error", () => undefined)
    return made
}

/** Two databases as two cells, cell 0 home. What replication would bring from home is written by hand. */
async function stage(owners: Client[]): Promise<void> {
    for (const [number, owner] of owners.entries()) {
        await owner.query("CREATE EXTENSION coursebase")
        await owner.query("SELECT coursebase.grant_roles($1, $2, $3)", roles)
        await replicated(owner, `
            INSERT INTO coursebase.people (user_id, external_id, cell) VALUES ('${people[0]}', 'user_a', 0), ('${people[1]}', 'user_b', 1);
            INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000000c1', 'Course', '');
            INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
            VALUES ('${product}', 'Product', '', '/p.png', 1, 'public');
            INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('${product}', '00000000-0000-4000-8000-0000000000c1')`)
        await owner.query("SELECT coursebase.set_cell($1, 2)", [number])
    }
    const { PGHOST, PGPORT, PGUSER } = process.env
    const home = `host=${PGHOST} port=${PGPORT} user=${PGUSER} dbname=${databases[0]}`
    await owners[1].query(`CREATE SUBSCRIPTION coursebase_home CONNECTION '${home}' PUBLICATION coursebase_home WITH (connect = false)`)
    for (const [number, person] of people.entries())
        await owners[number].query("SELECT coursebase.upsert_user($1, 'Name', 'name@example.org', user_id => $2)", [`user_${"ab"[number]}`, person])
}

async function replicated(owner: Client, sql: string): Promise<void> {
    await owner.query("SET session_replication_role = replica")
    await owner.query(sql)
    await owner.query("RESET session_replication_role")
}

async function main(): Promise<void> {
    const admin = await connected("postgres")
    try {
        for (const database of databases) await admin.query(`CREATE DATABASE ${database}`)
        for (const role of roles) await admin.query(`CREATE ROLE ${role} LOGIN${role.endsWith("server") ? " BYPASSRLS" : ""}`)
        const owners = await Promise.all(databases.map(connected))
        try {
            await stage(owners)
            await story(owners)
        } finally {
            await owners[1].query("ALTER SUBSCRIPTION coursebase_home DISABLE; ALTER SUBSCRIPTION coursebase_home SET (slot_name = NONE)").catch(() => undefined)
            await owners[1].query("DROP SUBSCRIPTION IF EXISTS coursebase_home").catch(console.error)
            await Promise.all(owners.map((each) => each.end()))
        }
    } finally {
        for (const database of databases) await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        for (const role of roles) await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

async function story(owners: Client[]): Promise<void> {
    const pools = databases.map((database) => pool(database))
    const cells = new Cells(pools)
    const asked = (): number[] => pools.map((each) => each.calls)
    const call = (person: string, sql: string, values: unknown[]): Promise<Record<string, unknown>> =>
        cells.of(person, async (of) => {
            of.calls++
            return (await of.query(sql, values)).rows[0]
        })
    const buy = (person: string, session: string) =>
        call(person, "SELECT p::text AS sold FROM coursebase.complete_purchase($1, $2, $3, 100, 'paid') p", [person, product, session])
    const sales = async (): Promise<number[]> =>
        Promise.all(owners.map(async (owner) => Number((await owner.query("SELECT count(*) FROM coursebase.purchases")).rows[0].count)))

    try {
        await buy(people[0], "cs_a")
        await buy(people[1], "cs_b")
        assert.deepEqual(asked(), [1, 1], "each call goes to the person's cell at once")
        assert.deepEqual(await sales(), [1, 1])
        const who = await call("user_b", "SELECT id FROM coursebase.users WHERE clerk_user_id = $1", ["user_b"])
        assert.equal(who.id, people[1], "a token's subject names the person, too")

        await comesHome(owners, people[1], asked, () => buy(people[1], "cs_moving"))
        assert.deepEqual(await sales(), [3, 0], "a call during a move is made once, where the person arrives")
        const before = asked()
        await buy(people[1], "cs_moved")
        assert.deepEqual(asked(), [before[0] + 1, before[1]], "and the next one goes there at once")
        const late = asked()
        assert.equal((await call("user_b", "SELECT coursebase.handshake($1, '{}')::text IS NOT NULL AS right", [people[1]])).right, true)
        assert.deepEqual(asked(), [late[0] + 1, late[1] + 1], "what was kept under the other name is wrong, and the cell says so")

        const refused = asked()
        await assert.rejects(call(people[0], "SELECT coursebase.save_product(NULL)", []), (thrown: { code: string }) => !/^KBC/.test(thrown.code))
        assert.deepEqual(asked(), [refused[0] + 1, refused[1]], "an error of another kind is the caller's, at once")

        const fresh = await cells.home((home) => home.query("SELECT user_id, cell FROM coursebase.place_person('user_new', 1)", []))
        assert.equal(fresh.rows[0].cell, 1)
        const unknown = asked()
        await assert.rejects(buy("00000000-0000-4000-8000-0000000000ff", "cs_nobody"), { code: "KB106" })
        assert.deepEqual(asked(), [unknown[0] + 1, unknown[1]], "whom nobody knows home is asked about")

        const half = [pool(databases[0], 1), pools[1]]
        const without = new Cells(half)
        assert.deepEqual(await without.of(people[0], (of) => Promise.resolve(half.indexOf(of))), 0)
        await assert.rejects(without.of(people[0], (of) => of.query("SELECT 1", [])), { code: /^(?:ECONNREFUSED|ENOENT)$/ })
        await half[0].end()
        await assert.rejects(new Cells(pools.slice(0, 1)).of("user_new", (of) => Promise.resolve(of)), /cell 1 has no address/)
        console.log("ok")
    } finally {
        await Promise.all(pools.map((each) => each.end()))
    }
}

/** Cell 1 gives a person to home: the call begins meanwhile, and the person arrives once it was refused and is made again. */
async function comesHome([home, cell]: Client[], person: string, asked: () => number[], call: () => Promise<unknown>): Promise<void> {
    const taken = await cell.query("SELECT coursebase.take_person($1) AS document", [person])
    const { document } = taken.rows[0]
    const before = asked()[1]
    const called = call()
    let ended = false
    // it is awaited below: until then nobody may call it unhandled
    void called.catch(() => undefined).finally(() => (ended = true))
    while (!ended && asked()[1] < before + 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await home.query("SELECT coursebase.move_person($1, 0)", [document])
    await replicated(cell, `UPDATE coursebase.people SET cell = 0, moves = moves + 1 WHERE user_id = '${person}'`)
    const put = await home.query("SELECT coursebase.put_person($1) AS receipt", [document])
    await cell.query("SELECT coursebase.release_person($1, $2)", [person, put.rows[0].receipt])
    await called
}

run(main)
