// supabase_calls.ts: calls of supabase-js as its users write them, against the types that `supabase gen types typescript` gives. It is
// compiled with those by supabase_test.ts, which then makes the calls.
import { strict as assert } from "node:assert"
import type { SupabaseClient } from "@supabase/supabase-js"
import type { Database } from "./database.types.js"

export type Client = SupabaseClient<Database, "coursebase">
type Tables = Database["coursebase"]["Tables"]
type Enums = Database["coursebase"]["Enums"]

/** Each has the token of who calls; what they made is kept for the calls after. */
export interface Clients {
    anonymous: Client
    user: Client
    admin: Client
    server: Client
}

type Call = (clients: Clients) => Promise<void>
const made = { course: "", section: "", lesson: "", second: "", product: "", organization: "", workout: "", program: "", plan: "", user: "" }

/** The administrator arranges the catalogue; what triggers fill is left out. */
const catalogue: Record<string, Call> = {
    "insert a course, select it": async ({ admin }) => {
        const course: Tables["courses"]["Insert"] = { title: "Calm", description: "Four weeks" }
        const { data, error } = await admin.from("courses").insert(course).select("id, title, is_free").single()
        if (error) throw error
        const free: boolean = data.is_free
        assert.equal(free, false)
        made.course = data.id
    },
    "insert a section without its order": async ({ admin }) => {
        const { data } = await admin.from("course_sections").insert({ course_id: made.course, name: "One", status: "public" }).select().single().throwOnError()
        const place: number = data.order
        assert.equal(place, 0)
        made.section = data.id
    },
    "insert lessons without their orders": async ({ admin }) => {
        const status: Enums["lesson_status"] = "public"
        const rows = [{ section_id: made.section, name: "Standing", status }, { section_id: made.section, name: "Breathing", status: "preview" as const }]
        const { data } = await admin.from("lessons").insert(rows).select("id, name, order, course_sections(name, courses(title))").throwOnError()
        // PostgREST does not keep the order of what it inserted
        data.sort((a, b) => a.order - b.order)
        assert.deepEqual(data.map((lesson) => [lesson.name, lesson.order]), [["Standing", 0], ["Breathing", 1]])
        const title: string = data[0].course_sections.courses.title
        assert.equal(title, "Calm")
        ;[made.lesson, made.second] = data.map((lesson) => lesson.id)
    },
    "reorder": async ({ admin }) => {
        await admin.rpc("reorder_lessons", { section_id: made.section, ids: [made.second, made.lesson] }).throwOnError()
        const { data } = await admin.from("lessons").select("id").eq("section_id", made.section).order("order").throwOnError()
        assert.deepEqual(data.map(({ id }) => id), [made.second, made.lesson])
    },
    "upsert the content of a lesson": async ({ admin }) => {
        for (const body of ["Stand.", "Stand still."])
            await admin.from("lesson_contents").upsert({ lesson_id: made.lesson, body }).throwOnError()
    },
    "save a product, and its price alone": async ({ admin }) => {
        const whole = { name: "Calm", description: "One course", image_url: "/calm.png", price_dollars: 19, status: "public", course_ids: [made.course] }
        const { data } = await admin.rpc("save_product", whole).throwOnError()
        made.product = data
        await admin.rpc("save_product", { product_id: made.product, price_dollars: 29 }).throwOnError()
        const { data: product } = await admin.from("products").select("price_dollars, status").eq("id", made.product).single().throwOnError()
        const status: Enums["product_status"] = product.status
        assert.deepEqual([product.price_dollars, status], [29, "public"])
    },
    "update by an enum, delete": async ({ admin }) => {
        const { data } = await admin.from("course_sections").insert({ course_id: made.course, name: "Two" }).select("id").single().throwOnError()
        await admin.from("course_sections").update({ status: "private" satisfies Enums["course_section_status"] }).eq("id", data.id).throwOnError()
        const { count } = await admin.from("course_sections").delete({ count: "exact" }).eq("id", data.id).throwOnError()
        assert.equal(count, 1)
    },
    "upsert a store's product, twice": async ({ server }) => {
        const row = { product_id: "supabase.calm", kind: "course" as const, course_id: made.course }
        for (const price_in_cents of [1900, 2900])
            await server.from("store_products").upsert({ ...row, price_in_cents, currency: "EUR" }, { onConflict: "product_id" }).throwOnError()
    },
}

/** A visitor looks around. */
const visitor: Record<string, Call> = {
    "the shop": async ({ anonymous }) => {
        const { data } = await anonymous.from("storefront_products").select("product_id, name, price_dollars").throwOnError()
        assert.deepEqual(data.map((product) => product.price_dollars), [29])
    },
    "the outline of a course, three tables deep": async ({ anonymous }) => {
        const { data } = await anonymous
            .from("courses")
            .select("title, course_sections(name, order, lessons(name, status, order))")
            .eq("id", made.course)
            .order("order", { referencedTable: "course_sections" })
            .single()
            .throwOnError()
        const names: string[] = data.course_sections.flatMap((section) => section.lessons.map((lesson) => lesson.name))
        assert.deepEqual(names.sort(), ["Breathing", "Standing"])
    },
    "may I, unsigned": async ({ anonymous }) => {
        const { data } = await anonymous.rpc("has_course_access", { course_id: made.course }).throwOnError()
        const may: boolean = data
        assert.equal(may, false)
    },
    "a code": async ({ anonymous }) => {
        const { data } = await anonymous.rpc("validate_referral_code", { code: "NONE" }).throwOnError()
        assert.deepEqual(data, [{ valid: false, kind: null }])
    },
    "count without rows, by GET": async ({ anonymous }) => {
        const { count } = await anonymous.from("lessons").select("*", { count: "exact", head: true }).eq("section_id", made.section).throwOnError()
        assert.equal(count, 2)
        const { data } = await anonymous.rpc("can_buy_product", { product_id: made.product }, { get: true }).throwOnError()
        assert.equal(data, false)
    },
}

/** The server sells. */
const sales: Record<string, Call> = {
    "who is that": async ({ server }) => {
        const { data } = await server.rpc("upsert_user", { clerk_user_id: "supabase_ada", name: "Ada", email: "ada@example.org", country: "NG" }).throwOnError()
        made.user = data
    },
    "a paid session": async ({ server }) => {
        const sale = { user_id: made.user, product_id: made.product, stripe_session_id: "cs_supabase", price_paid_in_cents: 2900, payment_status: "paid" }
        const { data } = await server.rpc("complete_purchase", sale).single().throwOnError()
        const courses: string[] = data.course_ids
        assert.deepEqual([data.status, courses], ["completed", [made.course]])
    },
    "a purchase by a plain insert": async ({ server }) => {
        const purchase: Tables["purchases"]["Insert"] = {
            user_id: made.user,
            product_id: made.product,
            stripe_session_id: "cs_plain",
            price_paid_in_cents: 2900,
            product_details: { name: "Calm", description: "One course", imageUrl: "/calm.png" },
        }
        const { data } = await server.from("purchases").insert(purchase).select("id, refunded_in_cents, products(name)").single().throwOnError()
        assert.deepEqual([data.refunded_in_cents, data.products.name], [0, "Calm"])
        await server.rpc("refund_purchase", { purchase_id: data.id, refund_ref: "re_plain" }).throwOnError()
    },
    "a phone that starts": async ({ server }) => {
        const { data } = await server.rpc("handshake", { user_id: made.user, request: { device_id: "phone-1", checksums: {} } }).throwOnError()
        assert.ok(data && typeof data === "object" && !Array.isArray(data) && data.json_manifest)
    },
    "an organisation's program, for sale": async ({ server }) => {
        const { data: organization } = await server.from("organizations").insert({ name: "Iron", slug: "iron", currency: "EUR" }).select("id, platform_tier").single().throwOnError()
        const of = { organization_id: organization.id }
        const { data: workout } = await server.from("workouts").insert({ ...of, name: "Squat" }).select("id").single().throwOnError()
        const { data: program } = await server.from("programs").insert({ ...of, name: "Strong", delivery_mode: "course" }).select("id").single().throwOnError()
        await server.from("course_configs").insert({ program_id: program.id, duration_days: 3 }).throwOnError()
        const days = [{ day_offset: 0, workout_id: workout.id }, { day_offset: 1, is_rest: true }].map((day) => ({ ...day, program_id: program.id, sort_order: 0 }))
        // rows of different members: what one lacks has its default, and is not NULL
        await server.from("course_workouts").insert(days, { defaultToNull: false }).throwOnError()
        const { data: plan } = await server.from("plans").insert({ ...of, program_id: program.id, type: "course", name: "Strong", price_in_cents: 4900 }).select("id, currency").single().throwOnError()
        assert.equal(plan.currency, "EUR")
        await server.rpc("publish_course", { program_id: program.id }).throwOnError()
        Object.assign(made, { organization: organization.id, workout: workout.id, program: program.id, plan: plan.id })
    },
    "a payment without its currency": async ({ server }) => {
        const { data } = await server.rpc("begin_checkout", { user_id: made.user, program_id: made.program }).single().throwOnError()
        await server.rpc("attach_payment_reference", { transaction_id: data.transaction_id ?? "", provider: "stripe", provider_reference: "pi_supabase" }).throwOnError()
        const event = { organization_id: made.organization, provider: "stripe", provider_reference: "pi_supabase", outcome: "completed" }
        const { data: payment } = await server.rpc("apply_payment_event", event).single().throwOnError()
        assert.equal(payment.status, "completed")
        const row: Tables["payment_transactions"]["Insert"] = { ...{ organization_id: made.organization, plan_id: made.plan, user_id: made.user }, amount_in_cents: 4900, type: "charge" }
        const { data: other } = await server.from("payment_transactions").insert(row).select("status, currency").single().throwOnError()
        const status: Enums["transaction_status"] = other.status
        assert.deepEqual([status, other.currency], ["pending", "EUR"])
    },
    "the storefront with its program, and the same by its function": async ({ anonymous }) => {
        const { data } = await anonymous
            .from("storefront_courses")
            .select("name, price_in_cents, preview_type, programs(name, delivery_mode)")
            .eq("program_id", made.program)
            .single()
            .throwOnError()
        // of a view the types know no column that is never null
        const mode: Enums["program_delivery_mode"] | undefined = data.programs?.delivery_mode
        const preview: Enums["course_preview_type"] | null = data.preview_type
        assert.deepEqual([data.name, data.price_in_cents, mode, preview], ["Strong", 4900, "course", "none"])
        const { data: course } = await anonymous.rpc("storefront_course", { program_id: made.program }).throwOnError()
        assert.ok(course && typeof course === "object" && !Array.isArray(course) && course.name === "Strong")
    },
}

/** Somebody who is signed in. */
const learner: Record<string, Call> = {
    "who am I": async ({ user }) => {
        const { data } = await user.rpc("whoami").single().throwOnError()
        const role: string = data.role_name
        assert.ok(data.user_id === made.user && role !== "")
    },
    "my profile by an embed with a hint": async ({ user }) => {
        const { data } = await user.from("users").select("name, user_profile!user_id(country, referral_code)").single().throwOnError()
        const profile = data.user_profile
        assert.deepEqual([data.name, profile?.country], ["Ada", "NG"])
    },
    "change my profile": async ({ user }) => {
        const change: Tables["user_profile"]["Update"] = { first_name: "Ada", time_zone: "Europe/Berlin" }
        const { data } = await user.from("user_profile").update(change).eq("user_id", made.user).select("first_name").single().throwOnError()
        assert.equal(data.first_name, "Ada")
    },
    "what I have, with no argument at all": async ({ user }) => {
        const { data } = await user.rpc("my_courses").throwOnError()
        assert.deepEqual(data.map((course) => course.title).sort(), ["Calm", "Strong"])
        const { data: balance } = await user.rpc("credit_balance").single().throwOnError()
        const left: number = balance.bank_limit_credits - balance.bank_used_credits
        assert.equal(left, 0)
    },
    "lessons and how far I am": async ({ user }) => {
        const { data: done } = await user.rpc("complete_lesson", { lesson_id: made.lesson }).throwOnError()
        assert.equal(done, true)
        const { data } = await user.from("course_lessons_with_completion").select("lesson_id, status").eq("course_id", made.course).throwOnError()
        const status: Enums["lesson_status"] | null = data[0].status
        assert.ok(data.length === 2 && status)
        const { data: progress } = await user.rpc("course_progress", { course_id: made.course }).single().throwOnError()
        assert.deepEqual([progress.lessons, progress.completed, progress.percent], [2, 1, 50])
    },
    "complete a lesson by an upsert": async ({ user }) => {
        for (let n = 0; n < 2; n++) await user.from("user_lesson_complete").upsert({ lesson_id: made.second }).throwOnError()
        const { data } = await user.from("user_lesson_complete").select("lessons(name)").throwOnError()
        assert.deepEqual(data.map((row) => row.lessons?.name).sort(), ["Breathing", "Standing"])
    },
    "an entitlement with its program, curriculum and completions": async ({ user }) => {
        const select = "id, status, programs(name, course_configs(duration_days), course_workouts(id, day_offset, workouts(name))), course_workout_completions(count)"
        const { data } = await user.from("course_entitlements").select(select).eq("status", "active").single().throwOnError()
        const status: Enums["course_entitlement_status"] = data.status
        const workout = data.programs.course_workouts.find((place) => place.workouts !== null)
        assert.deepEqual([status, data.programs.course_configs?.duration_days, workout?.workouts?.name], ["active", 3, "Squat"])
        await user.rpc("start_course", { entitlement_id: data.id }).throwOnError()
        await user.rpc("mark_workout_complete", { entitlement_id: data.id, course_workout_id: workout?.id ?? "" }).throwOnError()
        const { data: again } = await user.from("course_entitlements").select(select).single().throwOnError()
        assert.deepEqual(again.course_workout_completions, [{ count: 1 }])
    },
    "a purchase as it was sold": async ({ user }) => {
        const { data } = await user.from("purchase_history").select("purchase_id, product_name, price_paid_in_cents").throwOnError()
        assert.deepEqual(data.map((purchase) => [purchase.product_name, purchase.price_paid_in_cents]), [["Calm", 2900]])
    },
    "a log entry of a kind": async ({ user }) => {
        await user.from("app_logs").insert({ log_type: "user_action", message: "tapped", context: { screen: "shop" } }).throwOnError()
    },
    "a rule that refuses": async ({ user }) => {
        const { data, error, status } = await user.rpc("choose_premium_course", { course_id: made.course })
        assert.equal(data, null)
        assert.deepEqual([status, error?.code], [402, "KB811"])
        assert.ok(error && error.message !== "" && error.hint !== undefined)
    },
    "a right that is not mine": async ({ user }) => {
        const { error, status } = await user.from("lessons").insert({ section_id: made.section, name: "Mine" })
        assert.deepEqual([status, error?.code], [403, "42501"])
        const { error: other } = await user.rpc("has_course_access", { course_id: made.course, user_id: made.course })
        assert.equal(other?.code, "42501")
    },
}

export const calls: Record<string, Call> = { ...catalogue, ...visitor, ...sales, ...learner }

/** What must not compile. */
export function refused({ user }: Clients): unknown[] {
    return [
        // @ts-expect-error: none of the enum
        user.from("lessons").insert({ section_id: "a", name: "b", status: "hidden" }),
        // @ts-expect-error: it has to be said
        user.from("lessons").insert({ name: "b" }),
        // @ts-expect-error: it has to be said
        user.rpc("complete_lesson", {}),
        // @ts-expect-error: a number
        user.rpc("save_product", { price_dollars: "5" }),
        // @ts-expect-error: no such table
        user.from("lesson"),
    ]
}
