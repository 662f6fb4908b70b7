// manage_regen_requests.ts: whoever bought a custom course has it made again: the purchase gets a new link to its form.
//
// POST {"purchase_id": UUID}, the key of custom_course_purchases; Authorization: Bearer TOKEN. 200 with {link_token, expires_at}; a
// link that still leads to the form is answered as it is, so that a call may be repeated. 404 for what is not the person's own.
// Environment: that of server.ts.
import { askAs, claimsOf, json, objectOf, Refusal, serve } from "./server.ts"

serve("POST", async (request) => {
    const claims = await claimsOf(request)
    const { purchase_id } = await objectOf(request, "purchase_id")
    const [link] = await askAs(claims, (ask) =>
        ask(
            `SELECT r.link_token, r.expires_at
             FROM coursebase.custom_course_purchases p, coursebase.manage_regen_requests(p.id) r
             WHERE p.id = $1 AND p.course_id = ANY (coursebase.own_custom_course_ids())`,
            [purchase_id]
        )
    )
    if (link === undefined) throw new Refusal(404, "not_found", "the person has no such purchase")
    return json(link)
})
