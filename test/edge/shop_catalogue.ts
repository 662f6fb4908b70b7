// shop_catalogue.ts: what programs do with courses, sections, lessons and products.
import { strict as assert } from "node:assert"
import { asc, eq, max, sql } from "drizzle-orm"
import { Operation, refused, Shop, times } from "./shop"
import { countryDiscounts, courseProducts, courses, courseSections, lessonContents, lessons, products } from "./shop_tables"

/** The place after the last, as programs ask for it before they insert. */
async function nextLessonPlace(shop: Shop, sectionId: string): Promise<number> {
    const [last] = await shop.db
        .select({ place: max(lessons.order) })
        .from(lessons)
        .where(eq(lessons.sectionId, sectionId))
    return last.place === null ? 0 : last.place + 1
}

function moveLesson(shop: Shop, id: string, order: number) {
    return shop.db.update(lessons).set({ order }).where(eq(lessons.id, id))
}

function moveSection(shop: Shop, id: string, order: number) {
    return shop.db.update(courseSections).set({ order }).where(eq(courseSections.id, id))
}

/** The first becomes the last but one, and so on: no element keeps its place. */
function shuffled<T>(list: T[]): T[] {
    return list.map((_, n) => list[(n * 3 + 2) % list.length])
}

export const catalogue: Operation[] = [
    {
        name: "INSERT lessons one by one, each at max + 1",
        async run(shop) {
            const { sectionIds } = await shop.curriculum(await shop.course(), [0])
            const made: string[] = []
            for (const n of [0, 1, 2]) {
                const order = await nextLessonPlace(shop, sectionIds[0])
                const [lesson] = await shop.db.insert(lessons).values({ sectionId: sectionIds[0], name: `${n}`, order }).returning()
                made.push(lesson.id)
            }
            assert.deepEqual(await shop.lessonsOf(sectionIds[0]), made)
        },
    },
    {
        name: "eight lessons, and six sections, at the same next place at once",
        async run(shop) {
            const courseId = await shop.course()
            const { sectionIds } = await shop.curriculum(courseId, [2])
            const order = await nextLessonPlace(shop, sectionIds[0])
            await Promise.all(times(8, (n) => shop.db.insert(lessons).values({ sectionId: sectionIds[0], name: `at once ${n}`, order })))
            await Promise.all(times(6, (n) => shop.db.insert(courseSections).values({ courseId, name: `at once ${n}`, order: 1 })))
            assert.equal((await shop.lessonsOf(sectionIds[0])).length, 10)
            assert.equal((await shop.sectionsOf(courseId)).length, 7)
        },
    },
    {
        name: "reorder lessons by one UPDATE each, one after the other",
        async run(shop) {
            const { sectionIds, lessonIds } = await shop.curriculum(await shop.course(), [7])
            const wanted = shuffled(lessonIds[0])
            for (const [order, id] of wanted.entries()) await moveLesson(shop, id, order)
            assert.deepEqual(await shop.lessonsOf(sectionIds[0]), wanted)
        },
    },
    {
        name: "reorder lessons by one UPDATE each, all at once",
        async run(shop) {
            const { sectionIds, lessonIds } = await shop.curriculum(await shop.course(), [10])
            const wanted = shuffled(lessonIds[0])
            await Promise.all(wanted.map((id, order) => moveLesson(shop, id, order)))
            assert.deepEqual(await shop.lessonsOf(sectionIds[0]), wanted)
        },
    },
    {
        name: "reorder sections by one UPDATE each, all at once",
        async run(shop) {
            const courseId = await shop.course()
            const { sectionIds } = await shop.curriculum(courseId, times(8, () => 0))
            const wanted = shuffled(sectionIds)
            await Promise.all(wanted.map((id, order) => moveSection(shop, id, order)))
            assert.deepEqual(await shop.sectionsOf(courseId), wanted)
        },
    },
    {
        name: "two reorders of one section at once end in a permutation",
        async run(shop) {
            const { sectionIds, lessonIds } = await shop.curriculum(await shop.course(), [10])
            const one = shuffled(lessonIds[0])
            const other = [...lessonIds[0]].reverse()
            await Promise.all([one, other].flatMap((list) => list.map((id, order) => moveLesson(shop, id, order))))
            assert.deepEqual((await shop.lessonsOf(sectionIds[0])).sort(), [...lessonIds[0]].sort())
        },
    },
    {
        name: "an administrator reorders through row security; a buyer's UPDATE changes nothing",
        async run(shop) {
            const [root, ada] = [await shop.person("root", "admin"), await shop.person("ada")]
            const course = await shop.course()
            await shop.buys(ada, await shop.product([course]))
            const { sectionIds, lessonIds } = await shop.curriculum(course, [4])
            const wanted = [...lessonIds[0]].reverse()
            await Promise.all(
                wanted.map((id, order) => shop.as(root, (tx) => tx.update(lessons).set({ order }).where(eq(lessons.id, id))))
            )
            const touched = await shop.as(ada, (tx) => tx.update(lessons).set({ order: 9 }).returning())
            assert.deepEqual(touched, [])
            assert.deepEqual(await shop.lessonsOf(sectionIds[0]), wanted)
        },
    },
    {
        name: "a lesson moves to another section by UPDATE of section_id alone",
        async run(shop) {
            const { sectionIds, lessonIds } = await shop.curriculum(await shop.course(), [1, 3])
            await shop.db.update(lessons).set({ sectionId: sectionIds[1] }).where(eq(lessons.id, lessonIds[0][0]))
            assert.deepEqual(await shop.lessonsOf(sectionIds[1]), [...lessonIds[1], lessonIds[0][0]], "last there")
        },
    },
    {
        name: "a lesson is dragged to a taken place of another section",
        async run(shop) {
            const { sectionIds, lessonIds } = await shop.curriculum(await shop.course(), [1, 3])
            await shop.db.update(lessons).set({ sectionId: sectionIds[1], order: 1 }).where(eq(lessons.id, lessonIds[0][0]))
            assert.deepEqual((await shop.lessonsOf(sectionIds[1])).sort(), [...lessonIds[1], lessonIds[0][0]].sort())
        },
    },
    {
        name: "a course is deleted with its sections and lessons; a sold one is not",
        async run(shop) {
            const [draft, sold] = [await shop.course(), await shop.course()]
            const { sectionIds } = await shop.curriculum(draft, [2])
            await shop.db.delete(courses).where(eq(courses.id, draft))
            assert.equal((await shop.lessonsOf(sectionIds[0])).length, 0)
            await shop.buys(await shop.person(), await shop.product([sold]))
            await refused(["23503", "23001"], shop.db.delete(courses).where(eq(courses.id, sold)))
        },
    },
    {
        name: "INSERT a product and its courses in one transaction; take it off the storefront; delete it unsold",
        async run(shop) {
            const course = await shop.course()
            const product = await shop.product([course])
            const seen = await shop.as(null, (tx) => tx.select().from(products).where(eq(products.id, product)))
            assert.equal(seen[0].priceDollars, 49)
            const bare = { name: "Nothing", description: "", imageUrl: "/n.png", priceDollars: 9, status: "public" as const }
            await refused(["KB901"], shop.db.transaction((tx) => tx.insert(products).values(bare)))
            await shop.db.update(products).set({ status: "private" }).where(eq(products.id, product))
            assert.deepEqual(await shop.as(null, (tx) => tx.select().from(products).where(eq(products.id, product))), [])
            await shop.db.delete(products).where(eq(products.id, product))
            const left = await shop.db.select().from(courseProducts).where(eq(courseProducts.productId, product))
            assert.deepEqual(left, [])
        },
    },
    {
        name: "replace a product's courses by DELETE and INSERT: buyers keep what they bought",
        async run(shop) {
            const [first, second] = [await shop.course(), await shop.course()]
            const product = await shop.product([first])
            const [early, late] = [await shop.person("early"), await shop.person("late")]
            await shop.buys(early, product)
            await shop.db.transaction(async (tx) => {
                await tx.update(products).set({ name: "Another name", priceDollars: 59 }).where(eq(products.id, product))
                await tx.delete(courseProducts).where(eq(courseProducts.productId, product))
                await tx.insert(courseProducts).values({ courseId: second, productId: product })
            })
            await shop.buys(late, product)
            assert.deepEqual([await shop.access(early), await shop.access(late)], [[first], [second]])
        },
    },
    {
        name: "a visitor's page in one relational query shows what is public, and no content but the preview's",
        async run(shop) {
            const course = await shop.course()
            const product = await shop.product([course])
            const { sectionIds, lessonIds } = await shop.curriculum(course, [3])
            await shop.db.insert(lessonContents).values(lessonIds[0].map((lessonId) => ({ lessonId, videoRef: `video of ${lessonId}` })))
            await shop.db.update(lessons).set({ status: "preview" }).where(eq(lessons.id, lessonIds[0][0]))
            await shop.db.update(lessons).set({ status: "private" }).where(eq(lessons.id, lessonIds[0][2]))
            const page = await shop.as(null, (tx) =>
                tx.query.products.findFirst({
                    where: eq(products.id, product),
                    with: {
                        courseProducts: {
                            with: {
                                course: {
                                    with: {
                                        sections: {
                                            where: eq(courseSections.status, "public"),
                                            orderBy: asc(courseSections.order),
                                            with: { lessons: { orderBy: asc(lessons.order) } },
                                        },
                                    },
                                },
                            },
                        },
                    },
                })
            )
            const sections = page?.courseProducts[0].course.sections ?? []
            assert.deepEqual(sections.map((section) => section.id), sectionIds)
            assert.deepEqual(sections[0].lessons.map((lesson) => lesson.id), lessonIds[0].slice(0, 2))
            const videos = await shop.as(null, (tx) => tx.select().from(lessonContents))
            assert.deepEqual(videos.map((video) => video.lessonId), [lessonIds[0][0]])
        },
    },
    {
        name: "INSERT discounts of countries: prices follow, and what is free stays free",
        async run(shop) {
            const course = await shop.course()
            const [priced, free] = [await shop.product([course]), await shop.product([course], { priceDollars: 0 })]
            await shop.db.insert(countryDiscounts).values([
                { country: "NG", percentOff: "40" },
                { country: "IN", percentOff: "33.33" },
            ])
            const price = (product: string, country: string) => shop.value(sql`SELECT country_price(${product}, ${country})::integer`)
            assert.deepEqual([await price(priced, "NG"), await price(priced, "IN"), await price(priced, "SE")], [2940, 3267, 4900])
            assert.equal(await price(free, "NG"), 0)
        },
    },
]
