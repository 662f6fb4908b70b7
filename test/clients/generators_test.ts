// generators_test.ts: what drizzle-kit pull and kysely-codegen write of a database with coursebase compiles, and a program
// that leaves out what the database fills compiles against it. What drizzle-kit pull wrote, drizzle-kit push finds there:
// it runs no statement, and row security stays on.
// Needs: drizzle-kit@0.31.4 drizzle-orm@0.45.1 kysely@0.28.5 kysely-codegen@0.19.0
//
// The environment is that of client.ts.
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Client } from "pg"
import { Calls, inWorld, run, worldOf } from "./client"

const world = worldOf("generators")
// where the packages are, too
const base = resolve(__dirname, "..")
const folder = `${base}/generated`
// the tables that the guide names
const unwritten = ["access_events", "closed_id_key", "closed_ids", "event_claims", "event_consumers"]

function generate(program: string, ...args: string[]): string {
    try {
        return execFileSync(process.execPath, [`${base}/node_modules/${program}`, ...args], { cwd: folder, encoding: "utf8", timeout: 600_000 })
    } catch (failed) {
        const said = failed as { stdout?: string; stderr?: string }
        throw new Error(`${program}: ${said.stdout ?? ""}${said.stderr ?? ""}`)
    }
}

function compile(...files: string[]): void {
    generate("typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2020", "--module", "nodenext",
        "--moduleResolution", "nodenext", "--types", "node", ...files)
}

function drizzle(url: string): void {
    const config = {
        dialect: "postgresql", schemaFilter: ["coursebase"], tablesFilter: unwritten.map((table) => `!${table}`), out: "./drizzle",
        schema: "./drizzle/schema.ts", dbCredentials: { url },
    }
    writeFileSync(`${folder}/drizzle.config.json`, JSON.stringify(config))
    generate("drizzle-kit/bin.cjs", "pull", "--config=drizzle.config.json")
    writeFileSync(`${folder}/with_drizzle.ts`, `
        import { appLogsInCoursebase, lessonsInCoursebase, plansInCoursebase, usersInCoursebase } from "./drizzle/schema"
        export const lesson: typeof lessonsInCoursebase.$inferInsert = { sectionId: "a", name: "b" }
        export const plan: typeof plansInCoursebase.$inferInsert = { organizationId: "a", type: "course", name: "b", priceInCents: 1 }
        export const user: typeof usersInCoursebase.$inferInsert = { clerkUserId: "a", name: "b" }
        export const log: typeof appLogsInCoursebase.$inferInsert = { logType: "user_action", message: "b" }
        // @ts-expect-error: it has to be said
        export const nameless: typeof lessonsInCoursebase.$inferInsert = { sectionId: "a" }`)
    compile("drizzle/schema.ts", "drizzle/relations.ts", "with_drizzle.ts")
    assert.doesNotMatch(readFileSync(`${folder}/drizzle/schema.ts`, "utf8"), /TODO|unknown\(/)
}

// A tool that reads a table without policies writes it without row security, and would switch it off. The database itself
// tells which commands came.
async function push(owner: Client): Promise<void> {
    await owner.query(`
        CREATE TABLE public.commands (tag text);
        CREATE FUNCTION public.command_seen() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.commands VALUES (tg_tag); END $$;
        CREATE EVENT TRIGGER command_seen ON ddl_command_end EXECUTE FUNCTION public.command_seen()`)
    const said = generate("drizzle-kit/bin.cjs", "push", "--force", "--config=drizzle.config.json")
    assert.match(said, /No changes detected/)
    const commands = await owner.query("SELECT tag FROM public.commands")
    assert.deepEqual(commands.rows, [])
    const open = await owner.query(`SELECT relname FROM pg_class
        WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity`)
    assert.deepEqual(open.rows, [])
}

function kysely(url: string): void {
    generate("kysely-codegen/dist/cli/bin.js", "--url", url, "--dialect", "postgres", "--default-schema", "coursebase",
        "--include-pattern", "coursebase.*", "--out-file", `${folder}/kysely.ts`)
    writeFileSync(`${folder}/with_kysely.ts`, `
        import type { Insertable } from "kysely"
        import type { DB } from "./kysely"
        export const lesson: Insertable<DB["lessons"]> = { section_id: "a", name: "b" }
        export const user: Insertable<DB["users"]> = { clerk_user_id: "a", name: "b" }
        // @ts-expect-error: it has to be said
        export const nameless: Insertable<DB["lessons"]> = { section_id: "a" }`)
    compile("kysely.ts", "with_kysely.ts")
}

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        mkdirSync(folder, { recursive: true })
        const { PGHOST = "localhost", PGPORT = "5432", PGUSER = "postgres" } = process.env
        const url = `postgres://${PGUSER}@localhost:${PGPORT}/${world.database}?host=${encodeURIComponent(PGHOST)}`
        const kit = new Calls("drizzle-kit")
        await kit.call("pull and compile", () => drizzle(url))
        await kit.call("push what was pulled", () => push(owner))
        kit.end()
        const codegen = new Calls("kysely-codegen")
        await codegen.call("pull and compile", () => kysely(url))
        codegen.end()
    })
}

run(main)
