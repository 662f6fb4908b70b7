// shop_people.ts: what programs do with accounts, profiles and cohorts.
import { strict as assert } from "node:assert"
import { eq, sql } from "drizzle-orm"
import { Operation, refused, Shop, sqlstate, times } from "./shop"
import { cohorts, userCohorts, userProfile, users } from "./shop_tables"

async function profileOf(shop: Shop, id: string) {
    return (await shop.db.select().from(userProfile).where(eq(userProfile.userId, id)))[0]
}

async function takenFor(shop: Shop, sub: string): Promise<string | null> {
    return shop.as({ id: "", sub }, (tx) => shop.value<string | null>(sql`SELECT current_user_id()`, tx))
}

export const people: Operation[] = [
    {
        name: "INSERT a user: a profile and a referral code come with it",
        async run(shop) {
            const ada = await shop.person("ada")
            assert.equal((await profileOf(shop, ada.id)).email, `${ada.sub.slice(5)}@example.org`)
            const code = await shop.value(sql`SELECT referral_code FROM user_profile WHERE user_id = ${ada.id}`)
            assert.match(String(code), /^U[A-Z2-9]{6}$/)
            assert.equal(await takenFor(shop, ada.sub), ada.id)
        },
    },
    {
        name: "INSERT a user and the profile in one transaction",
        async run(shop) {
            const sub = shop.unique("user_bob")
            const id = await shop.db.transaction(async (tx) => {
                const [user] = await tx.insert(users).values({ clerkUserId: sub, name: "Bob", email: "bob@example.org" }).returning()
                await tx.insert(userProfile).values({ userId: user.id, email: "Bob@Example.org", firstName: "Bob", country: "NG" })
                return user.id
            })
            const profile = await profileOf(shop, id)
            assert.deepEqual([profile.firstName, profile.country, profile.email], ["Bob", "NG", "bob@example.org"])
        },
    },
    {
        name: "INSERT the profile later, by a statement of its own",
        async run(shop) {
            const cleo = await shop.person("cleo")
            await shop.db.insert(userProfile).values({ userId: cleo.id, email: "cleo@example.org", lastName: "Lind" })
            assert.equal((await profileOf(shop, cleo.id)).lastName, "Lind")
        },
    },
    {
        name: "the provider tells of a user twice: INSERT … ON CONFLICT DO UPDATE",
        async run(shop) {
            const sub = shop.unique("user_dan")
            for (const name of ["Dan", "Daniel"]) {
                const row = { clerkUserId: sub, name, email: "dan@example.org" }
                const set = { name, email: row.email }
                await shop.db.insert(users).values(row).onConflictDoUpdate({ target: users.clerkUserId, set })
            }
            const rows = await shop.db.select().from(users).where(eq(users.clerkUserId, sub))
            assert.deepEqual(rows.map((row) => row.name), ["Daniel"])
        },
    },
    {
        name: "ten sign-ups of one person at once: SELECT, then INSERT",
        async run(shop) {
            const sub = shop.unique("user_eve")
            const codes = await Promise.all(
                times(10, async () => {
                    const found = await shop.db.select().from(users).where(eq(users.clerkUserId, sub))
                    if (found.length > 0) return "there"
                    return shop.db.insert(users).values({ clerkUserId: sub, name: "Eve", email: "eve@example.org" }).then(
                        () => "made",
                        (error) => sqlstate(error)
                    )
                })
            )
            assert.equal(codes.filter((code) => code === "made").length, 1)
            assert.ok(codes.every((code) => code === "made" || code === "there" || code === "23505"), String(codes))
            assert.notEqual(await takenFor(shop, sub), null)
        },
    },
    {
        name: "a person edits name and profile through row security, and nobody else's",
        async run(shop) {
            const [ada, bob] = [await shop.person("ada"), await shop.person("bob")]
            await shop.as(ada, async (tx) => {
                await tx.update(users).set({ name: "Ada L." })
                await tx.update(userProfile).set({ firstName: "Ada", timeZone: "Africa/Lagos" })
            })
            const [own] = await shop.db.select().from(users).where(eq(users.id, ada.id))
            assert.equal(own.name, "Ada L.")
            assert.equal((await profileOf(shop, bob.id)).firstName, null)
            assert.deepEqual((await shop.as(ada, (tx) => tx.select().from(users))).map((row) => row.id), [ada.id])
        },
    },
    {
        name: "a person makes themselves administrator: refused; the server may",
        async run(shop) {
            const eve = await shop.person("eve")
            await refused(["42501"], shop.as(eve, (tx) => tx.update(users).set({ role: "admin" })))
            await shop.db.update(users).set({ role: "admin" }).where(eq(users.id, eve.id))
            assert.equal(await shop.as(eve, (tx) => shop.value(sql`SELECT is_admin()`, tx)), true)
            await shop.db.update(users).set({ role: "user" }).where(eq(users.id, eve.id))
            assert.equal(await shop.as(eve, (tx) => shop.value(sql`SELECT is_admin()`, tx)), false)
        },
    },
    {
        name: "soft deletion by UPDATE of deleted_at, name and email closes the account",
        async run(shop) {
            const fay = await shop.person("fay")
            const course = await shop.course()
            const purchase = await shop.buys(fay, await shop.product([course]))
            await shop.db
                .update(users)
                .set({ deletedAt: new Date(), name: "Deleted user", email: `deleted-${fay.id}@example.org` })
                .where(eq(users.id, fay.id))
            assert.equal(await takenFor(shop, fay.sub), null, "the claims name nobody")
            assert.equal((await shop.purchase(purchase)).userId, fay.id, "the purchase stays")
            const late = { clerkUserId: fay.sub, name: "Fay", email: "fay@example.org" }
            await refused(["KB106"], shop.db.insert(users).values(late))
            const again = await shop.person("fay")
            await shop.mayUse(again, [course], false)
        },
    },
    {
        name: "a user without purchases is deleted by DELETE, one with purchases is not",
        async run(shop) {
            const [guest, buyer] = [await shop.person("guest"), await shop.person("buyer")]
            await shop.buys(buyer, await shop.product([await shop.course()]))
            await shop.db.delete(users).where(eq(users.id, guest.id))
            assert.equal(await profileOf(shop, guest.id), undefined)
            await refused(["23503", "23001"], shop.db.delete(users).where(eq(users.id, buyer.id)))
        },
    },
    {
        name: "a person is put into a cohort, and moved to another by an upsert",
        async run(shop) {
            const gus = await shop.person("gus")
            const code = shop.unique("clinic")
            const made = await shop.db
                .insert(cohorts)
                .values(times(2, (n) => ({ code: `${code}-${n}`, name: "Clinic", kind: "institution" })))
                .returning()
            for (const cohort of made) {
                const set = { cohortId: cohort.id }
                await shop.db
                    .insert(userCohorts)
                    .values({ userId: gus.id, cohortId: cohort.id })
                    .onConflictDoUpdate({ target: userCohorts.userId, set })
            }
            const seen = await shop.as(gus, (tx) => tx.select().from(cohorts))
            assert.deepEqual(seen.map((cohort) => cohort.code), [`${code}-1`], "who is in it reads it")
        },
    },
]
