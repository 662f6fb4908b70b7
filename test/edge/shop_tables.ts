// shop_tables.ts: the tables as a program with drizzle declares them: names in snake_case made from the members' names,
// money as integer, no column that the extension fills for itself.
import { relations } from "drizzle-orm"
import * as pg from "drizzle-orm/pg-core"

const id = () => pg.uuid().primaryKey().defaultRandom()
const moment = () => pg.timestamp({ withTimezone: true })
const stamps = { createdAt: moment().notNull().defaultNow(), updatedAt: moment().notNull().defaultNow() }

export const userRole = pg.pgEnum("user_role", ["admin", "user"])
export const productStatus = pg.pgEnum("product_status", ["public", "private"])
export const sectionStatus = pg.pgEnum("course_section_status", ["public", "private"])
export const lessonStatus = pg.pgEnum("lesson_status", ["public", "private", "preview"])
export const membershipRole = pg.pgEnum("membership_role", ["owner", "admin", "coach", "member"])
export const deliveryMode = pg.pgEnum("program_delivery_mode", ["course", "live"])
export const publishStatus = pg.pgEnum("publish_status", ["draft", "published", "archived", "cancelled"])
export const planType = pg.pgEnum("plan_type", ["subscription", "class_pack", "drop_in", "course"])
export const entitlementStatus = pg.pgEnum("course_entitlement_status", ["pending", "active", "revoked"])
export const transactionStatus = pg.pgEnum("transaction_status", [
    "pending", "completed", "failed", "cancelled", "refund_pending", "refunded",
])

// People

export const users = pg.pgTable("users", {
    id: id(),
    clerkUserId: pg.text().notNull().unique(),
    name: pg.text().notNull(),
    email: pg.text().notNull(),
    role: userRole().notNull().default("user"),
    imageUrl: pg.text(),
    deletedAt: moment(),
    ...stamps,
})

export const userProfile = pg.pgTable("user_profile", {
    userId: pg.uuid().primaryKey(),
    firstName: pg.text(),
    lastName: pg.text(),
    country: pg.text(),
    email: pg.text().notNull(),
    timeZone: pg.text().notNull().default("UTC"),
    ...stamps,
})

export const cohorts = pg.pgTable("cohorts", { id: id(), code: pg.text().notNull(), name: pg.text().notNull(), kind: pg.text().notNull() })

export const userCohorts = pg.pgTable("user_cohorts", { userId: pg.uuid().primaryKey(), cohortId: pg.uuid().notNull() })

// The catalogue

export const courses = pg.pgTable("courses", {
    id: id(),
    courseCode: pg.text(),
    title: pg.text().notNull(),
    description: pg.text().notNull(),
    isFree: pg.boolean().notNull().default(false),
    ...stamps,
})

export const courseSections = pg.pgTable("course_sections", {
    id: id(),
    courseId: pg.uuid().notNull(),
    name: pg.text().notNull(),
    status: sectionStatus().notNull().default("private"),
    order: pg.integer().notNull(),
    ...stamps,
})

export const lessons = pg.pgTable("lessons", {
    id: id(),
    sectionId: pg.uuid().notNull(),
    name: pg.text().notNull(),
    description: pg.text(),
    status: lessonStatus().notNull().default("private"),
    order: pg.integer().notNull(),
    ...stamps,
})

export const lessonContents = pg.pgTable("lesson_contents", {
    lessonId: pg.uuid().primaryKey(),
    videoRef: pg.text(),
    body: pg.text(),
})

export const courseDocuments = pg.pgTable("course_documents", {
    courseId: pg.uuid().primaryKey(),
    data: pg.json().notNull(),
    checksum: pg.text(),
    fileSizeBytes: pg.integer(),
})

export const products = pg.pgTable("products", {
    id: id(),
    name: pg.text().notNull(),
    description: pg.text().notNull(),
    imageUrl: pg.text().notNull(),
    priceDollars: pg.integer().notNull(),
    status: productStatus().notNull().default("private"),
    accessDays: pg.integer(),
    givesLaterCourses: pg.boolean().notNull().default(false),
    ...stamps,
})

export const courseProducts = pg.pgTable(
    "course_products",
    { courseId: pg.uuid().notNull(), productId: pg.uuid().notNull(), ...stamps },
    (table) => [pg.primaryKey({ columns: [table.courseId, table.productId] })]
)

export const storeProducts = pg.pgTable("store_products", {
    productId: pg.text().primaryKey(),
    kind: pg.text().notNull(),
    courseId: pg.uuid(),
    credits: pg.integer(),
})

export const productLinks = relations(products, ({ many }) => ({ courseProducts: many(courseProducts) }))
export const courseProductLinks = relations(courseProducts, ({ one }) => ({
    product: one(products, { fields: [courseProducts.productId], references: [products.id] }),
    course: one(courses, { fields: [courseProducts.courseId], references: [courses.id] }),
}))
export const courseLinks = relations(courses, ({ many }) => ({ sections: many(courseSections) }))
export const sectionLinks = relations(courseSections, ({ one, many }) => ({
    course: one(courses, { fields: [courseSections.courseId], references: [courses.id] }),
    lessons: many(lessons),
}))
export const lessonLinks = relations(lessons, ({ one, many }) => ({
    section: one(courseSections, { fields: [lessons.sectionId], references: [courseSections.id] }),
    completions: many(userLessonComplete),
}))

// Sales and rights

export const purchases = pg.pgTable("purchases", {
    id: id(),
    pricePaidInCents: pg.integer().notNull(),
    refundedInCents: pg.integer().notNull().default(0),
    productDetails: pg.jsonb().notNull().$type<{ name: string; description: string; imageUrl: string }>(),
    userId: pg.uuid().notNull(),
    productId: pg.uuid().notNull(),
    stripeSessionId: pg.text().notNull().unique(),
    refundedAt: moment(),
    ...stamps,
})

export const userCourseAccess = pg.pgTable(
    "user_course_access",
    { userId: pg.uuid().notNull(), courseId: pg.uuid().notNull(), ...stamps },
    (table) => [pg.primaryKey({ columns: [table.userId, table.courseId] })]
)

export const courseGrants = pg.pgTable("course_grants", {
    id: id(),
    userId: pg.uuid().notNull(),
    courseId: pg.uuid().notNull(),
    purchaseId: pg.uuid(),
    expiresAt: moment(),
})

export const userLessonComplete = pg.pgTable(
    "user_lesson_complete",
    { userId: pg.uuid().notNull(), lessonId: pg.uuid().notNull(), ...stamps },
    (table) => [pg.primaryKey({ columns: [table.userId, table.lessonId] })]
)

export const completionLinks = relations(userLessonComplete, ({ one }) => ({
    lesson: one(lessons, { fields: [userLessonComplete.lessonId], references: [lessons.id] }),
}))

export const coursePurchases = pg.pgTable("course_purchases", {
    id: id(),
    userId: pg.uuid().notNull(),
    courseId: pg.uuid().notNull(),
    voice: pg.text(),
    source: pg.text().notNull(),
    productId: pg.text(),
    purchaseId: pg.text(),
    purchaseToken: pg.text(),
    status: pg.text().notNull().default("pending"),
    validatedAt: moment(),
    refundedAt: moment(),
})

export const countryDiscounts = pg.pgTable("country_discounts", {
    country: pg.char({ length: 2 }).primaryKey(),
    percentOff: pg.numeric({ precision: 5, scale: 2 }).notNull(),
})

export const discountCodes = pg.pgTable("discount_codes", {
    id: id(),
    code: pg.text().notNull(),
    productType: pg.text().notNull(),
    percentOff: pg.numeric({ precision: 5, scale: 2 }),
    maxRedemptions: pg.integer(),
    isActive: pg.boolean().notNull().default(true),
})

export const subscriptions = pg.pgTable("subscriptions", {
    id: id(),
    userId: pg.uuid().notNull(),
    plan: pg.text().notNull().default("free"),
    status: pg.text().notNull(),
    expiresAt: moment(),
})

export const referralCredits = pg.pgTable("referral_credits", {
    id: id(),
    userId: pg.uuid().notNull(),
    referredUserId: pg.uuid().notNull(),
    amountInCents: pg.integer().notNull(),
})

export const aiUsage = pg.pgTable("ai_usage", {
    userId: pg.uuid().primaryKey(),
    bankLimitCredits: pg.integer().notNull().default(0),
    bankUsedCredits: pg.integer().notNull().default(0),
})

// Programs of organisations

export const organizations = pg.pgTable("organizations", {
    id: id(),
    name: pg.text().notNull(),
    slug: pg.text().notNull(),
    currency: pg.char({ length: 3 }).notNull().default("USD"),
    timeZone: pg.text().notNull().default("UTC"),
})

export const memberships = pg.pgTable("memberships", {
    id: id(),
    organizationId: pg.uuid().notNull(),
    userId: pg.uuid().notNull(),
    role: membershipRole().notNull(),
})

export const workouts = pg.pgTable("workouts", {
    id: id(),
    organizationId: pg.uuid().notNull(),
    name: pg.text().notNull(),
    deletedAt: moment(),
})

export const programs = pg.pgTable("programs", {
    id: id(),
    organizationId: pg.uuid().notNull(),
    name: pg.text().notNull(),
    deliveryMode: deliveryMode().notNull(),
})

export const courseConfigs = pg.pgTable("course_configs", {
    programId: pg.uuid().primaryKey(),
    durationDays: pg.integer().notNull(),
    status: publishStatus().notNull().default("draft"),
    publishedAt: moment(),
    archivedAt: moment(),
})

export const courseWorkouts = pg.pgTable("course_workouts", {
    id: id(),
    programId: pg.uuid().notNull(),
    dayOffset: pg.integer().notNull(),
    sortOrder: pg.integer().notNull(),
    workoutId: pg.uuid(),
    isRest: pg.boolean().notNull().default(false),
})

export const plans = pg.pgTable("plans", {
    id: id(),
    organizationId: pg.uuid().notNull(),
    programId: pg.uuid(),
    type: planType().notNull(),
    name: pg.text().notNull(),
    priceInCents: pg.integer().notNull(),
    isActive: pg.boolean().notNull().default(true),
})

export const paymentTransactions = pg.pgTable("payment_transactions", {
    id: id(),
    organizationId: pg.uuid().notNull(),
    userId: pg.uuid().notNull(),
    planId: pg.uuid().notNull(),
    amountInCents: pg.integer().notNull(),
    currency: pg.char({ length: 3 }),
    type: pg.text().notNull(),
    status: transactionStatus().notNull().default("pending"),
    provider: pg.text(),
    providerReference: pg.text(),
})

export const courseEntitlements = pg.pgTable("course_entitlements", {
    id: id(),
    userId: pg.uuid().notNull(),
    programId: pg.uuid().notNull(),
    status: entitlementStatus().notNull(),
    startDate: pg.date(),
    completedAt: moment(),
    restartCount: pg.integer().notNull().default(0),
    sourcePaymentTransactionId: pg.uuid(),
    accessRevokedAt: moment(),
})

export const courseWorkoutCompletions = pg.pgTable("course_workout_completions", {
    id: id(),
    entitlementId: pg.uuid().notNull(),
    courseWorkoutId: pg.uuid().notNull(),
    completedAt: moment().notNull().defaultNow(),
    notes: pg.text(),
})

// Documents and records

export const customCourses = pg.pgTable("custom_courses", {
    id: id(),
    userId: pg.uuid().notNull(),
    courseCode: pg.text().notNull(),
    title: pg.text().notNull(),
    description: pg.text().notNull(),
    data: pg.json().notNull(),
    checksum: pg.text(),
    fileSizeBytes: pg.integer(),
})

export const masterManifests = pg.pgTable("master_manifests", {
    id: id(),
    name: pg.text().notNull(),
    content: pg.json().notNull(),
    checksum: pg.text(),
    isDefault: pg.boolean().notNull().default(false),
})

export const manifestCohorts = pg.pgTable("manifest_cohorts", { manifestId: pg.uuid().notNull(), cohortId: pg.uuid().notNull() })

export const audioUsage = pg.pgTable(
    "audio_usage",
    {
        userId: pg.uuid().notNull(),
        courseCode: pg.text().notNull(),
        audioKey: pg.text().notNull(),
        playCount: pg.integer().notNull(),
    },
    (table) => [pg.primaryKey({ columns: [table.userId, table.courseCode, table.audioKey] })]
)

export const analytics = pg.pgTable("analytics", { userId: pg.uuid().primaryKey(), currentCourse: pg.text(), voice: pg.text() })

export const appLogs = pg.pgTable("app_logs", {
    id: id(),
    userId: pg.uuid(),
    logType: pg.text().notNull(),
    message: pg.text().notNull(),
    context: pg.jsonb(),
})

export const serverLogs = pg.pgTable("server_logs", {
    id: id(),
    functionName: pg.text().notNull(),
    level: pg.text().notNull(),
    message: pg.text().notNull(),
})
