/** What a driver throws, or supabase-js answers as error. */
export interface DatabaseError {
    code: string
    message: string
    details?: string | null
    hint?: string | null
}

export function isDatabaseError(thrown: unknown): thrown is DatabaseError {
    return typeof thrown === 'object' && thrown !== null && typeof (thrown as DatabaseError).code === 'string'
}

/** The error of coursebase's own that a code names, or undefined. */
export function errorOf(thrown: unknown): (typeof errors)[ErrorCode] | undefined {
    return isDatabaseError(thrown) && thrown.code in errors ? errors[thrown.code as ErrorCode] : undefined
}

/** The HTTP status to answer with: of coursebase's own errors that of the table, of the server's own the one that PostgREST gives. */
export function statusOf(thrown: unknown): number {
    const own = errorOf(thrown)
    if (own !== undefined) return own.status
    if (!isDatabaseError(thrown)) return 500
    const { code } = thrown
    // what another transaction holds, a server that is full, starting or stopping, a connection that is lost: again later
    if (/^(?:40|53|57|08)|^55P03$|^ECONN|^ETIMEDOUT$|^ENOTFOUND$/.test(code)) return 503
    if (code === '42501') return 403
    // what the caller sent: a value of another form, or none; what other rows do not allow
    if (/^(?:22|23502|23514|P0001)/.test(code)) return 400
    return code.startsWith('23') ? 409 : 500
}

/** Whether the same call may succeed now: somebody else's transaction was in the way. */
export function isTransient(thrown: unknown): boolean {
    return isDatabaseError(thrown) && ['40001', '40P01', 'KB007'].includes(thrown.code)
}

/**
 * Calls again what ended in 40001, 40P01 or KB007, at most `attempts` times in all, with a pause that grows. The call is a whole
 * transaction: within one, the rest of it fails, too. Takes what throws, as pg does, and what answers { error }, as supabase-js.
 */
export async function retry<T>(call: () => PromiseLike<T>, attempts = 5): Promise<T> {
    for (let attempt = 1; ; attempt++) {
        try {
            const answer = await call()
            if (attempt >= attempts || !isTransient((answer as { error?: unknown } | null | undefined)?.error)) return answer
        } catch (thrown) {
            if (attempt >= attempts || !isTransient(thrown)) throw thrown
        }
        await new Promise<void>((resolve) => setTimeout(resolve, 2 ** attempt * (5 + 10 * Math.random())))
    }
}
