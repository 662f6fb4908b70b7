// shop_programs.ts: what the programs of organisations do: curriculum, price, checkout, payments, progress.
import { strict as assert } from "node:assert"
import { and, asc, eq, sql } from "drizzle-orm"
import { Database, Operation, Person, refused, Shop, Transaction } from "./shop"
import * as tables from "./shop_tables"

const { courseConfigs, courseEntitlements, courseWorkoutCompletions, courseWorkouts, paymentTransactions, plans } = tables

interface Gym {
    owner: Person
    organizationId: string
    programId: string
    planId: string
    workoutIds: string[]
}

/** An organisation with a published program of three days: a workout, rest, two workouts. */
async function gym(shop: Shop, priceInCents = 4900): Promise<Gym> {
    const owner = await shop.person("owner")
    const slug = shop.unique("gym")
    const made = await shop.db.transaction(async (tx) => {
        const [organization] = await tx.insert(tables.organizations).values({ name: "Gym", slug, currency: "EUR" }).returning()
        const organizationId = organization.id
        await tx.insert(tables.memberships).values({ organizationId, userId: owner.id, role: "owner" })
        const workouts = await tx
            .insert(tables.workouts)
            .values(["squat", "press", "row"].map((name) => ({ organizationId, name })))
            .returning()
        const [program] = await tx
            .insert(tables.programs)
            .values({ organizationId, name: "Strong", deliveryMode: "course" })
            .returning()
        const programId = program.id
        await tx.insert(courseConfigs).values({ programId, durationDays: 3 })
        const [plan] = await tx
            .insert(plans)
            .values({ organizationId, programId, type: "course", name: "Strong", priceInCents })
            .returning()
        const workoutIds = workouts.map((workout) => workout.id)
        await insertDay(tx, programId, 0, [workoutIds[0]])
        await tx.insert(courseWorkouts).values({ programId, dayOffset: 1, sortOrder: 0, isRest: true })
        await insertDay(tx, programId, 2, [workoutIds[1], workoutIds[0]])
        return { owner, organizationId, programId, planId: plan.id, workoutIds }
    })
    await shop.db
        .update(courseConfigs)
        .set({ status: "published", publishedAt: new Date(), archivedAt: null })
        .where(eq(courseConfigs.programId, made.programId))
    return made
}

async function insertDay(db: Database | Transaction, programId: string, dayOffset: number, workoutIds: string[]): Promise<void> {
    const rows = workoutIds.map((workoutId, sortOrder) => ({ programId, dayOffset, sortOrder, workoutId }))
    await db.insert(courseWorkouts).values(rows)
}

/** A day written anew, as programs do: all its rows go, others come. */
function setDay(shop: Shop, programId: string, dayOffset: number, workoutIds: string[]): Promise<void> {
    return shop.db.transaction(async (tx) => {
        await tx.delete(courseWorkouts).where(and(eq(courseWorkouts.programId, programId), eq(courseWorkouts.dayOffset, dayOffset)))
        if (workoutIds.length > 0) await insertDay(tx, programId, dayOffset, workoutIds)
    })
}

function checkout(shop: Shop, { organizationId, programId, planId }: Gym, buyer: Person) {
    return shop.db.transaction(async (tx) => {
        const [payment] = await tx
            .insert(paymentTransactions)
            .values({
                organizationId,
                userId: buyer.id,
                planId,
                amountInCents: 4900,
                type: "charge",
                provider: "psp",
                providerReference: shop.unique("pi"),
            })
            .returning()
        const [entitlement] = await tx
            .insert(courseEntitlements)
            .values({ userId: buyer.id, programId, status: "pending" })
            .returning()
        return { payment, entitlement }
    })
}

/** What a webhook does when the money has come. */
function settle(shop: Shop, paymentId: string, entitlementId: string) {
    return shop.db.transaction(async (tx) => {
        await tx.update(paymentTransactions).set({ status: "completed" }).where(eq(paymentTransactions.id, paymentId))
        await tx
            .update(courseEntitlements)
            .set({ status: "active", sourcePaymentTransactionId: paymentId, accessRevokedAt: null })
            .where(eq(courseEntitlements.id, entitlementId))
    })
}

async function sold(shop: Shop, offered: Gym) {
    const buyer = await shop.person("buyer")
    const { payment, entitlement } = await checkout(shop, offered, buyer)
    await settle(shop, payment.id, entitlement.id)
    return { buyer, payment, entitlement }
}

async function entitlementOf(shop: Shop, id: string) {
    return (await shop.db.select().from(courseEntitlements).where(eq(courseEntitlements.id, id)))[0]
}

async function mayTrain(shop: Shop, programId: string, buyer: Person, expected: boolean): Promise<void> {
    assert.equal(await shop.value(sql`SELECT has_program_access(${programId}, ${buyer.id})`), expected, "may use the program")
}

async function workoutsOf(shop: Shop, programId: string) {
    return shop.db
        .select()
        .from(courseWorkouts)
        .where(and(eq(courseWorkouts.programId, programId), eq(courseWorkouts.isRest, false)))
        .orderBy(asc(courseWorkouts.dayOffset), asc(courseWorkouts.sortOrder))
}

/** The buyer does all of it, through row security. */
async function trainAll(shop: Shop, programId: string, buyer: Person, entitlementId: string): Promise<void> {
    for (const workout of await workoutsOf(shop, programId)) {
        await shop.as(buyer, (tx) => tx.insert(courseWorkoutCompletions).values({ entitlementId, courseWorkoutId: workout.id }))
    }
}

async function onStorefront(shop: Shop, programId: string): Promise<boolean> {
    return shop.as(null, (tx) => shop.value(sql`SELECT count(*) = 1 FROM storefront_courses WHERE program_id = ${programId}`, tx))
}

export const programs: Operation[] = [
    {
        name: "INSERT an organisation with a program, its days and its plan; publish it by UPDATE of status",
        async run(shop) {
            const { programId, planId } = await gym(shop)
            assert.equal(await onStorefront(shop, programId), true)
            await shop.db.update(plans).set({ priceInCents: 5900 }).where(eq(plans.id, planId))
            const currency = await shop.value(sql`SELECT currency FROM storefront_courses WHERE program_id = ${programId}`)
            assert.equal(currency, "EUR", "the plan has the currency of its organisation")
        },
    },
    {
        name: "a day of a published program is deleted and inserted anew: completions follow their workouts",
        async run(shop) {
            const offered = await gym(shop)
            const { buyer, entitlement } = await sold(shop, offered)
            await trainAll(shop, offered.programId, buyer, entitlement.id)
            const [squat, press, row] = offered.workoutIds
            await setDay(shop, offered.programId, 2, [row, squat, press])
            const left = await shop.db
                .select({ day: courseWorkouts.dayOffset, workout: courseWorkouts.workoutId })
                .from(courseWorkoutCompletions)
                .innerJoin(courseWorkouts, eq(courseWorkouts.id, courseWorkoutCompletions.courseWorkoutId))
                .where(eq(courseWorkoutCompletions.entitlementId, entitlement.id))
                .orderBy(courseWorkouts.dayOffset, courseWorkouts.sortOrder)
            assert.deepEqual(left, [
                { day: 0, workout: squat },
                { day: 2, workout: squat },
                { day: 2, workout: press },
            ])
            assert.equal((await entitlementOf(shop, entitlement.id)).completedAt, null, "the row is to be done")
        },
    },
    {
        name: "the only workouts of a published program are deleted: refused at commit, and nothing is changed",
        async run(shop) {
            const { programId } = await gym(shop)
            await setDay(shop, programId, 0, [])
            await refused(["KBA04"], setDay(shop, programId, 2, []))
            assert.equal((await workoutsOf(shop, programId)).length, 2)
        },
    },
    {
        name: "checkout: INSERT a payment without currency and a pending entitlement; the webhook settles both",
        async run(shop) {
            const offered = await gym(shop)
            const buyer = await shop.person("buyer")
            const { payment, entitlement } = await checkout(shop, offered, buyer)
            assert.equal(payment.currency, "EUR")
            await mayTrain(shop, offered.programId, buyer, false)
            await settle(shop, payment.id, entitlement.id)
            await mayTrain(shop, offered.programId, buyer, true)
        },
    },
    {
        name: "a payment fails, the entitlement is revoked, and comes back by UPDATE of status: the stamp follows",
        async run(shop) {
            const offered = await gym(shop)
            const buyer = await shop.person("buyer")
            const { payment, entitlement } = await checkout(shop, offered, buyer)
            await shop.db.update(paymentTransactions).set({ status: "failed" }).where(eq(paymentTransactions.id, payment.id))
            const become = async (status: "pending" | "active" | "revoked") => {
                await shop.db.update(courseEntitlements).set({ status }).where(eq(courseEntitlements.id, entitlement.id))
                const stamped = (await entitlementOf(shop, entitlement.id)).accessRevokedAt !== null
                assert.equal(stamped, status === "revoked", `the stamp when ${status}`)
                await mayTrain(shop, offered.programId, buyer, status === "active")
            }
            await become("revoked")
            await become("pending")
            await become("active")
            await become("revoked")
            await become("active")
        },
    },
    {
        name: "a buyer completes workouts by INSERT: completed_at comes and goes, and is put right when it is written",
        async run(shop) {
            const offered = await gym(shop)
            const { buyer, entitlement } = await sold(shop, offered)
            const write = (completedAt: Date | null) =>
                shop.db.update(courseEntitlements).set({ completedAt }).where(eq(courseEntitlements.id, entitlement.id))
            await write(new Date())
            assert.equal((await entitlementOf(shop, entitlement.id)).completedAt, null, "nothing is done yet")
            await trainAll(shop, offered.programId, buyer, entitlement.id)
            const done = (await entitlementOf(shop, entitlement.id)).completedAt
            assert.notEqual(done, null)
            await write(null)
            assert.deepEqual((await entitlementOf(shop, entitlement.id)).completedAt, done)
            const [last] = (await workoutsOf(shop, offered.programId)).slice(-1)
            const undone = eq(courseWorkoutCompletions.courseWorkoutId, last.id)
            await shop.as(buyer, (tx) => tx.delete(courseWorkoutCompletions).where(undone))
            assert.equal((await entitlementOf(shop, entitlement.id)).completedAt, null)
        },
    },
    {
        name: "begin anew: DELETE the completions, UPDATE start_date and restart_count, in one transaction",
        async run(shop) {
            const offered = await gym(shop)
            const { buyer, entitlement } = await sold(shop, offered)
            await trainAll(shop, offered.programId, buyer, entitlement.id)
            await shop.db.transaction(async (tx) => {
                await tx.delete(courseWorkoutCompletions).where(eq(courseWorkoutCompletions.entitlementId, entitlement.id))
                await tx
                    .update(courseEntitlements)
                    .set({ startDate: "2026-03-01", restartCount: sql`${courseEntitlements.restartCount} + 1`, completedAt: null })
                    .where(eq(courseEntitlements.id, entitlement.id))
            })
            const { startDate, restartCount, completedAt } = await entitlementOf(shop, entitlement.id)
            assert.deepEqual([startDate, restartCount, completedAt], ["2026-03-01", 1, null])
        },
    },
    {
        name: "archive by UPDATE of status: off the storefront, no new sales, and buyers keep it",
        async run(shop) {
            const offered = await gym(shop)
            const { buyer } = await sold(shop, offered)
            await shop.db
                .update(courseConfigs)
                .set({ status: "archived", archivedAt: new Date() })
                .where(eq(courseConfigs.programId, offered.programId))
            assert.equal(await onStorefront(shop, offered.programId), false)
            await mayTrain(shop, offered.programId, buyer, true)
            const late = await shop.person("late")
            await refused(["KBA21"], shop.value(sql`SELECT status FROM begin_checkout(${late.id}, ${offered.programId})`))
        },
    },
    {
        name: "staff reads and writes through row security what is their organisation's, and nothing else",
        async run(shop) {
            const [own, other] = [await gym(shop), await gym(shop)]
            await sold(shop, own)
            await sold(shop, other)
            const seen = await shop.as(own.owner, async (tx) => ({
                payments: await tx.select().from(paymentTransactions),
                entitlements: await tx.select().from(courseEntitlements),
                priced: await tx.update(plans).set({ priceInCents: 1 }).returning(),
            }))
            assert.deepEqual(seen.payments.map((row) => row.organizationId), [own.organizationId])
            assert.deepEqual(seen.entitlements.map((row) => row.programId), [own.programId])
            assert.deepEqual(seen.priced.map((row) => row.id), [own.planId])
            const mixed = { programId: own.programId, dayOffset: 1, sortOrder: 1, workoutId: other.workoutIds[0] }
            await refused(["23503"], shop.db.insert(courseWorkouts).values(mixed))
        },
    },
    {
        name: "a payment is refunded by UPDATE of both statuses: no access, and it is bought again",
        async run(shop) {
            const offered = await gym(shop)
            const { buyer, payment, entitlement } = await sold(shop, offered)
            await shop.db.transaction(async (tx) => {
                await tx.update(paymentTransactions).set({ status: "refunded" }).where(eq(paymentTransactions.id, payment.id))
                await tx
                    .update(courseEntitlements)
                    .set({ status: "revoked", accessRevokedAt: new Date() })
                    .where(eq(courseEntitlements.id, entitlement.id))
            })
            await mayTrain(shop, offered.programId, buyer, false)
            const back = and(eq(paymentTransactions.userId, buyer.id), eq(paymentTransactions.type, "refund"))
            const refunds = await shop.db.select().from(paymentTransactions).where(back)
            assert.deepEqual(refunds.map((row) => [row.amountInCents, row.status]), [[4900, "completed"]])
            const [again] = await shop.db
                .insert(paymentTransactions)
                .values({ ...offered, userId: buyer.id, amountInCents: 4900, type: "charge" })
                .returning()
            await settle(shop, again.id, entitlement.id)
            await mayTrain(shop, offered.programId, buyer, true)
        },
    },
]
