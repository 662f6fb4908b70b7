// server.ts: what the edge functions share: connections to the database as the server's role, the person of a token, answers and
// errors as JSON, and the start on Deno (Supabase, Deno Deploy) or on Node. It stands beside each function's index.ts, and
// coursebase.ts, which test/tools/typescript writes, beside it.
//
// DATABASE_URL                  connects as the server's role, or as one that becomes it (?options=-c%20role%3Dservice_role)
// DATABASE_POOL                 how many connections a function opens at the most: 10
// JWT_SECRET or JWKS_URL        what tokens are signed with: a secret (HS256), or the address of the issuer's public keys
// JWT_AUDIENCE, JWT_ISSUER      what a token must name, where they are set
// ALLOWED_ORIGIN                the site whose pages may call a function from a browser
// PORT, HOST                    where to listen, where the platform does not say so itself
import { createRemoteJWKSet, jwtVerify } from "jose"
import type { JWTPayload, JWTVerifyOptions } from "jose"
import process from "node:process"
import pg from "pg"
import { errorOf, isDatabaseError, retry, statusOf } from "./coursebase.ts"

/** One statement and its values; the answer is its rows. */
export type Ask = <Row>(sql: string, values: unknown[]) => Promise<Row[]>

/** An answer that is no success and that the database did not give. */
export class Refusal extends Error {
    readonly status: number
    readonly code: string

    constructor(status: number, code: string, message: string) {
        super(message)
        this.status = status
        this.code = code
    }
}

export function setting(name: string): string {
    const value = process.env[name]
    if (!value) throw new Error(`${name} is not set`)
    return value
}

// The database

let pool: pg.Pool | undefined

function connections(): pg.Pool {
    pool ??= new pg.Pool({ connectionString: setting("DATABASE_URL"), max: Number(process.env.DATABASE_POOL ?? 10) })
    // a connection that ends while it waits is replaced; without a listener it would end the program
    if (pool.listenerCount("error") === 0) pool.on("error", (error) => console.error(error.message))
    return pool
}

/** Each statement is a transaction by itself, and is made again when another's was in the way. */
export const ask: Ask = async (sql, values) => (await retry(() => connections().query(sql, values))).rows

/**
 * What a person asks for, in one transaction that carries the claims of the token: current_user_id() is that person. The rights
 * stay the server's. Claims that name nobody are refused before the work begins.
 */
export function askAs<T>(claims: JWTPayload, work: (ask: Ask) => Promise<T>): Promise<T> {
    return retry(async () => {
        const client = await connections().connect()
        try {
            await client.query("BEGIN")
            await client.query("SELECT set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)])
            const who = (await client.query("SELECT user_id, reason, detail FROM coursebase.whoami()")).rows[0]
            if (who.user_id === null) throw new Refusal(403, who.reason, who.detail)
            const answer = await work(async (sql, values) => (await client.query(sql, values)).rows)
            await client.query("COMMIT")
            client.release()
            return answer
        } catch (error) {
            // a connection that cannot roll back is closed, with whatever it had begun
            await client.query("ROLLBACK").then(() => client.release(), () => client.release(true))
            throw error
        }
    })
}

// The request

type Keys = (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>
let keys: Keys | undefined

/** Read once: the issuer's public keys are kept, and fetched again when a token names one that is not among them. */
function keysOf(): Keys {
    if (process.env.JWKS_URL) {
        const remote = createRemoteJWKSet(new URL(process.env.JWKS_URL))
        return (token, options) => jwtVerify(token, remote, { ...options, algorithms: ["RS256", "ES256", "EdDSA"] })
    }
    const secret = new TextEncoder().encode(setting("JWT_SECRET"))
    return (token, options) => jwtVerify(token, secret, { ...options, algorithms: ["HS256"] })
}

/** The claims of the request's token, which is genuine and has not expired. */
export async function claimsOf(request: Request): Promise<JWTPayload> {
    const token = /^Bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1]
    if (token === undefined) throw new Refusal(401, "no_token", "the header Authorization has no bearer token")
    const options: JWTVerifyOptions = { requiredClaims: ["sub", "exp"] }
    if (process.env.JWT_AUDIENCE) options.audience = process.env.JWT_AUDIENCE
    if (process.env.JWT_ISSUER) options.issuer = process.env.JWT_ISSUER
    keys ??= keysOf()
    try {
        return (await keys(token, options)).payload
    } catch (error) {
        const code = (error as { code?: string }).code ?? ""
        if (/^ERR_(JWT|JWS|JWKS_NO)/.test(code)) throw new Refusal(401, "invalid_token", (error as Error).message)
        throw error
    }
}

const mostBytes = 1024 * 1024

/** The body as it came. What is larger than anything that is sent here is refused before it is read to its end. */
export async function textOf(request: Request): Promise<string> {
    const decoder = new TextDecoder()
    const parts: string[] = []
    let bytes = 0
    const reader = request.body?.getReader()
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        bytes += part.value.byteLength
        if (bytes > mostBytes) throw new Refusal(413, "too_large", `the body is larger than ${mostBytes} bytes`)
        parts.push(decoder.decode(part.value, { stream: true }))
    }
    return parts.join("") + decoder.decode()
}

/** The body, a JSON object, of which the members named are strings or absent. */
export async function objectOf<Name extends string>(request: Request, ...strings: Name[]): Promise<{ [member in Name]?: string } & Record<string, unknown>> {
    let body: unknown
    try {
        body = JSON.parse(await textOf(request))
    } catch (error) {
        if (error instanceof Refusal) throw error
        throw new Refusal(400, "no_json", "the body is no JSON")
    }
    if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Refusal(400, "no_object", "the body is no JSON object")
    const object = body as Record<string, unknown>
    const wrong = strings.find((name) => !["string", "undefined"].includes(typeof object[name]))
    if (wrong !== undefined) throw new Refusal(400, "no_string", `${wrong} is no string`)
    return object as { [member in Name]?: string } & Record<string, unknown>
}

// The answer

/** What is a text already is JSON that the database wrote: it goes out as it is. */
export function json(body: unknown, status = 200): Response {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    return new Response(text, { status, headers: { "content-type": "application/json" } })
}

/** An error of the database as PostgREST gives it, with the status of coursebase.ts; what is no answer for a caller is logged. */
export function failure(thrown: unknown): Response {
    if (thrown instanceof Refusal) return json({ code: thrown.code, message: thrown.message }, thrown.status)
    const status = statusOf(thrown)
    if (status >= 500) console.error(thrown)
    if (!isDatabaseError(thrown) || (status >= 500 && errorOf(thrown) === undefined))
        return json({ code: "server", message: status === 503 ? "not now: call again later" : "the server could not answer" }, status)
    const { code, message, hint = null } = thrown
    // the texts of class KB are written for whoever calls, other details may tell of rows
    const details = errorOf(thrown) ? ((thrown as { detail?: string }).detail ?? null) : null
    return json({ code, message, details, hint }, status)
}

export type Handler = (request: Request) => Promise<Response>

/** Answers one method, and a browser's question whether it may call. */
function answering(method: string, handler: Handler): Handler {
    return async (request) => {
        const answer = await (async () => {
            if (request.method === "OPTIONS") return new Response(null, { status: 204 })
            if (request.method !== method) return failure(new Refusal(405, "method", `only ${method} is answered`))
            return handler(request)
        })().catch(failure)
        const origin = process.env.ALLOWED_ORIGIN
        if (!origin) return answer
        const headers = new Headers(answer.headers)
        headers.set("access-control-allow-origin", origin)
        headers.set("access-control-allow-methods", method)
        headers.set("access-control-allow-headers", "authorization, apikey, content-type, x-client-info")
        return new Response(answer.body, { status: answer.status, headers })
    }
}

// The start

interface DenoRuntime {
    serve(handler: Handler): unknown
    serve(options: { port: number; hostname: string }, handler: Handler): unknown
}

/** The last line of each function: from here on it answers. */
export function serve(method: string, handler: Handler): void {
    const answer = answering(method, handler)
    const { PORT, HOST = "0.0.0.0" } = process.env
    const deno = (globalThis as { Deno?: DenoRuntime }).Deno
    if (deno === undefined) void serveOnNode(answer, Number(PORT ?? 8000), HOST)
    else if (PORT) deno.serve({ port: Number(PORT), hostname: HOST }, answer)
    else deno.serve(answer)
}

/** Node speaks of messages and streams where Deno and browsers speak of Request and Response. */
async function serveOnNode(answer: Handler, port: number, host: string): Promise<void> {
    const { createServer } = await import("node:http")
    const { Readable } = await import("node:stream")
    createServer(async (incoming, outgoing) => {
        const headers = new Headers()
        for (const [name, value] of Object.entries(incoming.headers))
            if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value)
        const method = incoming.method ?? "GET"
        const hasBody = method !== "GET" && method !== "HEAD"
        const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream) : undefined
        const init = { method, headers, body, duplex: "half" }
        try {
            const response = await answer(new Request(`http://${incoming.headers.host ?? host}${incoming.url}`, init))
            outgoing.writeHead(response.status, Object.fromEntries(response.headers))
            outgoing.end(await response.text())
        } catch (error) {
            console.error(error)
            outgoing.writeHead(500).end()
        }
    }).listen(port, host)
}
