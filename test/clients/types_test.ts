// types_test.ts: coursebase.ts, which test/tools/typescript writes, as a program uses it: calls that leave out what may be
// left out compile, wrong ones do not, real answers are of their types, and retry() calls again what asks for it.
//
// The environment is that of client.ts.
import { strict as assert } from "node:assert"
import { Client } from "pg"
import * as answers from "./answers"
import { Calls, inWorld, run, worldOf } from "./client"
import { Database, DatabaseError, errorOf, errors, Functions, HandshakeRequest, retry, Row, statusOf, Tables, Views } from "./coursebase"

/** As supabase-js has it: the name of a function, and its arguments. */
function rpc<F extends keyof Functions>(_name: F, _args: Functions[F]["Args"]): Functions[F]["Returns"] | undefined {
    return undefined
}

/** As supabase-js has it: the name of a table, and a row to insert. */
function insert<T extends keyof Tables>(_table: T, _row: Tables[T]["Insert"]): Row<T> | undefined {
    return undefined
}

/** What compiles, and what does not: an error that is expected and does not come is one, too. */
function compiled(): void {
    const id: string | undefined = rpc("save_product", { product_id: null, name: "Calm", description: "", image_url: "/a", price_dollars: 5 })
    rpc("save_product", { product_id: id, price_dollars: 7, course_ids: ["a"] })
    rpc("upsert_user", { clerk_user_id: "user_2ada" })
    rpc("refund_payment", { charge_id: "ch_1", amount_in_cents: 100, refund_ref: "re_1" })
    rpc("handshake", { user_id: "a", request: { digest: "b" } })?.json_manifest["shop.json"]?.action
    rpc("has_course_access", { course_id: "a" })
    rpc("validate_discount", { user_id: "a", code: "X", product_type: "course", base_in_cents: 1, currency: "USD" })?.[0].reason?.length
    insert("lessons", { section_id: "a", name: "b" })
    insert("user_lesson_complete", { lesson_id: "a" })
    insert("app_logs", { log_type: "user_action", message: "b" })
    insert("plans", { organization_id: "a", program_id: "b", type: "course", name: "c", price_in_cents: 1 })
    insert("users", { clerk_user_id: "a", name: "b" })
    const request: HandshakeRequest = { analytics: { voice: null, audio_usage: { a1: { no_of_plays: 1 } } }, deltas: true }
    rpc("handshake", { user_id: "a", request })
    const name: Views["storefront_courses"]["Row"]["name"] | undefined = "Strong"
    const schema: keyof Database = "coursebase"
    assert.ok(request && name && schema)
    // @ts-expect-error: a number
    rpc("save_product", { price_dollars: "5" })
    // @ts-expect-error: it has to be said
    rpc("has_course_access", {})
    // @ts-expect-error: no such function
    rpc("tg_any__stamp", {})
    // @ts-expect-error: none of the list
    insert("app_logs", { log_type: "anything", message: "b" })
    // @ts-expect-error: it has to be said
    insert("lessons", { name: "b" })
    // @ts-expect-error: none of the enum
    insert("lessons", { section_id: "a", name: "b", status: "hidden" })
    // @ts-expect-error: no such code
    assert.equal(errors.KB000, undefined)
}

async function retried(client: Client): Promise<void> {
    let calls = 0
    const raise = (code: string) => () => {
        calls++
        return client.query(`DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '${code}'; END $$`)
    }
    for (const [code, expected] of [["40001", 3], ["40P01", 3], ["KB007", 3], ["23505", 1], ["KB106", 1]] as const) {
        calls = 0
        await assert.rejects(retry(raise(code), 3), (thrown: DatabaseError) => thrown.code === code)
        assert.equal(calls, expected, code)
    }
    calls = 0
    assert.equal(await retry(async () => (++calls < 3 ? raise("40001")() : "done")), "done")
    // raise() counts as well
    assert.equal(calls, 3)
    calls = 0
    const answer = await retry(async () => ({ data: null, error: ++calls < 2 ? { code: "40001", message: "" } : null }))
    assert.deepEqual([answer.error, calls], [null, 2])
}

async function told(client: Client): Promise<void> {
    const thrown = await client.query("SELECT coursebase.assign_cohort($1, 'none')", ["00000000-0000-4000-8000-000000000000"]).catch((e) => e)
    assert.equal(errorOf(thrown)?.status, 404)
    assert.equal(errorOf(new Error("another")), undefined)
    const codes = { KB203: 409, KB822: 401, "42501": 403, "23505": 409, "23514": 400, "22P02": 400, "40001": 503, "55P03": 503, "53300": 503, "42P01": 500 }
    assert.equal(statusOf(thrown), 404)
    for (const [code, status] of Object.entries(codes)) assert.equal(statusOf({ code, message: "" }), status, code)
    assert.equal(statusOf(new Error("another")), 500)
}

/** Each kind of answer was written, and each action of a handshake. */
function answered(): void {
    const kinds = new Set(Object.keys(answers).map((name) => name.replace(/_\d+$/, "")))
    for (const name of ["admin_dashboard", "export_user", "handshake", "storefront_course", "submit_custom_course", "validate_purchase"])
        assert.ok(kinds.has(name), name)
    assert.deepEqual([...answers.actions].sort(), ["add", "append", "delete", "keep", "update"])
}

async function main(): Promise<void> {
    const calls = new Calls("coursebase.ts")
    await calls.call("what compiles", compiled)
    await calls.call("answers", answered)
    await inWorld(worldOf("types"), async (client) => {
        await calls.call("retry", () => retried(client))
        await calls.call("errorOf", () => told(client))
    })
    calls.end()
}

run(main)
