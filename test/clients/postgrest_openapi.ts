// postgrest_openapi.ts: what PostgREST's OpenAPI shows to each part, compared with postgrest_openapi.txt, a line for each
// function and table: which part sees it in which schema, its arguments or the columns that an INSERT must name.
//
// ACCEPT=yes test/check clients/postgrest writes the file anew; git diff then shows what changed for clients.
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "pg"
import { Calls } from "./client"
import { Ask, Caller } from "./postgrest"

interface OpenApi {
    info: { title: string; description?: string }
    paths: Record<string, { post?: { parameters?: { in: string; schema?: Definition }[] } }>
    definitions: Record<string, Definition>
}

interface Definition {
    required?: string[]
    properties?: Record<string, object>
}

const file = join(process.env.TREE ?? "", "test/clients/postgrest_openapi.txt")

/** Arguments of a function, those that may be left out behind ?; columns that a table wants. */
function shape(api: OpenApi, path: string): string {
    if (!path.startsWith("/rpc/")) return (api.definitions[path.slice(1)]?.required ?? []).join(", ")
    const body = api.paths[path].post?.parameters?.find((each) => each.in === "body")?.schema ?? {}
    const wanted = body.required ?? []
    return [...wanted, ...Object.keys(body.properties ?? {}).filter((name) => !wanted.includes(name)).map((name) => `${name}?`)].join(", ")
}

/** A path and its shape, with the parts that see it in each schema. */
function summary(seen: { schema: string; caller: Caller; api: OpenApi }[]): string {
    const lines = new Map<string, Map<string, string[]>>()
    for (const { schema, caller, api } of seen) {
        for (const path of Object.keys(api.paths).filter((each) => each !== "/")) {
            const line = `${path} (${shape(api, path)})`
            const schemas = lines.get(line) ?? new Map<string, string[]>()
            lines.set(line, schemas.set(schema, [...(schemas.get(schema) ?? []), caller.name]))
        }
    }
    return Array.from(lines, ([line, schemas]) => `${line}: ${Array.from(schemas, ([schema, names]) => `${schema} ${names.join(", ")}`).join("; ")}\n`)
        .sort()
        .join("")
}

/** Functions that policies call without a person to ask about, but for those that people call, too. */
async function helpers(owner: Client): Promise<string[]> {
    const { rows } = await owner.query(
        `SELECT DISTINCT '/rpc/' || p.proname AS path FROM pg_policy o
         JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = o.oid AND d.refclassid = 'pg_proc'::regclass
         JOIN pg_proc p ON p.oid = d.refobjid
         WHERE p.proname NOT IN ('current_user_id', 'is_admin') AND NOT coalesce('user_id' = ANY (p.proargnames), false)`)
    return rows.map((row) => row.path)
}

/** test/tools/typescript writes the functions and relations that the parts see, and no others. */
function typed(database: string, seen: { schema: string; api: OpenApi }[]): void {
    const { schema } = seen[0]
    const text = execFileSync(join(process.env.TREE ?? "", "test/tools/typescript"), [database, schema], { encoding: "utf8" })
    const names = Array.from(text.matchAll(/^ {12}(\w+): \{$/gm), (each) => each[1])
    const paths = new Set(seen.flatMap(({ api }) => Object.keys(api.paths)).filter((path) => path !== "/"))

    assert.match(text, new RegExp(`^    ${schema}: \\{$`, "m"))
    assert.deepEqual([...new Set(names)].sort(), [...new Set(Array.from(paths, (path) => path.replace(/^\/(rpc\/)?/, "")))].sort())
}

export async function openApi(owner: Client, calls: Calls, ask: Ask, schemas: string[], callers: Caller[]): Promise<void> {
    const seen: { schema: string; caller: Caller; api: OpenApi }[] = []
    const database = (await owner.query("SELECT current_database() AS name")).rows[0].name
    const hidden = await helpers(owner)
    const text = (await owner.query("SELECT obj_description('coursebase'::regnamespace) AS text")).rows[0].text as string
    const [title, ...rest] = text.split("\n")

    assert.ok(hidden.length > 10, "policies call functions")
    for (const schema of schemas) {
        for (const caller of callers) {
            await calls.call(`${schema} to ${caller.name}`, async () => {
                const { status, body } = await ask(caller, "/", { schema })
                assert.equal(status, 200)
                assert.deepEqual([body.info.title, body.info.description?.trim()], [title, rest.join("\n").trim()])
                seen.push({ schema, caller, api: body })
            })
        }
    }
    for (const { schema, caller, api } of seen.filter((each) => each.schema !== "coursebase")) {
        await calls.call(`${schema} to ${caller.name}: no helper of a policy`, () =>
            assert.deepEqual(hidden.filter((path) => path in api.paths), []))
        await calls.call(`${schema} to ${caller.name}: what people use`, () => {
            for (const path of ["/storefront_products", "/courses", "/rpc/has_course_access", "/rpc/whoami"]) assert.ok(path in api.paths, path)
        })
        await calls.call(`${schema} to ${caller.name}: no mark for another program`, () =>
            assert.doesNotMatch(JSON.stringify(api), /@(primaryKey|foreignKey|graphql|name)\b/))
    }
    await calls.call("coursebase.ts of a schema that make_api() made", () => typed(database, seen.filter((each) => each.schema !== "coursebase")))
    const found = summary(seen)
    if (process.env.ACCEPT === "yes") writeFileSync(file, found)
    await calls.call("as in postgrest_openapi.txt", () => {
        const [now, before] = [found.split("\n"), readFileSync(file, "utf8").split("\n")]
        const differences = { more: now.filter((line) => !before.includes(line)), less: before.filter((line) => !now.includes(line)) }
        assert.deepEqual(differences, { more: [], less: [] }, `ACCEPT=yes writes it anew: ${JSON.stringify(differences, null, 1)}`)
    })
}
