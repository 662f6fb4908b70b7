// postgrest_tables.ts: rows through PostgREST: what foreign keys lead to comes along, both ways; people read and write what is
// theirs, through the tables and through the views that make_api() makes.
import { strict as assert } from "node:assert"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "pg"
import { Calls } from "./client"
import { Ask, atOnce, Caller } from "./postgrest"

const id = (end: string) => `00000000-0000-4000-a000-0000000000${end}`

/** Pairs of relations that have a foreign key, both ways. */
async function pairs(owner: Client, role: string): Promise<[string, string][]> {
    const { rows } = await owner.query(
        `SELECT DISTINCT f.relname AS from, t.relname AS to
         FROM pg_constraint c JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
         WHERE c.contype = 'f' AND c.connamespace = 'coursebase'::regnamespace AND NOT f.relispartition
             AND has_table_privilege($1, f.oid, 'SELECT') AND has_table_privilege($1, t.oid, 'SELECT')
         ORDER BY 1, 2`,
        [role]
    )
    return rows.flatMap(({ from, to }) => (from === to ? [[from, to]] : [[from, to], [to, from]]))
}

/** What the guide says to write between two relations where several ways lead. */
function hints(): Map<string, string[]> {
    const page = readFileSync(join(process.env.TREE ?? "", "doc/guide/browser-and-phone.md"), "utf8")
    const found = new Map<string, string[]>()
    for (const [, one, other, said] of page.matchAll(/^\| `(\w+)` and `(\w+)` \| (.*) \|$/gm)) {
        const names = Array.from(said.matchAll(/`!(\w+)`/g), (each) => each[1])
        found.set(`${one} ${other}`, names).set(`${other} ${one}`, names)
    }
    return found
}

/** Each relation embeds the other by its name; where several ways lead there, by each of the guide's hints and nowhere else. */
async function relations(owner: Client, calls: Calls, ask: Ask, schema: string, caller: Caller): Promise<void> {
    const documented = hints()
    const found = await pairs(owner, caller.role)
    assert.ok(found.length > 100, "there are relations")
    await atOnce(4, found, async ([from, to]) => {
        const get = (hint: string) => ask(caller, `/${from}?select=${to}${hint}(*)&limit=1`, { schema })
        const said = documented.get(`${from} ${to}`)
        await calls.call(`${schema}: ${from} with ${to}`, async () => {
            const plain = await get("")
            assert.equal(plain.status, said ? 300 : 200, JSON.stringify(plain.body))
        })
        for (const hint of said ?? [])
            await calls.call(`${schema}: ${from} with ${to}!${hint}`, async () => assert.equal((await get(`!${hint}`)).status, 200))
    })
}

type Case = [name: string, caller: Caller, method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body: unknown, expected: unknown]

/** Each answers a status with a body, or with the code of a refusal. */
export async function tables(owner: Client, calls: Calls, ask: Ask, schema: string, [anonymous, user, administrator, server]: Caller[]): Promise<void> {
    const [own, lesson, section, course] = [id("0a"), id("f4"), id("f1"), id("d2")]
    const cases: Case[] = [
        ["what is offered", anonymous, "GET", "/storefront_products?select=name,price_dollars", undefined, [{ name: "Bundle", price_dollars: 49 }]],
        ["an offer with its program", anonymous, "GET", "/storefront_courses?select=name,programs(delivery_mode)", undefined,
            [{ name: "Strong", programs: { delivery_mode: "course" } }]],
        ["an outline", anonymous, "GET", `/courses?select=title,course_sections(name,lessons(name))&id=eq.${course}`, undefined, 200],
        ["people, to nobody", anonymous, "GET", "/users", undefined, "401 42501"],
        ["the own profile", user, "GET", "/users?select=name,user_profile!user_id(time_zone)", undefined,
            [{ name: "Ada", user_profile: { time_zone: "UTC" } }]],
        ["the own row alone", user, "GET", "/users?select=id", undefined, [{ id: own }]],
        ["everybody, to an administrator", administrator, "GET", "/users?select=name&clerk_user_id=eq.fixture_bob", undefined, [{ name: "Bob" }]],
        ["the own name", user, "PATCH", `/users?select=name&id=eq.${own}`, { name: "Ada L." }, [{ name: "Ada L." }]],
        ["another's name", user, "PATCH", `/users?select=name&id=eq.${id("0b")}`, { name: "Bo" }, []],
        ["the own role", user, "PATCH", `/users?select=name&id=eq.${own}`, { role: "admin" }, "403 42501"],
        ["a line of the log", user, "POST", "/app_logs", { log_type: "user_action", message: "read" }, 201],
        ["a lesson that is complete, again", user, "POST", "/user_lesson_complete?select=user_id", { lesson_id: lesson }, [{ user_id: own }]],
        ["a lesson back", user, "DELETE", `/user_lesson_complete?select=lesson_id&lesson_id=eq.${lesson}`, undefined, [{ lesson_id: lesson }]],
        ["a lesson at the end", administrator, "POST", "/lessons?select=name,order", { section_id: section, name: "Last" }, [{ name: "Last", order: 3 }]],
        ["a course that is there", administrator, "POST", "/courses?select=id,title", { id: course, title: "Renamed", description: "" }, [{ id: course, title: "Renamed" }]],
        ["a course, by a user", user, "POST", "/courses", { title: "Mine", description: "" }, "403 42501"],
        ["a name that is too much", server, "POST", "/lessons", { section_id: section, name: null }, "400 23502"],
        ["a course of nobody's", server, "POST", "/user_course_access", { user_id: course, course_id: course }, "409 23503"],
        ["a sale", server, "GET", "/purchases?select=users(name),products(name)&limit=1", undefined, 200],
    ]
    for (const [name, caller, method, path, body, expected] of cases) {
        await calls.call(`${schema}: ${name}`, async () => {
            const prefer = typeof expected === "number" ? "tx=rollback" : "tx=rollback, return=representation, resolution=merge-duplicates"
            const answer = await ask(caller, path, { schema, method, body, prefer })
            const said = `${answer.status} ${JSON.stringify(answer.body)}`
            if (typeof expected === "number") assert.equal(answer.status, expected, said)
            else if (typeof expected === "string") assert.equal(`${answer.status} ${answer.body?.code}`, expected, said)
            else assert.deepEqual([answer.status < 300, answer.body], [true, expected], said)
        })
    }
    await relations(owner, calls, ask, schema, server)
}
