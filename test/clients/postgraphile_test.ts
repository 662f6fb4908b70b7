// postgraphile_test.ts: PostGraphile over the schema that make_api() makes: relations both ways under the row security of who
// asks, functions as queries and mutations, writes through the views, and refusals.
// Needs: postgraphile@4.14.1
//
// The environment is that of client.ts.
import { strict as assert } from "node:assert"
import { createServer, IncomingMessage, Server } from "node:http"
import { AddressInfo } from "node:net"
import { Client, Pool } from "pg"
import { postgraphile } from "postgraphile"
import { Calls, inWorld, run, worldOf } from "./client"

const world = worldOf("postgraphile")
const ada = "00000000-0000-4000-8000-0000000000a1"
const bo = "00000000-0000-4000-8000-0000000000b1"
const course = "00000000-0000-4000-8000-0000000000c1"
const section = "00000000-0000-4000-8000-0000000000e1"
const lesson = "00000000-0000-4000-8000-0000000000f1"
const rows = `
    INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
        ('${ada}', 'ada', 'Ada', 'ada@example.org'), ('${bo}', 'bo', 'Bo', 'bo@example.org');
    INSERT INTO coursebase.courses (id, title, description, price_in_cents, currency) VALUES ('${course}', 'Calm', '', 900, 'EUR');
    INSERT INTO coursebase.course_sections (id, course_id, name, status, "order") VALUES ('${section}', '${course}', 'First', 'public', 0);
    INSERT INTO coursebase.lessons (id, section_id, name, status, "order") VALUES ('${lesson}', '${section}', 'Breath', 'public', 0);
    INSERT INTO coursebase.course_grants (user_id, course_id) VALUES ('${ada}', '${course}');`

interface Answer {
    data?: object | null
    errors?: { message: string; errcode?: string }[]
}

type Ask = (sub: string | null, query: string, variables?: object) => Promise<Answer>

/** What a server makes of the token that it has checked: here the header is the name itself. */
async function settings(request: IncomingMessage): Promise<{ [name: string]: string }> {
    const sub = request.headers["x-person"]
    return sub
        ? { role: world.user, "request.jwt.claims": JSON.stringify({ sub }), statement_timeout: "180000" }
        : { role: world.anonymous, "request.jwt.claims": "", statement_timeout: "180000" }
}

async function main(): Promise<void> {
    await inWorld(world, async (owner) => {
        await owner.query(rows)
        await owner.query("SELECT coursebase.make_api('api', graphql => true)")
        const pool = new Pool({ database: world.database, user: world.gateway, max: 4 })
        pool.on("error", () => undefined)
        const server = createServer(
            postgraphile(pool, "api", {
                pgSettings: settings,
                dynamicJson: true,
                disableQueryLog: true,
                // the roles that pgSettings names have the rights, the gateway has none
                ignoreRBAC: true,
                extendedErrors: ["errcode"],
            })
        )
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        await tests(owner, asker(server))
        server.close()
        await pool.end()
    })
}

function asker(server: Server): Ask {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
    return async (sub, query, variables = {}) => {
        const headers = { "Content-Type": "application/json", ...(sub ? { "X-Person": sub } : {}) }
        const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify({ query, variables }) })
        return (await answer.json()) as Answer
    }
}

const outline = "{ allCourses { nodes { title courseSectionsByCourseId { nodes { name lessonsBySectionId { nodes { name } } } } } } }"
const upward = "{ allLessons { nodes { name courseSectionBySectionId { courseByCourseId { title } } } } }"
const complete = "mutation ($id: UUID!) { completeLesson(input: { lessonId: $id }) { boolean } }"
const rename = "mutation ($id: UUID!, $name: String!) { updateUserById(input: { id: $id, userPatch: { name: $name } }) { user { name } } }"

function refusedWith(answer: Answer, code: string): void {
    assert.equal(answer.errors?.[0]?.errcode, code, JSON.stringify(answer))
}

async function tests(owner: Client, ask: Ask): Promise<void> {
    const calls = new Calls("PostGraphile")
    const same = (name: string, sub: string | null, query: string, variables: object, data: object) =>
        calls.call(name, async () => assert.deepEqual(await ask(sub, query, variables), { data }))
    const refused = (name: string, sub: string | null, query: string, variables: object, code: string) =>
        calls.call(name, async () => refusedWith(await ask(sub, query, variables), code))

    await same("a course with its sections and lessons", "ada", outline, {}, {
        allCourses: { nodes: [{ title: "Calm", courseSectionsByCourseId: { nodes: [{ name: "First", lessonsBySectionId: { nodes: [{ name: "Breath" }] } }] } }] },
    })
    await same("a lesson with its section and course", "ada", upward, {}, {
        allLessons: { nodes: [{ name: "Breath", courseSectionBySectionId: { courseByCourseId: { title: "Calm" } } }] },
    })
    await same("own row alone", "bo", "{ allUsers { nodes { name } } }", {}, { allUsers: { nodes: [{ name: "Bo" }] } })
    await same("a function that reads", "ada", "query ($id: UUID!) { hasCourseAccess(courseId: $id) }", { id: course }, { hasCourseAccess: true })
    await same("the same for another", "bo", "query ($id: UUID!) { hasCourseAccess(courseId: $id) }", { id: course }, { hasCourseAccess: false })
    await same("a function that writes", "ada", complete, { id: lesson }, { completeLesson: { boolean: true } })
    await same("it again", "ada", complete, { id: lesson }, { completeLesson: { boolean: false } })
    await same("an update through the view", "ada", rename, { id: ada, name: "Ada L." }, { updateUserById: { user: { name: "Ada L." } } })
    await refused("a lesson that is not shown", "bo", complete, { id: lesson }, "KB106")
    await calls.call("another's row", async () => assert.ok((await ask("bo", rename, { id: ada, name: "Bo" })).errors))
    await refused("a stranger's mutation", null, complete, { id: lesson }, "42501")
    await refused("a stranger at the rows", null, "{ allUsers { nodes { name } } }", {}, "42501")
    await same("nobody afterwards", null, "{ currentUserId }", {}, { currentUserId: null })
    await calls.call("what was written", async () => {
        const found = await owner.query("SELECT u.name, l.lesson_id FROM coursebase.user_lesson_complete l JOIN coursebase.users u ON u.id = l.user_id")
        assert.deepEqual(found.rows, [{ name: "Ada L.", lesson_id: lesson }])
    })
    calls.end()
}

run(main)
