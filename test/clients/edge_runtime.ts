// edge_runtime.ts: what the tests of edge functions share: the functions of doc/guide/edge as programs of their own on Deno and on
// Node, requests to them, tokens of people and of providers, and the parts of Google, Apple and Stripe that the functions ask.
import { strict as assert } from "node:assert"
import { ChildProcess, execFileSync, spawn } from "node:child_process"
import { createHmac, createSign, generateKeyPairSync, KeyObject } from "node:crypto"
import { createServer, Server } from "node:http"
import { AddressInfo } from "node:net"
import { Client } from "pg"
import { Calls, freePort, World } from "./client"

export type Runtime = "deno" | "node"
export const secret = "a secret of thirty-two characters or more"
export const application = "org.example.calm"
export const audience = "https://edge.example.org/play"
export const pusher = "push@example.iam.gserviceaccount.com"
export const stripeSecret = "whsec_edge"

// The functions

export interface Answer {
    status: number
    body: { [member: string]: any }
    text: string
    headers: Headers
}

/** A function that runs; calls of it are requests. */
export interface Running {
    call(path: string, init?: RequestInit): Promise<Answer>
    post(body: unknown, token?: string): Promise<Answer>
    end(): void
}

/** Where the functions stand and with what environment they start. */
export interface Place {
    world: World
    packages: string
    folder: string
    environment: Record<string, string>
}

/** As a team's secrets have it: the gateway's login, which becomes the server's role. */
export function databaseUrl(world: World, level = "read committed"): string {
    const { PGHOST = "localhost", PGPORT = "5432" } = process.env
    const options = `-c role=${world.server} -c default_transaction_isolation=${level.replace(" ", "\\ ")}`
    return `postgres://${world.gateway}@localhost:${PGPORT}/${world.database}?host=${encodeURIComponent(PGHOST)}&options=${encodeURIComponent(options)}`
}

/** What the guide says, and for a socket in the file system the right to write there. */
const denoRights = ["--allow-net", "--allow-env", "--allow-read", "--allow-sys", "--allow-write"]

/** Node reads types by itself from 22.18 on, and by tsx before. */
function commandOf(runtime: Runtime, packages: string): string[] {
    if (runtime === "deno") return [`${packages}/.bin/deno`, "run", "--quiet", ...denoRights, "--cached-only", "--node-modules-dir=manual"]
    return (process as { features: { typescript?: unknown } }).features.typescript ? [process.execPath] : [process.execPath, "--import", "tsx"]
}

export async function started(place: Place, runtime: Runtime, name: string, level?: string): Promise<Running> {
    const port = await freePort()
    const [program, ...args] = commandOf(runtime, place.packages)
    const environment = { ...process.env, ...place.environment, DATABASE_URL: databaseUrl(place.world, level), HOST: "127.0.0.1", PORT: String(port) }
    const child = spawn(program, [...args, `${name}.ts`], { cwd: place.folder, env: environment, stdio: ["ignore", "ignore", "inherit"] })
    const address = `http://127.0.0.1:${port}`
    await ready(address, child, name)
    const call = async (path: string, init?: RequestInit): Promise<Answer> => {
        const answer = await fetch(address + path, { redirect: "manual", ...init })
        const text = await answer.text()
        return { status: answer.status, headers: answer.headers, text, body: /json/.test(answer.headers.get("content-type") ?? "") ? JSON.parse(text) : {} }
    }
    return {
        call,
        post: (body, token) =>
            call(`/${name}`, {
                method: "POST",
                headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
                body: typeof body === "string" ? body : JSON.stringify(body),
            }),
        end: () => child.kill(),
    }
}

async function ready(address: string, child: ChildProcess, name: string): Promise<void> {
    for (let left = 3600; left > 0 && child.exitCode === null; left--) {
        const answer = await fetch(address, { method: "OPTIONS" }).catch(() => undefined)
        if (answer?.status === 204) return
        await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${name} did not start`)
}

export function times<T>(count: number, made: (n: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => made(n)))
}

export function statuses(answers: Answer[]): number[] {
    return answers.map((answer) => answer.status).sort()
}

/** A refusal as PostgREST gives it. */
export function refused(answer: Answer, status: number, code: string): void {
    assert.deepEqual([answer.status, answer.body.code], [status, code], answer.text)
    assert.ok(typeof answer.body.message === "string" && answer.body.message !== "", answer.text)
    assert.equal(answer.headers.get("content-type"), "application/json")
}

// Tokens

export function base64url(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString("base64url")
}

export function personToken(sub: string, more: object = {}, by = secret): string {
    const content = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url({ sub, exp: Math.floor(Date.now() / 1000) + 600, ...more })}`
    return `${content}.${createHmac("sha256", by).update(content).digest("base64url")}`
}

export interface Chain {
    root: string
    x5c: string[]
    key: string
}

/** A chain of certificates as Apple's, or as a forger's; the program makes it. */
export function chain(name: string): Chain {
    const years = ["2020-01-01T00:00:00Z", "2045-01-01T00:00:00Z"]
    return JSON.parse(execFileSync(process.env.STORE ?? "store", ["chain", name, ...years], { encoding: "utf8" }))
}

export function appleToken(content: object, by: Chain): string {
    const signed = `${base64url({ alg: "ES256", x5c: by.x5c })}.${base64url(content)}`
    const key = { key: by.key, dsaEncoding: "ieee-p1363" as const }
    return `${signed}.${createSign("sha256").update(signed).sign(key).toString("base64url")}`
}

export const google = generateKeyPairSync("rsa", { modulusLength: 2048 })
const forger = generateKeyPairSync("rsa", { modulusLength: 2048 })

function rs256(claims: object, key: KeyObject): string {
    const head = `${base64url({ alg: "RS256", kid: "k1", typ: "JWT" })}.${base64url(claims)}`
    return `${head}.${createSign("sha256").update(head).sign(key).toString("base64url")}`
}

export function pushToken(genuine = true): string {
    const iat = Math.floor(Date.now() / 1000)
    const claims = { iss: "https://accounts.google.com", iat, exp: iat + 3600, aud: audience, email: pusher, email_verified: true }
    return `Bearer ${rs256(claims, genuine ? google.privateKey : forger.privateKey)}`
}

export function stripeHeader(body: string, by = stripeSecret): string {
    const at = Math.floor(Date.now() / 1000)
    return `t=${at},v1=${createHmac("sha256", by).update(`${at}.${body}`).digest("hex")}`
}

// What the functions ask

/** Documents by the path that is asked for, and what was told by POST. */
export interface Stores {
    documents: Map<string, object>
    posted: string[]
    environment: Record<string, string>
    server: Server
}

/** Google's token and API, and Stripe's sessions. */
export async function stores(): Promise<Stores> {
    const documents = new Map<string, object>()
    const posted: string[] = []
    const server = createServer((incoming, outgoing) => {
        const path = (incoming.url ?? "").split("?")[0]
        const known = { google: incoming.headers.authorization === "Bearer granted", stripe: incoming.headers.authorization === "Bearer sk_edge" }
        const send = (status: number, body: object) => outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
        incoming.resume()
        if (path === "/token") return send(200, { access_token: "granted", expires_in: 3600 })
        if (!(path.startsWith("/v1/") ? known.stripe : known.google)) return send(401, {})
        if (incoming.method === "POST") return posted.push(path), send(200, {})
        const document = documents.get(path)
        return document === undefined ? send(404, {}) : send(200, document)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const account = {
        client_email: pusher,
        private_key_id: "k1",
        private_key: google.privateKey.export({ type: "pkcs8", format: "pem" }),
        token_uri: `${address}/token`,
    }
    const environment = { GOOGLE_SERVICE_ACCOUNT: JSON.stringify(account), GOOGLE_API: address, STRIPE_API: address, STRIPE_SECRET_KEY: "sk_edge" }
    return { documents, posted, environment, server }
}

/** What a story needs: its name is the runtime's, and no other story writes what carries it. */
export interface Story {
    name: string
    calls: Calls
    owner: Client
    place: Place
    stores: Stores
    apple: Chain
    run(name: string, level?: string): Running
}
