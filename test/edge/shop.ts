// shop.ts: what the operations of a shop stand on: the server's database, whose every statement is a transaction of its
// own on a connection of its own; people who ask through row security; and words for what must hold.
import { strict as assert } from "node:assert"
import { eq, SQL, sql } from "drizzle-orm"
import { drizzle, NodePgDatabase } from "drizzle-orm/node-postgres"
import { Pool } from "pg"
import * as tables from "./shop_tables"

export type Database = NodePgDatabase<typeof tables>
export type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0]

/** What a program does, and what it then asks of the database. */
export interface Operation {
    name: string
    run(shop: Shop): Promise<void>
}

export interface Person {
    id: string
    sub: string
}

export const minute = 60 * 1000
export const day = 24 * 60 * minute

export class Shop {
    readonly db: Database
    private made = 0

    constructor(server: Pool, private readonly gateway: Pool) {
        this.db = drizzle(server, { schema: tables, casing: "snake_case" })
    }

    /** A name that nothing else in this shop has. */
    unique(word: string): string {
        this.made++
        return `${word}-${this.made}`
    }

    /** A transaction of somebody at a browser, as a gateway opens it: NULL is a visitor. */
    async as<T>(person: Person | null, work: (tx: Transaction) => Promise<T>): Promise<T> {
        const gateway = drizzle(this.gateway, { schema: tables, casing: "snake_case" })
        return gateway.transaction(async (tx) => {
            const role = person === null ? "coursebase_edge_anonymous" : "coursebase_edge_user"
            await tx.execute(sql.raw(`SET LOCAL ROLE ${role}`))
            const claims = person === null ? "" : JSON.stringify({ sub: person.sub, role: "authenticated" })
            await tx.execute(sql`SELECT set_config('request.jwt.claims', ${claims}, true)`)
            return work(tx)
        })
    }

    /** The one value that a query gives. */
    async value<T>(query: SQL, db: Database | Transaction = this.db): Promise<T> {
        const result = await db.execute(query)
        return Object.values(result.rows[0] ?? {})[0] as T
    }

    async person(word = "person", role: "user" | "admin" = "user"): Promise<Person> {
        const name = this.unique(word)
        const [user] = await this.db
            .insert(tables.users)
            .values({ clerkUserId: `user_${name}`, name, email: `${name}@example.org`, role })
            .returning()
        return { id: user.id, sub: user.clerkUserId }
    }

    async course(title = this.unique("course"), values: Partial<typeof tables.courses.$inferInsert> = {}): Promise<string> {
        const [course] = await this.db
            .insert(tables.courses)
            .values({ title, description: "", ...values })
            .returning({ id: tables.courses.id })
        return course.id
    }

    /** A public product of these courses, in one transaction. */
    async product(courseIds: string[], values: Partial<typeof tables.products.$inferInsert> = {}): Promise<string> {
        return this.db.transaction(async (tx) => {
            const name = this.unique("product")
            const [product] = await tx
                .insert(tables.products)
                .values({ name, description: "", imageUrl: "/p.png", priceDollars: 49, status: "public", ...values })
                .returning()
            await tx.insert(tables.courseProducts).values(courseIds.map((courseId) => ({ courseId, productId: product.id })))
            return product.id
        })
    }

    /** A course with sections of so many lessons each, all public; the ids of the lessons a section. */
    async curriculum(courseId: string, sizes: number[]): Promise<{ sectionIds: string[]; lessonIds: string[][] }> {
        const sectionIds: string[] = []
        const lessonIds: string[][] = []
        for (const [order, size] of sizes.entries()) {
            const [section] = await this.db
                .insert(tables.courseSections)
                .values({ courseId, name: `section ${order}`, status: "public", order })
                .returning()
            const rows = Array.from({ length: size }, (_, place) => place).map((place) => ({
                sectionId: section.id,
                name: `lesson ${order}.${place}`,
                status: "public" as const,
                order: place,
            }))
            sectionIds.push(section.id)
            const made = rows.length === 0 ? [] : await this.db.insert(tables.lessons).values(rows).returning()
            lessonIds.push(made.map((lesson) => lesson.id))
        }
        return { sectionIds, lessonIds }
    }

    /** What a program writes when Stripe tells of a paid session. */
    sale(person: Person, productId: string, stripeSessionId = this.unique("cs")): typeof tables.purchases.$inferInsert {
        const productDetails = { name: "As it was sold", description: "", imageUrl: "/p.png" }
        return { userId: person.id, productId, stripeSessionId, pricePaidInCents: 4900, productDetails }
    }

    async buys(person: Person, productId: string): Promise<string> {
        const [purchase] = await this.db.insert(tables.purchases).values(this.sale(person, productId)).returning()
        return purchase.id
    }

    /** The lessons of a section by their places, which are 0, 1, 2 … */
    async lessonsOf(sectionId: string): Promise<string[]> {
        const rows = await this.db
            .select()
            .from(tables.lessons)
            .where(eq(tables.lessons.sectionId, sectionId))
            .orderBy(tables.lessons.order)
        assert.deepEqual(rows.map((row) => row.order), rows.map((_, place) => place), "places without a gap")
        return rows.map((row) => row.id)
    }

    async sectionsOf(courseId: string): Promise<string[]> {
        const rows = await this.db
            .select()
            .from(tables.courseSections)
            .where(eq(tables.courseSections.courseId, courseId))
            .orderBy(tables.courseSections.order)
        assert.deepEqual(rows.map((row) => row.order), rows.map((_, place) => place), "places without a gap")
        return rows.map((row) => row.id)
    }

    // What must hold

    async mayUse(person: Person, courseIds: string[], expected: boolean): Promise<void> {
        for (const courseId of courseIds) {
            const may = await this.value(sql`SELECT has_course_access(${courseId}, ${person.id})`)
            assert.equal(may, expected, `may use the course ${courseId}`)
        }
        const listed = await this.value<string[]>(sql`SELECT accessible_course_ids(${person.id})`)
        for (const courseId of courseIds) assert.equal(listed.includes(courseId), expected, "the list says the same")
    }

    /** The rows of the seed's own table, which its own queries read. */
    async access(person: Person): Promise<string[]> {
        const rows = await this.db.select().from(tables.userCourseAccess).where(eq(tables.userCourseAccess.userId, person.id))
        return rows.map((row) => row.courseId).sort()
    }

    async purchase(id: string): Promise<typeof tables.purchases.$inferSelect> {
        const [purchase] = await this.db.select().from(tables.purchases).where(eq(tables.purchases.id, id))
        return purchase
    }
}

/** The SQLSTATE of what a statement was refused with, which drizzle wraps. */
export function sqlstate(error: unknown): string | undefined {
    const { code, cause } = error as { code?: string; cause?: unknown }
    return code ?? (cause === undefined ? undefined : sqlstate(cause))
}

export async function refused(codes: string[], work: Promise<unknown>): Promise<void> {
    const code = await work.then(
        () => "nothing",
        (error) => sqlstate(error) ?? String(error)
    )
    assert.ok(codes.includes(code), `to be refused with ${codes.join(" or ")}, and was with ${code}`)
}

export function times<T>(count: number, make: (n: number) => T): T[] {
    return Array.from({ length: count }, (_, n) => make(n))
}
