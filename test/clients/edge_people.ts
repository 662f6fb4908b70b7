// edge_people.ts: phones and browsers call the five functions for people: handshake, validate_purchase, verify_gen_link,
// submit_custom_course, manage_regen_requests; 40 at once, again, and wrongly.
import { strict as assert } from "node:assert"
import { appleToken, application, chain, personToken, pushToken, refused, Running, statuses, Story, times } from "./edge_runtime"

const people = 40
const nobody = "00000000-0000-4000-8000-0000000000ff"
const forger = chain("forger")

interface Person {
    id: string
    sub: string
    /** of the custom course that each has bought, with the link to its form */
    course: string
    purchase: string
    link: string
}

const form = {
    issue: "I freeze when I have to speak before people.",
    goal: "I want to speak calmly before a full room.",
    feel: "steady and at ease",
    why: "My work depends on it.",
    title: "Stage fright",
    scripts: [
        { number: 1, technique: "breathing" },
        { number: 2, technique: "imagery" },
        { number: 3, technique: "anchoring" },
    ],
}

export async function peopleStory(story: Story): Promise<void> {
    const made = await story.owner.query<Person>(
        `WITH people AS (
             INSERT INTO coursebase.users (clerk_user_id, name, email)
             SELECT $1 || '_' || n, 'Person', $1 || n || '@example.org' FROM generate_series(1, $2::integer) n RETURNING id, clerk_user_id)
         SELECT p.id, p.clerk_user_id AS sub, c.custom_course_id AS course, c.link_token AS link
         FROM people p, coursebase.create_custom_course(p.id, 'app_store', 'production', 'custom-' || p.clerk_user_id, 'receipt') c`,
        [story.name, people]
    )
    const bought = await story.owner.query("SELECT course_id, id FROM coursebase.custom_course_purchases")
    const purchases = new Map(bought.rows.map(({ course_id, id }) => [course_id, id]))
    const all = made.rows.map((person) => ({ ...person, purchase: purchases.get(person.course) }))
    await handshakes(story, all)
    await links(story, all)
    await forms(story, all)
    await regenerations(story, all)
    await applesPurchases(story, all)
    await playsPurchases(story, all)
}

async function handshakes(story: Story, all: Person[]): Promise<void> {
    const phone = story.run("handshake")
    const request = { device_id: "phone-1", checksums: {}, purchases: ["custom-x"] }
    let digest = ""
    await story.calls.call("handshake: 40 people at once, each their own", async () => {
        const answers = await times(people, (n) => phone.post(request, personToken(all[n].sub)))
        for (const [n, answer] of answers.entries()) {
            assert.equal(answer.status, 200, answer.text)
            const own = Object.keys(answer.body.json_manifest).filter((name) => name.startsWith("X"))
            assert.deepEqual(own.map((name) => name.slice(-41, -5)), [all[n].course])
        }
        digest = answers[0].body.digest
    })
    await story.calls.call("handshake: one phone 40 times at once, again the same bytes", async () => {
        const answers = await times(people, () => phone.post(request, personToken(all[0].sub)))
        assert.deepEqual([...new Set(answers.map((answer) => answer.text))].length, 1)
        const again = await phone.post({ digest }, personToken(all[0].sub))
        assert.deepEqual([again.body.digest, again.body.json_manifest], [digest, {}])
    })
    await story.calls.call("handshake: who is not known", async () => {
        refused(await phone.post(request), 401, "no_token")
        refused(await phone.post(request, personToken(all[0].sub, {}, "another secret of thirty-two characters")), 401, "invalid_token")
        refused(await phone.post(request, personToken(all[0].sub, { exp: 1 })), 401, "invalid_token")
        refused(await phone.post(request, personToken(all[0].sub).replace(/\.[^.]*$/, ".")), 401, "invalid_token")
        refused(await phone.post(request, personToken(`${story.name}_none`)), 403, "unknown_subject")
    })
    await story.calls.call("handshake: connections that end while they work", async () => {
        // not users: a connection that has answered the person before reads nothing there
        const waited = "coursebase.cached_handshake_responses"
        await story.owner.query(`BEGIN; LOCK TABLE ${waited} IN ACCESS EXCLUSIVE MODE`)
        const cut = times(4, (n) => phone.post(request, personToken(all[n].sub)))
        // pg_locks is read anew each time; pg_stat_activity stays as it was first seen in a transaction
        const end = `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = '${waited}'::regclass`
        // Calls may come late on a busy machine: as long as one is not answered, but not for ever.
        let settled = false
        void cut.finally(() => (settled = true)).catch(() => undefined)
        for (let left = 6000; !settled && left > 0; left--) {
            await story.owner.query(end)
            await new Promise((resolve) => setTimeout(resolve, 20))
        }
        await story.owner.query("ROLLBACK")
        for (const answer of await cut) refused(answer, 503, "server")
        assert.deepEqual(statuses(await times(4, (n) => phone.post(request, personToken(all[n].sub)))), [200, 200, 200, 200])
    })
    await story.calls.call("handshake: what cannot be read", async () => {
        const token = personToken(all[0].sub)
        const wrong = await phone.post({ checksums: 5 }, token)
        refused(wrong, 400, "KB301")
        assert.match(wrong.body.details, /checksums/)
        refused(await phone.post("{", token), 400, "22P02")
        refused(await phone.post(" ".repeat(1 << 21), token), 413, "too_large")
        refused(await phone.call("/handshake"), 405, "method")
    })
}

async function links(story: Story, all: Person[]): Promise<void> {
    const page = story.run("verify_gen_link")
    const ask = (token: string) => page.call(`/verify_gen_link?link_token=${token}`)
    await story.calls.call("verify_gen_link: 40 at once", async () => {
        for (const answer of await times(people, (n) => ask(all[n].link))) assert.deepEqual([answer.status, answer.body.valid, answer.body.reason], [200, true, null])
    })
    await story.calls.call("verify_gen_link: no link", async () => {
        assert.deepEqual((await ask(nobody)).body, { valid: false, reason: "not_found", expires_at: null })
        assert.equal((await page.call("/verify_gen_link")).body.reason, "not_found")
        refused(await ask("nothing"), 400, "22P02")
        const origin = await page.call("/verify_gen_link", { method: "OPTIONS" })
        assert.deepEqual([origin.status, origin.headers.get("access-control-allow-origin")], [204, "https://app.example.org"])
    })
}

async function forms(story: Story, all: Person[]): Promise<void> {
    const sent = story.run("submit_custom_course")
    const submit = (link_token: string, step: string, answers: unknown = form) => sent.post({ link_token, step, answers })
    await story.calls.call("submit_custom_course: 40 at once, taken once", async () => {
        const answers = await times(people, () => submit(all[0].link, "generate_audio"))
        assert.deepEqual(statuses(answers), [200, ...Array(people - 1).fill(409)])
        for (const answer of answers.filter(({ status }) => status !== 200)) refused(answer, 409, "KB203")
        assert.equal(answers.find(({ status }) => status === 200)?.body.title, form.title)
    })
    await story.calls.call("submit_custom_course: 40 forms at once", async () => {
        const answers = await times(people, (n) => submit(all[n].link, "generate_script"))
        assert.deepEqual(statuses(answers), [...Array(people - 1).fill(200), 409])
        assert.deepEqual(answers.slice(1).map(({ body }) => body.custom_course_id), all.slice(1).map(({ course }) => course))
    })
    await story.calls.call("submit_custom_course: a form that is not as it should be", async () => {
        const short = await submit(all[1].link, "generate_audio", { ...form, goal: "calm", scripts: [] })
        refused(short, 422, "KB204")
        assert.match(short.body.details, /goal[\s\S]*scripts/)
        refused(await submit(all[1].link, "publish"), 400, "22023")
        refused(await submit(nobody, "generate_audio"), 404, "KB201")
        refused(await submit("nothing", "generate_audio"), 400, "22P02")
        refused(await sent.post({ step: "generate_audio" }), 400, "22004")
        refused(await sent.post({ link_token: 5 }), 400, "no_string")
        refused(await sent.post("[]"), 400, "no_object")
        refused(await sent.post("{"), 400, "no_json")
        assert.equal((await submit(all[1].link, "generate_audio")).status, 200, "what was refused left the form open")
    })
}

async function regenerations(story: Story, all: Person[]): Promise<void> {
    const asked = story.run("manage_regen_requests")
    const [ada, , ben] = all
    await story.calls.call("manage_regen_requests: 40 at once, one new link", async () => {
        const answers = await times(people, () => asked.post({ purchase_id: ada.purchase }, personToken(ada.sub)))
        assert.deepEqual([...new Set(statuses(answers))], [200])
        const links = [...new Set(answers.map(({ body }) => body.link_token))]
        assert.equal(links.length, 1)
        assert.notEqual(links[0], ada.link)
        const page = story.run("verify_gen_link")
        assert.equal((await page.call(`/verify_gen_link?link_token=${ada.link}`)).body.reason, "not_found")
        assert.equal((await page.call(`/verify_gen_link?link_token=${links[0]}`)).body.valid, true)
    })
    await story.calls.call("manage_regen_requests: 40 people at once, and what is another's", async () => {
        for (const answer of await times(people, (n) => asked.post({ purchase_id: all[n].purchase }, personToken(all[n].sub)))) assert.equal(answer.status, 200)
        refused(await asked.post({ purchase_id: ada.purchase }, personToken(ben.sub)), 404, "not_found")
        refused(await asked.post({ purchase_id: nobody }, personToken(ben.sub)), 404, "not_found")
        refused(await asked.post({ purchase_id: "nothing" }, personToken(ben.sub)), 400, "22P02")
        refused(await asked.post({ purchase_id: ada.purchase }), 401, "no_token")
    })
}

async function creditsOf(story: Story, person: Person): Promise<number> {
    const sql = "SELECT coalesce(sum(credits - claimed_credits), 0)::integer AS credits FROM coursebase.ai_credit_purchases WHERE user_id = $1"
    return (await story.owner.query(sql, [person.id])).rows[0].credits
}

async function applesPurchases(story: Story, all: Person[]): Promise<void> {
    const phone = story.run("validate_purchase")
    const [ada, ben] = all
    const transaction = (id: string, productId = "edge.pack", by = story.apple) =>
        appleToken(
            {
                bundleId: application,
                environment: "Production",
                type: "Consumable",
                transactionId: `${story.name}-${id}`,
                originalTransactionId: `${story.name}-${id}`,
                productId,
                quantity: 1,
                purchaseDate: Date.now() - 1000,
                signedDate: Date.now(),
            },
            by
        )
    const send = (signed: string, person: Person) => phone.post({ source: "app_store", signed }, personToken(person.sub))
    await story.calls.call("validate_purchase: Apple, 40 at once, given once", async () => {
        const signed = transaction("1")
        const answers = await times(people, () => send(signed, ada))
        for (const answer of answers) assert.deepEqual([answer.status, answer.body.status], [200, "valid"], answer.text)
        assert.equal(await creditsOf(story, ada), 100)
        refused(await send(signed, ben), 409, "KB205")
        assert.equal(await creditsOf(story, ben), 0)
    })
    await story.calls.call("validate_purchase: Apple, 40 people at once", async () => {
        const answers = await times(people, (n) => send(transaction(`of-${n}`), all[n]))
        assert.deepEqual([...new Set(answers.map(({ status, body }) => `${status} ${body.status}`))], ["200 valid"])
        assert.equal(await creditsOf(story, ben), 100)
    })
    await story.calls.call("validate_purchase: Apple, forged and unknown", async () => {
        refused(await send(transaction("2", "edge.pack", forger), ada), 401, "KB821")
        refused(await send("nothing", ada), 422, "KB824")
        refused(await send(transaction("3", "edge.none"), ada), 422, "KB802")
        refused(await phone.post({ source: "elsewhere" }, personToken(ada.sub)), 400, "purchase")
        refused(await phone.post({ source: "app_store", signed: transaction("4") }), 401, "no_token")
        await story.owner.query("UPDATE coursebase.settings SET value = 'google_play' WHERE name = 'require_signature'")
        refused(await send(transaction("5", "edge.pack", forger), ada), 503, "require_signature")
        // names stand between blanks or commas
        await story.owner.query("UPDATE coursebase.settings SET value = 'stripe app_store' WHERE name = 'require_signature'")
        refused(await send(transaction("6", "edge.pack", forger), ada), 401, "KB821")
        await story.owner.query("UPDATE coursebase.settings SET value = 'app_store' WHERE name = 'require_signature'")
        assert.equal(await creditsOf(story, ada), 200)
    })
}

async function playsPurchases(story: Story, all: Person[]): Promise<void> {
    const phone = story.run("validate_purchase")
    const [ada, ben] = all
    const purchases = `/applications/${application}/purchases`
    const send = (purchase_token: string, person: Person, subscription = false, to: Running = phone) =>
        to.post({ source: "google_play", package: application, purchase_token, subscription }, personToken(person.sub))
    const pack = (order: string, productId: string) => ({
        orderId: `GPA.${story.name}-${order}`,
        purchaseStateContext: { purchaseState: "PURCHASED" },
        purchaseCompletionTime: new Date().toISOString(),
        productLineItem: [{ productId, productOfferDetails: { quantity: 2 } }],
    })
    await story.calls.call("validate_purchase: Google, 40 at once, given once and acknowledged", async () => {
        const before = await creditsOf(story, ada)
        story.stores.documents.set(`${purchases}/productsv2/tokens/pack-${story.name}`, pack("1", "edge.pack"))
        const answers = await times(people, () => send(`pack-${story.name}`, ada))
        for (const answer of answers) assert.deepEqual([answer.status, answer.body.status], [200, "valid"], answer.text)
        assert.equal(await creditsOf(story, ada), before + 200)
        assert.ok(story.stores.posted.includes(`${purchases}/products/edge.pack/tokens/pack-${story.name}:acknowledge`))
        const waiting = "SELECT count(*)::integer AS n FROM coursebase.purchases_awaiting_acknowledgement WHERE purchase_id = $1"
        assert.equal((await story.owner.query(waiting, [`GPA.${story.name}-1`])).rows[0].n, 0)
        assert.equal((await send(`pack-${story.name}`, ada)).body.acknowledged, true)
        refused(await send(`pack-${story.name}`, ben), 409, "KB205")
    })
    await story.calls.call("validate_purchase: Google, a subscription, then its notification", () => subscribed(story, ada, send))
    await story.calls.call("validate_purchase: Google, a trial, which nobody paid for", async () => {
        const document = lineOf(story, ben, Date.now() - 60_000)
        const [line] = document.lineItems
        const token = `trial-${story.name}`
        const trial = { ...document, latestOrderId: `GPA.${story.name}-T`, lineItems: [{ ...line, offerPhase: { freeTrial: {} } }] }
        story.stores.documents.set(`${purchases}/subscriptionsv2/tokens/${token}`, trial)
        const validated = await send(token, ben, true)
        assert.deepEqual([validated.status, validated.body.subscription?.status], [200, "trialing"], validated.text)
        const first = "SELECT first_premium_at FROM coursebase.subscription_lines WHERE original_transaction_id = $1"
        assert.deepEqual((await story.owner.query(first, [token])).rows, [{ first_premium_at: null }])
    })
    await story.calls.call("validate_purchase: Google, what it does not know", async () => {
        const named = { ...pack("3", "edge.pack"), obfuscatedExternalAccountId: ben.sub }
        story.stores.documents.set(`${purchases}/productsv2/tokens/named-${story.name}`, named)
        refused(await send(`named-${story.name}`, ada), 409, "other_account")
        assert.equal((await send(`named-${story.name}`, ben)).status, 200)
        refused(await send(`none-${story.name}`, ada), 500, "server")
        story.stores.documents.set(`${purchases}/productsv2/tokens/odd-${story.name}`, pack("2", "edge.none"))
        refused(await send(`odd-${story.name}`, ada), 422, "KB802")
    })
}

const lineOf = (story: Story, person: Person, began: number) => ({
    subscriptionState: "SUBSCRIPTION_STATE_ACTIVE",
    latestOrderId: `GPA.${story.name}-S`,
    startTime: new Date(began).toISOString(),
    externalAccountIdentifiers: { obfuscatedExternalAccountId: person.sub },
    lineItems: [{
        productId: "edge.premium",
        expiryTime: new Date(began + 30 * 86_400_000).toISOString(),
        autoRenewingPlan: { autoRenewEnabled: true },
        offerDetails: { basePlanId: "monthly" },
    }],
})

type Send = (purchase_token: string, person: Person, subscription: boolean) => ReturnType<Running["post"]>

/** What the phone brings and what Google tells is one line, whichever comes first. */
async function subscribed(story: Story, person: Person, send: Send): Promise<void> {
    const token = `line-${story.name}`
    const began = Date.now() - 60_000
    story.stores.documents.set(`/applications/${application}/purchases/subscriptionsv2/tokens/${token}`, lineOf(story, person, began))
    const validated = await send(token, person, true)
    assert.deepEqual([validated.status, validated.body.subscription?.status], [200, "active"], validated.text)
    const told = { version: "1.0", packageName: application, eventTimeMillis: `${began + 1000}` }
    const subscriptionNotification = { version: "1.0", notificationType: 4, purchaseToken: token, subscriptionId: "edge.premium" }
    const data = Buffer.from(JSON.stringify({ ...told, subscriptionNotification })).toString("base64")
    const answer = await story.run("notifications").call("/notifications/google_play", {
        method: "POST",
        headers: { authorization: pushToken() },
        body: JSON.stringify({ message: { messageId: `line-${story.name}`, data } }),
    })
    assert.deepEqual([answer.status, answer.body], [200, { outcome: "applied" }], answer.text)
    const again = await send(token, person, true)
    assert.deepEqual([again.status, again.body.subscription?.status], [200, "active"], again.text)
    const history = await story.owner.query("SELECT status_after, anomaly FROM coursebase.subscription_history WHERE user_id = $1", [person.id])
    assert.ok(history.rows.length > 0)
    for (const event of history.rows) assert.deepEqual(event, { status_after: "active", anomaly: null })
}
