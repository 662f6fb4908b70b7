// postgrest_functions.ts: each function that some part may call, called through PostgREST as everybody who calls, by POST and,
// where it only reads, by GET: the answer is one, or a refusal with the status that the table of errors gives.
//
// The functions are those of the catalogue, their arguments those of test/tools/memory.calls, where every function needs a
// line: a new one joins by itself. No call stays: each finds the fixtures as they are.
import { strict as assert } from "node:assert"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "pg"
import { Calls } from "./client"
import { Answer, Ask, atOnce, Caller } from "./postgrest"

interface Callable {
    name: string
    reads: boolean
    /** names of the roles that may call it */
    roles: string[]
    /** arguments by name, each as JSON and as text */
    calls: Record<string, [unknown, string | null]>[]
}

/** Functions of the same names and arguments that answer the arguments: a call of SQL becomes a call of PostgREST. */
const samples = `
    CREATE SCHEMA samples;
    SELECT format('CREATE FUNCTION samples.%I(%s) RETURNS jsonb LANGUAGE sql AS %L', f.proname, pg_get_function_arguments(f.oid),
        format('SELECT jsonb_build_object(%s)', (
            SELECT string_agg(format('%L, jsonb_build_array($%s, $%2$s::text)', a.name, a.n), ', ')
            FROM unnest(f.proargnames[1:f.pronargs]) WITH ORDINALITY AS a (name, n)))) AS ddl
    FROM pg_proc f WHERE f.pronamespace = 'coursebase'::regnamespace AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)`

const fixture = (id: string) => `'00000000-0000-4000-a000-0000000000${id}'`
const at = "'2026-01-01 13:00+00'"

/** The calls of these in memory.calls need more than the fixtures have, or are refused: one for each that is answered. */
const more: Record<string, string> = {
    attach_referral: `(${fixture("0c")}, 'UFIXADA', ${at})`,
    merge_users: `((SELECT id FROM coursebase.users WHERE clerk_user_id = 'rest_bea'), (SELECT id FROM coursebase.users WHERE clerk_user_id = 'rest_ada'), ${at})`,
    redeem_discount: `(${fixture("0c")}, 'fixture', 'course', 1000, 'EUR', 'rest', NULL, ${at})`,
    reserve_discount: `(${fixture("0c")}, 'fixture', 'course', 1000, 'EUR', 'rest', NULL, '15 minutes', ${at})`,
    spend_referral_credit: `(${fixture("0b")}, 1, 'rest', '2026-02-01 12:00+00', 'EUR')`,
}
/** Refused wherever there is one server, as here: tests of their own have several. */
const ofSeveral = new Set(["refill_counter", "move_person", "put_person", "take_person", "merge_guests"])
/** What others find there: reservations, and no notification, for the one of the fixtures is of no provider's form. */
const rows = `
    SELECT coursebase.reserve_credits(${fixture("0a")}, 0, key, ${at}) FROM unnest(ARRAY['memory 7', 'memory release']) AS k (key);
    DELETE FROM coursebase.store_notifications`

/** What test/tools/memory puts for the names in a call. */
function filled(call: string): string {
    const ids: Record<string, string> = { ada: "0a", document: "e1", purchase: "e2", link: "e3" }
    const form = {
        issue: "I cannot fall asleep at night", goal: "Sleeping within twenty minutes", feel: "Calm and rested", why: "For my children",
        title: "Sleep again", scripts: ["a", "b", "c"].map((technique, n) => ({ number: n + 1, technique })),
    }
    return call
        .replace(/:(ada|document|purchase|link)\b/g, (_, name) => fixture(ids[name]))
        .replace(/:at\b/g, at)
        .replace(/:form\b/g, `'${JSON.stringify(form)}'`)
        .replace(/\bi\b(?!')/g, "7")
}

/** The text from an opening parenthesis to the one that closes it; those within quotes do not count. */
function parenthesised(text: string): string {
    let depth = 0
    let quoted = false
    for (let at = 0; at < text.length; at++) {
        if (text[at] === "'") quoted = !quoted
        else if (!quoted && text[at] === "(") depth++
        else if (!quoted && text[at] === ")" && --depth === 0) return text.slice(0, at + 1)
    }
    throw new Error(`not closed: ${text}`)
}

/** The arguments of each call of the function in memory.calls. */
function argumentsOf(name: string, lines: string[]): string[] {
    const found = new Set<string>(name in more ? [more[name]] : [])
    for (const line of lines.filter((each) => each.startsWith(`${name}: `))) {
        const text = filled(line.slice(name.length + 2))
        for (const call of text.matchAll(new RegExp(`\\bcoursebase\\.${name}\\(`, "g")))
            found.add(parenthesised(text.slice(call.index! + call[0].length - 1)))
    }
    return [...found]
}

/** The functions of the schema that some part may call, with the sample calls of each. */
async function callables(owner: Client, schema: string, roles: string[]): Promise<Callable[]> {
    const lines = readFileSync(join(process.env.TREE ?? "", "test/tools/memory.calls"), "utf8").split("\n")
    const { rows } = await owner.query(
        `SELECT f.proname AS name, f.provolatile <> 'v' AS reads,
            ARRAY(SELECT r FROM unnest($2::text[]) r WHERE has_function_privilege(r, f.oid, 'EXECUTE')) AS roles
         FROM pg_proc f WHERE f.pronamespace = $1::regnamespace AND EXISTS (
            SELECT FROM unnest($2::text[]) r WHERE has_function_privilege(r, f.oid, 'EXECUTE')) ORDER BY f.proname`,
        [schema, roles]
    )
    const made: Callable[] = []
    for (const row of rows) {
        const calls = []
        for (const each of argumentsOf(row.name, lines)) {
            const answer = await owner.query(`SELECT samples.${row.name}${each} AS sample`)
            calls.push(answer.rows[0].sample)
        }
        made.push({ ...row, calls })
    }
    return made
}

const bodyOf = (call: Callable["calls"][0]) =>
    Object.fromEntries(Object.entries(call).filter(([, [json]]) => json !== null).map(([name, [json]]) => [name, json]))
const queryOf = (call: Callable["calls"][0]) =>
    new URLSearchParams(Object.entries(call).filter(([, [json]]) => json !== null).map(([name, [, text]]) => [name, text as string])).toString()

/** PostgREST gives a json argument of the address as a JSON string; what is measured differs from call to call. */
const differs = (name: string, call: Callable["calls"][0]) =>
    name === "metrics" || Object.values(call).some(([json]) => typeof json === "object" && json !== null && !Array.isArray(json))

/** The status that a refusal has by the table of errors, or that PostgREST gives to the server's own codes; otherwise none. */
function statusOf(code: string, caller: Caller, documented: Map<string, number>): number | undefined {
    const own: Record<string, number> = { "42501": caller.sub === undefined ? 401 : 403, "23503": 409, "23505": 409 }
    return documented.get(code) ?? own[code] ?? (/^(22|23|0A)/.test(code) ? 400 : undefined)
}

function right(answer: Answer, caller: Caller, may: boolean, documented: Map<string, number>): void {
    const said = `${answer.status} ${JSON.stringify(answer.body)}`
    if (may && answer.status >= 200 && answer.status < 300) return
    assert.equal(answer.status, statusOf(answer.body?.code, caller, documented), said)
    assert.ok(answer.status < 500, said)
    if (!may) assert.match(said, /42501.*permission denied for function/)
    else assert.doesNotMatch(said, /permission denied for/)
}

/** Every function of the schema by each of the callers; each function answers somebody. */
export async function functions(owner: Client, calls: Calls, ask: Ask, schema: string, callers: Caller[], documented: Map<string, number>): Promise<void> {
    const all = await callables(owner, schema, [...new Set(callers.map((caller) => caller.role))])
    const answered = new Set<string>()
    assert.ok(all.length > 50, "there are functions")
    await calls.call(`${schema}: sample calls`, () =>
        assert.deepEqual(all.filter((each) => each.calls.length === 0).map((each) => each.name), [], "no call in memory.calls"))
    const tasks = all.flatMap((each) => callers.flatMap((caller) => {
        const may = each.roles.includes(caller.role)
        return each.calls.slice(0, may ? undefined : 1).map((call) => ({ each, call, caller, may }))
    }))
    await atOnce(4, tasks, async ({ each, call, caller, may }) => {
        const path = `/rpc/${each.name}`
        const name = `${schema}: ${each.name}(${queryOf(call)}) as ${caller.name}`
        const request = { schema, prefer: "tx=rollback" }
        let posted: Answer | undefined
        await calls.call(`POST ${name}`, async () => {
            posted = await ask(caller, path, { ...request, method: "POST", body: bodyOf(call) })
            right(posted, caller, may, documented)
            if (posted.status < 300) answered.add(each.name)
        })
        if (!each.reads || !may) return
        await calls.call(`GET ${name}`, async () => {
            const got = await ask(caller, `${path}?${queryOf(call)}`, request)
            right(got, caller, may, documented)
            if (!differs(each.name, call)) assert.deepEqual(got, posted)
        })
    })
    await calls.call(`${schema}: each function answers somebody`, () =>
        assert.deepEqual(all.map((each) => each.name).filter((name) => !answered.has(name) && !ofSeveral.has(name)), []))
}

/** Makes what functions() needs beside the fixtures. */
export async function prepared(owner: Client): Promise<void> {
    const ddl = await owner.query(samples)
    const last = Array.isArray(ddl) ? ddl[ddl.length - 1] : ddl
    for (const row of last.rows) await owner.query(row.ddl)
    await owner.query(rows)
}
