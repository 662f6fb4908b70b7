// jdbc_test.ts: Jdbc.java, a program with PostgreSQL's JDBC driver: JSON arguments as the guide to drivers writes them, a sale,
// refusals.
// Debian: libpostgresql-jdbc-java
//
// The environment is that of client.ts; TREE is where the source is, PACKAGES where Debian's packages are unpacked. Skipped
// where there is no java that compiles.
import { strict as assert } from "node:assert"
import { execFile, execFileSync } from "node:child_process"
import { AddressInfo, createConnection, createServer, Server } from "node:net"
import { join } from "node:path"
import { promisify } from "node:util"
import { Calls, inWorld, run, worldOf } from "./client"

const world = worldOf("jdbc")
const rows = `
    INSERT INTO coursebase.users (id, clerk_user_id, name, email)
    VALUES ('00000000-0000-4000-8000-0000000000a1', 'ada', 'Ada', 'ada@example.org');
    INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000000d1', 'Calm', '');
    INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
    VALUES ('00000000-0000-4000-8000-0000000000d1', 'Calm', '', '/calm.png', 49);
    INSERT INTO coursebase.course_products (course_id, product_id)
    VALUES ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d1');`
const expected: [string, string][] = [
    ["text and a cast", "delete"],
    ["json", "delete"],
    ["jsonb and a cast", "delete"],
    ["jsonb without a cast", "42883"],
    ["a text that is a JSON string", "KB301"],
    ["a sale, again and again", "completed"],
    ["a product that is not there", "KB106"],
    ["rows", "1"],
]

/** The driver knows no sockets of Unix, and the tests' server listens on nothing else. */
async function bridged(inside: (port: number) => Promise<void>): Promise<void> {
    const bridge: Server = createServer((client) => {
        const server = createConnection(join(process.env.PGHOST ?? "", `.s.PGSQL.${process.env.PGPORT}`))
        for (const end of [client, server]) end.on("error", () => { client.destroy(); server.destroy() })
        client.pipe(server).pipe(client)
    })
    await new Promise<void>((resolve) => bridge.listen(0, "127.0.0.1", resolve))
    await inside((bridge.address() as AddressInfo).port)
    bridge.close()
}

function compiles(): boolean {
    try {
        return /jdk\.compiler/.test(execFileSync("java", ["--list-modules"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }))
    } catch {
        return false
    }
}

async function main(): Promise<void> {
    if (!compiles()) {
        console.log("needs java with its compiler: openjdk-17-jdk-headless")
        process.exit(77)
    }
    await inWorld(world, async (owner) => {
        await owner.query(rows)
        await bridged(async (port) => {
            const jar = join(process.env.PACKAGES ?? "", "usr/share/java/postgresql.jar")
            const address = `jdbc:postgresql://127.0.0.1:${port}/${world.database}?user=${process.env.PGUSER}&sslmode=disable`
            const program = join(process.env.TREE ?? "", "test/clients/Jdbc.java")
            const { stdout } = await promisify(execFile)("java", ["-cp", jar, program, address, world.server], { timeout: 60_000 })
            const answers = new Map(stdout.trim().split("\n").map((line) => line.split(": ") as [string, string]))
            const calls = new Calls("JDBC")
            for (const [name, answer] of expected) await calls.call(name, () => assert.equal(answers.get(name), answer))
            calls.end()
        })
    })
}

run(main)
