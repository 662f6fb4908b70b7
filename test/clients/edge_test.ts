// edge_test.ts: the functions of doc/guide/edge, as they stand there: they compile under Deno and under TypeScript's strict, and
// each runs on Deno and on Node as a program of its own, called over HTTP: 40 calls at once, bad input, forgeries, repetitions.
// Needs: deno@2.9.6 tsx@4.23.15 jose@6.2.18
//
// The environment is that of client.ts; TREE is where the source is, STORE the program that makes a chain as Apple's.
import { strict as assert } from "node:assert"
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Client } from "pg"
import { Calls, inWorld, run, World, worldOf } from "./client"
import { peopleStory } from "./edge_people"
import { application, audience, chain, Chain, google, Place, pusher, Running, Runtime, secret, started, stores, Stores, stripeSecret } from "./edge_runtime"
import { salesStory } from "./edge_sales"

const world = worldOf("edge")
const base = resolve(__dirname, "..")
const folder = `${base}/functions`
const packages = `${base}/node_modules`
const functions = ["handshake", "validate_purchase", "verify_gen_link", "submit_custom_course", "manage_regen_requests", "notifications", "checkout"]
const levels: Record<Runtime, string[]> = { deno: ["read committed"], node: ["read committed", "serializable"] }

/** A folder as a team's: the files, coursebase.ts, the packages. */
function copied(world: World): void {
    rmSync(folder, { recursive: true, force: true })
    cpSync(`${process.env.TREE}/doc/guide/edge`, folder, { recursive: true })
    symlinkSync(packages, `${folder}/node_modules`)
    const written = execFileSync(`${process.env.TREE}/test/tools/typescript`, [world.database], { encoding: "utf8", maxBuffer: 1 << 26 })
    writeFileSync(`${folder}/coursebase.ts`, written)
}

/** What a compiler says of all the files and of one that is wrong: that it is, and nothing else. */
function compile(command: string, args: string[]): void {
    const files = [...functions, "cells", "wrong"].map((name) => `${name}.ts`)
    const { stdout, stderr } = spawnSync(command, [...args, ...files], { cwd: folder, encoding: "utf8", timeout: 600_000, env: { ...process.env, NO_COLOR: "1" } })
    const said = `${stdout}${stderr}`
    assert.deepEqual(said.match(/TS\d+/g), ["TS2322"], said)
    assert.match(said, /wrong\.ts/)
}

async function compiled(calls: Calls): Promise<void> {
    const strict = "--noEmit --strict --noUnusedLocals --skipLibCheck --target es2022 --module nodenext --allowImportingTsExtensions --verbatimModuleSyntax --types node"
    writeFileSync(`${folder}/wrong.ts`, 'import { ask } from "./server.ts"\nexport const wrong: number[] = await ask<string>("SELECT 1", [])\n')
    await calls.call("deno check", () => compile(`${packages}/.bin/deno`, ["check", "--quiet", "--cached-only", "--node-modules-dir=manual"]))
    await calls.call("tsc --strict", () => compile(`${packages}/.bin/tsc`, strict.split(" ")))
}

/** The keys of those who sign, and what is sold. */
async function stage(owner: Client, apple: Chain): Promise<void> {
    for (const [provider, kind, material, id] of [
        ["app_store", "root", apple.root, ""],
        ["app_store", "bundle_id", application, ""],
        ["stripe", "signing_secret", stripeSecret, ""],
        ["revenuecat", "authorization", "Bearer sesame", ""],
        ["google_play", "push_key", google.publicKey.export({ type: "spki", format: "pem" }), "k1"],
        ["google_play", "push_audience", audience, ""],
        ["google_play", "push_email", pusher, ""],
        ["google_play", "package_name", application, ""],
    ])
        await owner.query("SELECT coursebase.set_store_key($1, $2, $3, $4)", [provider, kind, material, id])
    await owner.query("UPDATE coursebase.settings SET value = 'app_store' WHERE name = 'require_signature'")
    await owner.query(`INSERT INTO coursebase.store_products (product_id, kind, credits)
        VALUES ('edge.pack', 'ai_credits', 100), ('edge.premium', 'subscription', NULL)`)
}

async function onRuntime(runtime: Runtime, owner: Client, apple: Chain, asked: Stores): Promise<void> {
    const environment = { JWT_SECRET: secret, ALLOWED_ORIGIN: "https://app.example.org", APP_URL: "https://app.example.org", DATABASE_POOL: "6" }
    const place: Place = { world, packages, folder, environment: { ...environment, ...asked.environment } }
    const programs: [string, string][] = functions.map((name) => [name, "read committed"])
    for (const level of levels[runtime].slice(1)) programs.push(["checkout", level], ["notifications", level])
    const running = new Map<string, Running>()
    const calls = new Calls(`edge functions, ${runtime}`)
    const begun = await Promise.allSettled(
        programs.map(async ([name, level]) => running.set(`${name} ${level}`, await started(place, runtime, name, level)))
    )
    try {
        for (const one of begun) if (one.status === "rejected") throw one.reason
        const of = (name: string, level = "read committed"): Running => running.get(`${name} ${level}`) as Running
        const story = { name: runtime, calls, owner, place, stores: asked, apple, run: of }
        await peopleStory(story)
        await salesStory(story, levels[runtime])
        await calls.call("check_integrity() finds nothing", async () =>
            assert.deepEqual((await owner.query("SELECT * FROM coursebase.check_integrity()")).rows, [])
        )
        calls.end()
    } finally {
        for (const program of running.values()) program.end()
    }
}

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        const apple = chain("apple")
        const asked = await stores()
        await stage(owner, apple)
        copied(world)
        const types = new Calls("edge functions, types")
        await compiled(types)
        types.end()
        for (const runtime of ["deno", "node"] as const) await onRuntime(runtime, owner, apple, asked)
        asked.server.close()
    })
}

run(main)
