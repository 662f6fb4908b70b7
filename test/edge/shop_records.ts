// shop_records.ts: what programs do with store receipts, subscriptions, discounts, credits, documents and logs.
import { strict as assert } from "node:assert"
import { createHash } from "node:crypto"
import { eq, sql } from "drizzle-orm"
import { Operation, Person, refused, Shop, sqlstate, times } from "./shop"
import * as tables from "./shop_tables"

const { coursePurchases, customCourses, discountCodes, subscriptions } = tables

function md5(text: string): string {
    return createHash("md5").update(text).digest("hex")
}

function event(shop: Shop, person: Person, type: string, end: Date) {
    const id = shop.unique("event")
    const told = {
        store: "app_store",
        environment: "production",
        store_event_id: id,
        event_type: type,
        event_time: new Date().toISOString(),
        original_transaction_id: `line of ${person.sub}`,
        transaction_id: id,
        product_id: "premium",
        period_end: end.toISOString(),
    }
    return shop.db.execute(sql`SELECT * FROM apply_subscription_event(${person.id}, ${JSON.stringify(told)}::json)`)
}

async function files(shop: Shop, person: Person): Promise<Record<string, { checksum: string; content: string }>> {
    return shop.value(sql`SELECT handshake(${person.id}, '{}') -> 'json_manifest'`)
}

const nextMonth = () => new Date(Date.now() + 30 * 24 * 3600 * 1000)

export const records: Operation[] = [
    {
        name: "INSERT a store purchase as valid, and UPDATE it to refunded",
        async run(shop) {
            const [ada, course] = [await shop.person("ada"), await shop.course()]
            const [receipt] = await shop.db
                .insert(coursePurchases)
                .values({
                    userId: ada.id,
                    courseId: course,
                    voice: "female",
                    source: "google_play",
                    productId: shop.unique("c"),
                    purchaseId: shop.unique("GPA"),
                    purchaseToken: "token",
                    status: "valid",
                    validatedAt: new Date(),
                })
                .returning()
            await shop.mayUse(ada, [course], true)
            const set = { status: "refunded", refundedAt: new Date() }
            await shop.db.update(coursePurchases).set(set).where(eq(coursePurchases.id, receipt.id))
            await shop.mayUse(ada, [course], false)
        },
    },
    {
        name: "a subscription follows its events, and is not written by hand",
        async run(shop) {
            const ben = await shop.person("ben")
            await event(shop, ben, "created", nextMonth())
            assert.equal(await shop.value(sql`SELECT has_premium(${ben.id})`), true)
            const [row] = await shop.as(ben, (tx) => tx.select().from(subscriptions))
            assert.deepEqual([row.plan, row.status], ["premium", "active"])
            const code = await shop.db
                .update(subscriptions)
                .set({ status: "expired" })
                .where(eq(subscriptions.id, row.id))
                .then(() => "nothing", sqlstate)
            assert.match(String(code), /^(42501|KB)/)
            await event(shop, ben, "revoked", nextMonth())
            assert.equal(await shop.value(sql`SELECT has_premium(${ben.id})`), false)
        },
    },
    {
        name: "a first premium earns whoever brought the person a credit of 100",
        async run(shop) {
            const [referrer, brought] = [await shop.person("referrer"), await shop.person("brought")]
            const code = await shop.value(sql`SELECT referral_code FROM user_profile WHERE user_id = ${referrer.id}`)
            await shop.value(sql`SELECT attach_referral(${brought.id}, ${code})`)
            await event(shop, brought, "created", nextMonth())
            await event(shop, brought, "renewed", nextMonth())
            const earned = await shop.as(referrer, (tx) => tx.select().from(tables.referralCredits))
            assert.deepEqual(earned.map((row) => row.amountInCents), [100])
        },
    },
    {
        name: "a discount code for three is redeemed by eight at once",
        async run(shop) {
            const code = shop.unique("SPRING").toUpperCase()
            const people = await Promise.all(times(8, () => shop.person("saver")))
            await shop.db.insert(discountCodes).values({ code, productType: "course", percentOff: "20", maxRedemptions: 3 })
            const codes = await Promise.all(
                people.map((person) =>
                    shop.db
                        .execute(sql`SELECT * FROM redeem_discount(${person.id}, ${code.toLowerCase()}, 'course', 4900, 'EUR', ${code})`)
                        .then((result) => result.rows[0].final_in_cents, sqlstate)
                )
            )
            assert.equal(codes.filter((final) => final === 3920).length, 3, String(codes))
            const counted = await shop.value(sql`SELECT redeemed_count FROM discount_codes WHERE code = ${code}`)
            assert.equal(Number(counted), 3)
        },
    },
    {
        name: "a pack of credits is bought twice by one receipt and used by six at once",
        async run(shop) {
            const cas = await shop.person("cas")
            const pack = shop.unique("pack").replace("-", "_")
            await shop.db.insert(tables.storeProducts).values({ productId: pack, kind: "ai_credits", credits: 100 })
            const receipt = { product_id: pack, source: "app_store", purchase_id: pack, purchase_token: "t", transaction_date: new Date().toISOString() }
            for (const _ of [1, 2]) await shop.value(sql`SELECT validate_purchase(${cas.id}, ${JSON.stringify(receipt)}::json)`)
            await Promise.all(times(6, (n) => shop.value(sql`SELECT credits FROM consume_credits(${cas.id}, 10, ${`talk ${n}`})`)))
            const [usage] = await shop.as(cas, (tx) => tx.select().from(tables.aiUsage))
            assert.deepEqual([Number(usage.bankLimitCredits), Number(usage.bankUsedCredits)], [100, 60])
            await refused(["42501"], shop.as(cas, (tx) => tx.update(tables.aiUsage).set({ bankUsedCredits: 0 })))
        },
    },
    {
        name: "a custom course is written with a wrong checksum, and the phone gets the right one",
        async run(shop) {
            const dan = await shop.person("dan")
            const values = { userId: dan.id, courseCode: "X99ENB", title: "Mine", description: "", data: { a: 1 } }
            const [made] = await shop.db.insert(customCourses).values({ ...values, checksum: "wrong", fileSizeBytes: 1 }).returning()
            const text = JSON.stringify({ a: 2, audio_files: [] })
            await shop.db
                .update(customCourses)
                .set({ data: sql`${text}::json`, checksum: "worse" })
                .where(eq(customCourses.id, made.id))
            const [row] = await shop.db.select().from(customCourses).where(eq(customCourses.id, made.id))
            assert.deepEqual([row.checksum, row.fileSizeBytes], [md5(text), text.length])
            assert.equal((await files(shop, dan))[`X99ENB_${made.id}.json`].checksum, md5(text))
            await refused(["42501"], shop.as(dan, (tx) => tx.select().from(customCourses)))
        },
    },
    {
        name: "a manifest for everybody, another for a cohort: each phone gets its own, and news at once",
        async run(shop) {
            const [ada, ben] = [await shop.person("ada"), await shop.person("ben")]
            const name = `${shop.unique("news")}.json`
            const code = shop.unique("trial")
            const [usual, special] = await shop.db
                .insert(tables.masterManifests)
                .values([
                    { name, content: { for: "all" }, isDefault: true },
                    { name, content: { for: "few" } },
                ])
                .returning()
            const [cohort] = await shop.db.insert(tables.cohorts).values({ code, name: code, kind: "experiment" }).returning()
            await shop.db.insert(tables.manifestCohorts).values({ manifestId: special.id, cohortId: cohort.id })
            await shop.db.insert(tables.userCohorts).values({ userId: ben.id, cohortId: cohort.id })
            assert.deepEqual(JSON.parse((await files(shop, ada))[name].content), { for: "all" })
            assert.deepEqual(JSON.parse((await files(shop, ben))[name].content), { for: "few" })
            await shop.db.update(tables.masterManifests).set({ content: { for: "everybody" } }).where(eq(tables.masterManifests.id, usual.id))
            assert.deepEqual(JSON.parse((await files(shop, ada))[name].content), { for: "everybody" })
        },
    },
    {
        name: "a phone writes settings, plays and a log line; the server logs; nobody reads another's",
        async run(shop) {
            const [eve, other] = [await shop.person("eve"), await shop.person("other")]
            const plays = { userId: eve.id, courseCode: "C14ENB", audioKey: "1", playCount: 3 }
            await shop.as(eve, async (tx) => {
                const settings = { userId: eve.id, voice: "female" }
                await tx.insert(tables.analytics).values(settings).onConflictDoUpdate({ target: tables.analytics.userId, set: settings })
                await tx.insert(tables.audioUsage).values(plays)
                await tx.insert(tables.appLogs).values({ userId: eve.id, logType: "error", message: "cannot play" })
            })
            await shop.as(eve, (tx) => tx.update(tables.audioUsage).set({ playCount: 2 }))
            const played = await shop.db.select().from(tables.audioUsage).where(eq(tables.audioUsage.userId, eve.id))
            assert.deepEqual(played.map((row) => row.playCount), [3], "a lower total lowers no count")
            await shop.db.insert(tables.serverLogs).values({ functionName: "sync", level: "error", message: "no answer" })
            assert.deepEqual(await shop.as(other, (tx) => tx.select().from(tables.analytics)), [])
            await refused(["42501"], shop.as(other, (tx) => tx.select().from(tables.serverLogs)))
        },
    },
]
