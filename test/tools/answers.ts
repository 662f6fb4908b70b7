// What functions answer as JSON. Times are ISO 8601 in UTC.

export type Store = 'google_play' | 'app_store'

/** The account of AI credits. */
export interface AiUsage {
    weekly_limit_credits: number
    weekly_used_credits: number
    weekly_reset_date: string | null
    bank_limit_credits: number
    bank_used_credits: number
}

/** What a phone does with a file of its own: a document as a JSON string, bytes to insert, or nothing. */
export type ManifestEntry =
    | { action: 'add' | 'update'; checksum: string; file_size_bytes: number; content: string }
    | { action: 'append'; checksum: string; file_size_bytes: number; offset: number; insert: string }
    | { action: 'keep'; checksum: string; file_size_bytes: number }
    | { action: 'delete'; checksum: null; file_size_bytes: null }

export interface HandshakeRequest {
    analytics?: {
        current_course?: string | null
        voice?: string | null
        background?: string | null
        induction?: string | null
        deepening?: string | null
        audio_usage?: { [key: string]: { title?: string | null; no_of_plays: number; course_code?: string } }
    }
    device_id?: string
    purchases?: (string | { purchase_id: string })[]
    checksums?: { [name: string]: string }
    digest?: string
    deltas?: boolean
}

export interface Handshake {
    json_manifest: { [name: string]: ManifestEntry }
    purchases: { purchase_id: string; status: 'known' | 'unknown' }[]
    ai_usage: AiUsage
    subscription: {
        plan: 'free' | 'premium'
        status: Enums['subscription_status'] | null
        expires_at: string | null
        grace_until: string | null
        auto_renew: boolean | null
        entitlements: string[]
    }
    discounts: {
        code: string
        product_type: 'course' | 'subscription' | 'ai_credits' | 'custom_course'
        item: string | null
        percent_off: number | null
        amount_off_in_cents: number | null
        currency: string | null
        expires_at: string | null
        android_offer_id: string | null
        ios_offer_id: string | null
        product_suffix: string | null
    }[]
    courses: {
        course_code: string | null
        course_id: string
        voice: 'male' | 'female' | null
        source: Store | 'admin' | 'premium_slot' | 'grant' | 'premium'
    }[]
    premium_slots: {
        limit: number
        chosen: {
            slot: number
            course_code: string | null
            course_id: string
            voice: 'male' | 'female' | null
            chosen_at: string
            live: boolean
        }[]
    }
    digest: string
    /** There only where what was reported could not be kept: on a standby. Report it again. */
    kept?: false
}

/** Members that are absent were not given: which one is there the kind of the product says. */
export interface ValidatedPurchase {
    status: 'valid' | 'duplicate' | 'sandbox' | 'refunded' | 'pending' | 'canceled'
    message: string
    acknowledged: boolean
    course?: { course_id: string; course_code: string | null; title: string; voice?: 'male' | 'female' | null } | CustomCourseLink
    subscription?: { status: Enums['subscription_status']; expires_at?: string; product_id: string }
    ai_usage?: AiUsage
    discount_refused?: string
}

export interface CustomCourseLink {
    custom_course_id: string
    course_code: string
    title: string
    link_token: string
    link_expires_at: string
    is_submitted: boolean
}

export interface SubmittedCustomCourse {
    custom_course_id: string
    user_id: string
    course_code: string
    step: 'generate_script' | 'generate_audio'
    issue: string
    goal: string
    feel: string
    why: string
    title: string
    scripts: { number: 1 | 2 | 3; technique: string; [member: string]: Json }[]
}

export interface StorefrontCourse {
    program_id: string
    organization: { id: string; name: string; slug: string }
    name: string
    description: string | null
    duration_days: number
    access_policy: string
    plan_id: string
    price_in_cents: number
    currency: string
    published_at: string
    preview_type: Enums['course_preview_type']
    preview: {
        day_offset: number
        sort_order: number
        is_rest: boolean
        workout_id: string | null
        name: string | null
        description: string | null
    }[]
}

export interface Sales {
    sales_in_cents: number
    refunded_in_cents: number
    net_sales_in_cents: number
    purchases: number
    refunded_purchases: number
    customers: number
}

export interface AdminDashboard extends Sales {
    net_purchases: number
    students: number
    users: number
    products: number
    courses: number
    sections: number
    lessons: number
    per_product: (Sales & { product_id: string; name: string; status: Enums['product_status'] })[]
}

/** For each table the person's rows. */
export interface Export {
    [table: string]: { [column: string]: Json }[]
}

/** Arguments that are JSON, by function and name. */
export interface Requests {
    handshake_request: HandshakeRequest
}

export interface Answers {
    admin_dashboard: AdminDashboard
    export_user: Export | null
    handshake: Handshake
    storefront_course: StorefrontCourse | null
    submit_custom_course: SubmittedCustomCourse
    validate_purchase: ValidatedPurchase
}
