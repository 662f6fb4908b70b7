// pgbouncer_test.ts: 3,000 mixed transactions of several people through pgbouncer in transaction mode, over four connections
// of the server, with role and claims set for the transaction: each answer is its own person's. Named statements outlive the
// transaction that made them, so that people run what others prepared; statements that the protocol names need pgbouncer 1.21.
// Debian: pgbouncer
//
// The environment is that of client.ts; PACKAGES is where the package is unpacked. SEED is the number of the run (1).
import { strict as assert } from "node:assert"
import { ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { Client, ClientBase, Pool } from "pg"
import { Calls, freePort, inWorld, run, worldOf } from "./client"

const world = worldOf("pgbouncer")
const program = `${process.env.PACKAGES}/usr/sbin/pgbouncer`
const transactions = 3000
const sessions = 24
const connections = 4
const course = "00000000-0000-4000-8000-0000000000c1"

interface Person {
    id: string
    sub: string
    /** people with an even number have the course, the first is an administrator */
    owns: boolean
    admin: boolean
}

const people: Person[] = Array.from({ length: 9 }, (_, n) => ({
    id: `00000000-0000-4000-8000-0000000000${(0xa0 + n).toString(16)}`,
    sub: `bouncer_${n}`,
    owns: n % 2 === 0,
    admin: n === 0,
}))

let seed = Number(process.env.SEED ?? 1)

/** A whole number from 0 to below the limit; the same seed gives the same ones. */
function random(limit: number): number {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * limit)
}

async function main(): Promise<void> {
    console.log(`seed ${seed}`)
    await inWorld(world, async (owner) => {
        for (const { id, sub, admin } of people)
            await owner.query("INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES ($1, $2, $2, $2 || '@example.org', $3)", [
                id, sub, admin ? "admin" : "user",
            ])
        await owner.query("INSERT INTO coursebase.courses (id, title, description, price_in_cents, currency) VALUES ($1, 'Calm', '', 900, 'EUR')", [course])
        for (const person of people)
            if (person.owns) await owner.query("INSERT INTO coursebase.course_grants (user_id, course_id) VALUES ($1, $2)", [person.id, course])
        await pooled(owner)
    })
}

function version(): number {
    const said = execFileSync(program, ["--version"], { encoding: "utf8" })
    const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(said) ?? []
    return Number(major) * 100 + Number(minor)
}

async function pooled(owner: Client): Promise<void> {
    const port = await freePort()
    const named = version() >= 121
    if (!named) console.log(`note: pgbouncer ${version() / 100} lets no statement be named by the protocol: named by SQL alone`)
    const settings = `
        [databases]
        ${world.database} = host=${process.env.PGHOST} port=${process.env.PGPORT} user=${world.gateway}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = ${port}
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = ${connections}
        query_wait_timeout = 180
        ${named ? "max_prepared_statements = 100" : ""}`
    const file = `${__dirname}/pgbouncer.ini`
    writeFileSync(file, settings.replace(/^ +/gm, ""))
    const libraries = `${process.env.PACKAGES}/usr/lib`
    // It refuses to run as root: then as the owner of the server's directory.
    const runner = execFileSync("id", ["-un", String(statSync(process.env.PGHOST ?? "/").uid)], { encoding: "utf8" }).trim()
    const child = spawn(program, process.getuid?.() === 0 ? ["-q", "-u", runner, file] : ["-q", file], {
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, LD_LIBRARY_PATH: (existsSync(libraries) ? readdirSync(libraries) : []).map((folder) => `${libraries}/${folder}`).join(":") },
    })
    try {
        await ready(port, child)
        await mixed(owner, port, named)
    } finally {
        child.kill("SIGKILL")
    }
}

async function ready(port: number, child: ChildProcess): Promise<void> {
    for (let left = 1800; left > 0 && child.exitCode === null; left--) {
        const client = new Client({ host: "127.0.0.1", port, database: world.database, user: world.gateway })
        client.on("error", () => undefined)
        const done = await client.connect().then(() => client.end()).then(() => true, () => false)
        if (done) return
        await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error("pgbouncer did not start")
}

/** What was seen of the pool: the server's processes, and how often a person ran what another had prepared. */
const pids = new Set<number>()
const preparers = new Map<number, string>()
let borrowed = 0

async function mixed(owner: Client, port: number, named: boolean): Promise<void> {
    const calls = new Calls("pgbouncer")
    const pool = new Pool({ host: "127.0.0.1", port, database: world.database, user: world.gateway, max: sessions })
    pool.on("error", () => undefined)
    let left = transactions
    const session = async (): Promise<void> => {
        while (left-- > 0) {
            const kind = kinds[random(kinds.length)]
            const person = people[random(people.length)]
            await calls.call(`${kind.name} as ${person.sub}`, () => transaction(pool, kind, person, named))
        }
    }
    await Promise.all(Array.from({ length: sessions }, session))
    await pool.end()
    assert.ok(pids.size > 0 && pids.size <= connections, `${pids.size} connections of the server`)
    assert.ok(borrowed > transactions / 50, `${borrowed} runs of what somebody else prepared`)
    await calls.call("what was written is each person's own", () => written(owner))
    console.log(`${pids.size} connections, ${borrowed} runs of what somebody else prepared`)
    calls.end()
}

type Kind = (client: ClientBase, person: Person, named: boolean) => Promise<void>

/** One transaction on whatever connection of the server pgbouncer gives it. */
async function transaction(pool: Pool, kind: Kind, person: Person, named: boolean): Promise<void> {
    const client = await pool.connect()
    try {
        await client.query("BEGIN")
        const [role, claims] = kind === stranger ? [world.anonymous, ""] : [world.user, JSON.stringify({ sub: person.sub })]
        const set = "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true), pg_backend_pid() AS pid"
        if (kind !== bare) pids.add((await client.query(set, [role, claims])).rows[0].pid)
        await kind(client, person, named)
        await client.query(random(4) === 0 ? "ROLLBACK" : "COMMIT")
    } catch (error) {
        await client.query("ROLLBACK")
        throw error
    } finally {
        client.release()
    }
}

async function self(client: ClientBase, person: Person, named: boolean): Promise<void> {
    const text = "SELECT coursebase.current_user_id() AS id, coursebase.is_admin() AS admin, $1::text AS tag"
    const answer = await client.query(named ? { name: "self", text, values: [person.sub] } : { text, values: [person.sub] })
    assert.deepEqual(answer.rows, [{ id: person.id, admin: person.admin, tag: person.sub }])
}

/** A statement that SQL named stays on the server's connection, whoever comes next. */
async function statement(client: ClientBase, person: Person): Promise<void> {
    const found = await client.query("SELECT pg_backend_pid() AS pid, EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'mine') AS there")
    const { pid, there } = found.rows[0]
    if (!there) {
        await client.query("PREPARE mine AS SELECT id, coursebase.has_course_access('" + course + "') AS owns FROM coursebase.users ORDER BY id = coursebase.current_user_id() DESC LIMIT 1")
        preparers.set(pid, person.sub)
    } else if (preparers.get(pid) !== person.sub) borrowed++
    const answer = await client.query("EXECUTE mine")
    assert.deepEqual(answer.rows, [{ id: person.id, owns: person.owns || person.admin }])
}

async function rows(client: ClientBase, person: Person): Promise<void> {
    const answer = await client.query("SELECT id FROM coursebase.users ORDER BY id")
    const expected = person.admin ? people.map(({ id }) => id) : [person.id]
    assert.deepEqual(answer.rows.map(({ id }) => id), expected)
}

async function writes(client: ClientBase, person: Person): Promise<void> {
    const renamed = await client.query("UPDATE coursebase.users SET name = $1 WHERE id = coursebase.current_user_id() RETURNING id", [person.sub])
    assert.deepEqual(renamed.rows, [{ id: person.id }])
    const log = "INSERT INTO coursebase.app_logs (log_type, message) VALUES ('user_action', $1)"
    await client.query(log, [person.sub])
}

/** As an edge function calls it: the server's role for this one transaction. */
async function handshake(client: ClientBase, person: Person): Promise<void> {
    await client.query("SELECT set_config('role', $1, true)", [world.server])
    const answer = await client.query("SELECT coursebase.handshake($1, '{}'::json) AS state, coursebase.has_course_access($2, $1) AS owns", [
        person.id, course,
    ])
    assert.equal(typeof answer.rows[0].state, "object")
    assert.equal(answer.rows[0].owns, person.owns || person.admin)
}

/** A question about another is refused, which ends the transaction: nothing of it stays for whoever comes next. */
async function refused(client: ClientBase, person: Person): Promise<void> {
    const other = people.find(({ id }) => id !== person.id) as Person
    if (person.admin) return
    await assert.rejects(client.query("SELECT coursebase.has_course_access($1, $2)", [course, other.id]), { code: "42501" })
}

async function savepoint(client: ClientBase, person: Person): Promise<void> {
    const other = people[(people.indexOf(person) + 1) % people.length]
    const asking = "SELECT coursebase.current_user_id() AS id"
    await client.query("SAVEPOINT other")
    await client.query("SELECT set_config('request.jwt.claims', $1, true)", [JSON.stringify({ sub: other.sub })])
    assert.equal((await client.query(asking)).rows[0].id, other.id)
    await client.query("ROLLBACK TO other")
    assert.equal((await client.query(asking)).rows[0].id, person.id)
}

async function stranger(client: ClientBase): Promise<void> {
    const answer = await client.query("SELECT coursebase.current_user_id() AS id, coursebase.has_course_access($1) AS owns", [course])
    assert.deepEqual(answer.rows, [{ id: null, owns: false }])
}

/** Neither role nor claims: those of the transaction before have ended with it. */
async function bare(client: ClientBase): Promise<void> {
    const answer = await client.query("SELECT current_user::text AS role, coalesce(current_setting('request.jwt.claims', true), '') AS claims")
    assert.deepEqual(answer.rows, [{ role: world.gateway, claims: "" }])
}

const kinds: Kind[] = [self, self, statement, statement, rows, writes, handshake, refused, savepoint, stranger, bare]

async function written(owner: Client): Promise<void> {
    const wrong = await owner.query(
        `SELECT l.message, u.clerk_user_id FROM coursebase.app_logs l LEFT JOIN coursebase.users u ON u.id = l.user_id
         WHERE l.message IS DISTINCT FROM u.clerk_user_id`
    )
    assert.deepEqual(wrong.rows, [])
    assert.ok((await owner.query("SELECT count(*)::integer AS n FROM coursebase.app_logs")).rows[0].n > 0)
    assert.deepEqual((await owner.query("SELECT * FROM coursebase.check_integrity()")).rows, [])
}

run(main)
