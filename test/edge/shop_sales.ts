// shop_sales.ts: what programs do with purchases, access and progress.
import { strict as assert } from "node:assert"
import { and, count, desc, eq, sql } from "drizzle-orm"
import { day, Operation, Person, refused, Shop, times } from "./shop"
import { courseGrants, courseProducts, lessonContents, lessons, products, purchases, userCourseAccess, userLessonComplete } from "./shop_tables"

interface Sold {
    buyer: Person
    courseIds: string[]
    productId: string
}

async function bundle(shop: Shop, values: Partial<typeof products.$inferInsert> = {}): Promise<Sold> {
    const courseIds = [await shop.course(), await shop.course()].sort()
    return { buyer: await shop.person("buyer"), courseIds, productId: await shop.product(courseIds, values) }
}

function rights(buyer: Person, courseIds: string[]) {
    return courseIds.map((courseId) => ({ userId: buyer.id, courseId }))
}

function refund(shop: Shop, id: string) {
    return shop.db.update(purchases).set({ refundedAt: new Date() }).where(eq(purchases.id, id))
}

/** The rights are the purchase's own: there, and gone when it is refunded. */
async function boundTo(shop: Shop, { buyer, courseIds }: Sold, purchaseId: string): Promise<void> {
    await shop.mayUse(buyer, courseIds, true)
    assert.deepEqual(await shop.access(buyer), courseIds)
    await refund(shop, purchaseId)
    await shop.mayUse(buyer, courseIds, false)
    assert.deepEqual(await shop.access(buyer), [])
}

async function grantOf(shop: Shop, buyer: Person): Promise<typeof courseGrants.$inferSelect> {
    return (await shop.db.select().from(courseGrants).where(eq(courseGrants.userId, buyer.id)))[0]
}

export const sales: Operation[] = [
    {
        name: "INSERT a purchase alone",
        async run(shop) {
            const sold = await bundle(shop)
            await boundTo(shop, sold, await shop.buys(sold.buyer, sold.productId))
        },
    },
    {
        name: "INSERT a purchase, then its access, in one transaction",
        async run(shop) {
            const sold = await bundle(shop)
            const id = await shop.db.transaction(async (tx) => {
                const [purchase] = await tx.insert(purchases).values(shop.sale(sold.buyer, sold.productId)).returning()
                await tx.insert(userCourseAccess).values(rights(sold.buyer, sold.courseIds))
                return purchase.id
            })
            await boundTo(shop, sold, id)
        },
    },
    {
        name: "INSERT the access, then its purchase, in one transaction",
        async run(shop) {
            const sold = await bundle(shop)
            const id = await shop.db.transaction(async (tx) => {
                await tx.insert(userCourseAccess).values(rights(sold.buyer, sold.courseIds)).onConflictDoNothing()
                const [purchase] = await tx.insert(purchases).values(shop.sale(sold.buyer, sold.productId)).returning()
                return purchase.id
            })
            await boundTo(shop, sold, id)
        },
    },
    {
        name: "INSERT a purchase, then its access, each by itself",
        async run(shop) {
            const sold = await bundle(shop)
            const id = await shop.buys(sold.buyer, sold.productId)
            for (const row of rights(sold.buyer, sold.courseIds)) await shop.db.insert(userCourseAccess).values(row)
            await boundTo(shop, sold, id)
        },
    },
    {
        name: "six deliveries of one session at once: INSERT … ON CONFLICT DO NOTHING, then access",
        async run(shop) {
            const sold = await bundle(shop)
            const row = shop.sale(sold.buyer, sold.productId)
            await Promise.all(
                times(6, () =>
                    shop.db.transaction(async (tx) => {
                        const made = await tx.insert(purchases).values(row).onConflictDoNothing().returning()
                        if (made.length === 0) return
                        await tx.insert(userCourseAccess).values(rights(sold.buyer, sold.courseIds)).onConflictDoNothing()
                    })
                )
            )
            const made = await shop.db.select().from(purchases).where(eq(purchases.userId, sold.buyer.id))
            assert.equal(made.length, 1)
            await boundTo(shop, sold, made[0].id)
        },
    },
    {
        name: "complete_purchase() of the session answers as if it had made the purchase",
        async run(shop) {
            const { buyer, courseIds, productId } = await bundle(shop)
            const row = shop.sale(buyer, productId)
            const [purchase] = await shop.db.insert(purchases).values(row).returning()
            const told = await shop.db.execute<{ purchase_id: string; status: string; already_owned: boolean; course_ids: string[] }>(
                sql`SELECT * FROM complete_purchase(${buyer.id}, ${productId}, ${row.stripeSessionId}, 4900, 'paid')`
            )
            const answer = told.rows[0]
            assert.deepEqual(
                [answer.purchase_id, answer.status, answer.already_owned, answer.course_ids.sort()],
                [purchase.id, "completed", false, courseIds]
            )
        },
    },
    {
        name: "UPDATE refunded_at: a full refund, and by NULL its reversal",
        async run(shop) {
            const { buyer, courseIds, productId } = await bundle(shop)
            const id = await shop.buys(buyer, productId)
            await refund(shop, id)
            assert.equal((await shop.purchase(id)).refundedInCents, 4900)
            await shop.mayUse(buyer, courseIds, false)
            await shop.db.update(purchases).set({ refundedAt: null }).where(eq(purchases.id, id))
            assert.equal((await shop.purchase(id)).refundedInCents, 0)
            await shop.mayUse(buyer, courseIds, true)
        },
    },
    {
        name: "UPDATE refunded_in_cents: a part keeps the courses, the whole takes them",
        async run(shop) {
            const { buyer, courseIds, productId } = await bundle(shop)
            const id = await shop.buys(buyer, productId)
            await shop.db.update(purchases).set({ refundedInCents: 900 }).where(eq(purchases.id, id))
            assert.equal((await shop.purchase(id)).refundedAt, null)
            await shop.mayUse(buyer, courseIds, true)
            await shop.db.update(purchases).set({ refundedInCents: 4900 }).where(eq(purchases.id, id))
            assert.notEqual((await shop.purchase(id)).refundedAt, null)
            await shop.mayUse(buyer, courseIds, false)
        },
    },
    {
        name: "two purchases of one product: the first refund takes nothing, the second all",
        async run(shop) {
            const sold = await bundle(shop)
            const first = await shop.buys(sold.buyer, sold.productId)
            const second = await shop.buys(sold.buyer, sold.productId)
            await refund(shop, first)
            await boundTo(shop, sold, second)
        },
    },
    {
        name: "access given by INSERT stays when a purchase is refunded, and goes by DELETE",
        async run(shop) {
            const { buyer, courseIds, productId } = await bundle(shop)
            await shop.db.insert(userCourseAccess).values({ userId: buyer.id, courseId: courseIds[0] })
            await refund(shop, await shop.buys(buyer, productId))
            assert.deepEqual(await shop.access(buyer), [courseIds[0]])
            await shop.db
                .delete(userCourseAccess)
                .where(and(eq(userCourseAccess.userId, buyer.id), eq(userCourseAccess.courseId, courseIds[0])))
            await shop.mayUse(buyer, courseIds, false)
        },
    },
    {
        name: "INSERT a purchase of a product for 90 days: the right ends by itself",
        async run(shop) {
            const { buyer, courseIds, productId } = await bundle(shop, { accessDays: 90 })
            await shop.buys(buyer, productId)
            await shop.mayUse(buyer, courseIds, true)
            const { expiresAt } = await grantOf(shop, buyer)
            assert.ok(expiresAt !== null && Math.abs(expiresAt.getTime() - Date.now() - 90 * day) < day)
            const ended = new Date(expiresAt.getTime() + 1)
            const after = sql`SELECT has_course_access(${courseIds[0]}, ${buyer.id}, at => ${ended.toISOString()})`
            assert.equal(await shop.value(after), false, "a Date has milliseconds, and that was the last one")
            assert.deepEqual(await shop.access(buyer), [], "a query that knows of no ends sees none of them")
        },
    },
    {
        name: "a course that is INSERTed into a product later reaches those who bought it",
        async run(shop) {
            const { buyer, productId } = await bundle(shop, { givesLaterCourses: true })
            const id = await shop.buys(buyer, productId)
            const courseId = await shop.course()
            await shop.db.insert(courseProducts).values({ courseId, productId })
            await shop.mayUse(buyer, [courseId], true)
            await refund(shop, id)
            await shop.mayUse(buyer, [courseId], false)
        },
    },
    {
        name: "money arrives in JavaScript as numbers, sums included",
        async run(shop) {
            const { buyer, productId } = await bundle(shop)
            const id = await shop.buys(buyer, productId)
            const raw = await shop.db.execute<Record<string, unknown>>(
                sql`SELECT price_paid_in_cents, refunded_in_cents FROM purchases WHERE id = ${id}`
            )
            assert.deepEqual(raw.rows[0], { price_paid_in_cents: 4900, refunded_in_cents: 0 })
            const sum = await shop.value(sql`SELECT sum(price_paid_in_cents)::integer FROM purchases WHERE user_id = ${buyer.id}`)
            assert.equal(sum, 4900)
            const wide = await shop.db.execute(
                sql`SELECT table_name, column_name FROM information_schema.columns
                    WHERE table_schema = 'coursebase' AND column_name LIKE '%_in_cents' AND data_type <> 'integer'`
            )
            assert.deepEqual(wide.rows, [], "of every other sum as well")
        },
    },
    {
        name: "a buyer reads the own purchases, newest first, as they were sold; the product changed since",
        async run(shop) {
            const { buyer, productId } = await bundle(shop)
            const bought = [await shop.buys(buyer, productId), await shop.buys(buyer, productId)]
            await shop.buys(await shop.person("other"), productId)
            await shop.db.update(products).set({ name: "Renamed" }).where(eq(products.id, productId))
            const seen = await shop.as(buyer, (tx) => tx.select().from(purchases).orderBy(desc(purchases.createdAt)))
            assert.deepEqual(seen.map((row) => row.id), bought.reverse())
            assert.deepEqual(seen.map((row) => row.productDetails.name), ["As it was sold", "As it was sold"])
        },
    },
]

/** A buyer of a course of two sections with two lessons each. */
async function learner(shop: Shop) {
    const course = await shop.course()
    const buyer = await shop.person("learner")
    const purchase = await shop.buys(buyer, await shop.product([course]))
    const { lessonIds } = await shop.curriculum(course, [2, 2])
    return { course, buyer, purchase, lessonIds: lessonIds.flat() }
}

async function percent(shop: Shop, buyer: Person, course: string): Promise<number> {
    return shop.as(buyer, (tx) => shop.value(sql`SELECT percent FROM course_progress(${course})`, tx))
}

export const progress: Operation[] = [
    {
        name: "a learner completes lessons by INSERT … ON CONFLICT DO NOTHING and takes one back by DELETE",
        async run(shop) {
            const { course, buyer, lessonIds } = await learner(shop)
            for (const lessonId of [lessonIds[0], lessonIds[1], lessonIds[1]]) {
                await shop.as(buyer, (tx) => tx.insert(userLessonComplete).values({ userId: buyer.id, lessonId }).onConflictDoNothing())
            }
            assert.equal(await percent(shop, buyer, course), 50)
            await shop.as(buyer, (tx) => tx.delete(userLessonComplete).where(eq(userLessonComplete.lessonId, lessonIds[0])))
            assert.equal(await percent(shop, buyer, course), 25)
        },
    },
    {
        name: "who has no access neither sees a video, completes a lesson nor gives access, and nobody does for another",
        async run(shop) {
            const { course, buyer, lessonIds } = await learner(shop)
            const stranger = await shop.person("stranger")
            await shop.db.insert(lessonContents).values({ lessonId: lessonIds[0], videoRef: "video" })
            const video = eq(lessonContents.lessonId, lessonIds[0])
            assert.equal((await shop.as(buyer, (tx) => tx.select().from(lessonContents).where(video))).length, 1)
            assert.deepEqual(await shop.as(stranger, (tx) => tx.select().from(lessonContents).where(video)), [])
            for (const user of [stranger, buyer]) {
                const row = { userId: user.id, lessonId: lessonIds[0] }
                await refused(["42501", "KB904"], shop.as(stranger, (tx) => tx.insert(userLessonComplete).values(row)))
                const access = { userId: user.id, courseId: course }
                await refused(["42501"], shop.as(stranger, (tx) => tx.insert(userCourseAccess).values(access)))
            }
        },
    },
    {
        name: "completions stay when the purchase is refunded, and count again when it is bought again",
        async run(shop) {
            const { course, buyer, purchase, lessonIds } = await learner(shop)
            await shop.as(buyer, (tx) => tx.insert(userLessonComplete).values({ userId: buyer.id, lessonId: lessonIds[0] }))
            await refund(shop, purchase)
            await shop.mayUse(buyer, [course], false)
            const kept = await shop.db.select().from(userLessonComplete).where(eq(userLessonComplete.userId, buyer.id))
            assert.equal(kept.length, 1)
            await shop.buys(buyer, await shop.product([course]))
            assert.equal(await percent(shop, buyer, course), 25)
        },
    },
    {
        name: "a learner's next lesson by a relational query, and the lessons counted by a join",
        async run(shop) {
            const { buyer, lessonIds } = await learner(shop)
            await shop.as(buyer, (tx) => tx.insert(userLessonComplete).values({ userId: buyer.id, lessonId: lessonIds[0] }))
            const [done, counted] = await shop.as(buyer, async (tx) => [
                await tx.query.lessons.findMany({ with: { completions: true }, orderBy: lessons.createdAt }),
                await tx
                    .select({ lessons: count(lessons.id), completed: count(userLessonComplete.lessonId) })
                    .from(lessons)
                    .leftJoin(userLessonComplete, eq(userLessonComplete.lessonId, lessons.id))
                    .where(sql`${lessons.id} = ANY (${sql.param(lessonIds)})`),
            ] as const)
            const own = done.filter((lesson) => lessonIds.includes(lesson.id))
            assert.deepEqual(own.filter((lesson) => lesson.completions.length > 0).map((lesson) => lesson.id), [lessonIds[0]])
            assert.deepEqual(counted, [{ lessons: 4, completed: 1 }])
        },
    },
]
