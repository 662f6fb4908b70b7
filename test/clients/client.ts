// client.ts: what the tests of clients share: a database of their own with the three parts as roles, and the count of calls
// tried and right, of which test/check prints a table.
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import { createServer } from "node:net"
import { Client } from "pg"

/** Roles are the server's, databases each test's: the names of roles carry the test's. */
export interface World {
    database: string
    anonymous: string
    user: string
    server: string
    /** what a gateway connects as: it has no rights but to become one of the three */
    gateway: string
}

export function worldOf(test: string): World {
    const name = (part: string) => `coursebase_${test}_${part}`
    return {
        database: `coursebase_${test}`,
        anonymous: name("anonymous"),
        user: name("user"),
        server: name("server"),
        gateway: name("gateway"),
    }
}

export async function connected(database: string): Promise<Client> {
    const client = new Client({ database })
    await client.connect()
    return client
}

/** Makes the world, with the extension and its parts, and takes it away again, whatever happens inside. */
export async function inWorld(world: World, inside: (owner: Client) => Promise<void>): Promise<void> {
    const admin = await connected("postgres")
    try {
        await admin.query(`CREATE ROLE ${world.anonymous}`)
        await admin.query(`CREATE ROLE ${world.user}`)
        await admin.query(`CREATE ROLE ${world.server} BYPASSRLS`)
        await admin.query(`CREATE ROLE ${world.gateway} LOGIN NOINHERIT IN ROLE ${world.anonymous}, ${world.user}, ${world.server}`)
        await admin.query(`CREATE DATABASE ${world.database}`)
        await installed(world, inside)
    } finally {
        await admin.query(`DROP DATABASE IF EXISTS ${world.database} WITH (FORCE)`)
        for (const role of [world.gateway, world.anonymous, world.user, world.server]) await admin.query(`DROP ROLE IF EXISTS ${role}`)
        await admin.end()
    }
}

async function installed(world: World, inside: (owner: Client) => Promise<void>): Promise<void> {
    const owner = await connected(world.database)
    try {
        await owner.query("CREATE EXTENSION coursebase")
        await owner.query("SELECT coursebase.grant_roles($1, $2, $3)", [world.anonymous, world.user, world.server])
        await inside(owner)
    } finally {
        await owner.end()
    }
}

export function freePort(): Promise<number> {
    return new Promise((resolve) => {
        const server = createServer()
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as { port: number }
            server.close(() => resolve(port))
        })
    })
}

/** The calls of one client: each that is not right is named and said why, and the test goes on with the next. */
export class Calls {
    private tried = 0
    private right = 0

    constructor(private readonly client: string) {}

    /** A call that has not ended after so many seconds is not right. */
    async call(name: string, made: () => unknown, seconds = 180): Promise<void> {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000)
        })
        this.tried++
        try {
            await Promise.race([(async () => made())(), late])
            this.right++
        } catch (error) {
            console.error(`${this.client}: ${name}:`, error)
        } finally {
            clearTimeout(timer)
        }
    }

    /** The line of the table; a call that was not right makes the test fail. */
    end(): void {
        console.log(`${this.client} | ${this.tried} | ${this.right}`)
        if (this.tried === 0 || this.right < this.tried) process.exitCode = 1
    }
}

/**
 * Runs a test, and ends the program even if a call that was given up still holds a connection. Node itself ends a program with
 * status 0 as soon as it has nothing left to wait for, in the middle of main() as well: a test that ends so has failed.
 */
export function run(main: () => Promise<void>): void {
    let ended = false
    process.on("exit", () => {
        if (ended) return
        console.error("the program ended before its test did")
        process.exitCode = 1
    })
    main()
        .catch((error) => {
            console.error(error)
            process.exitCode = 1
        })
        .finally(() => {
            ended = true
            process.exit()
        })
}
