// verify_gen_link.ts: the page behind the link of a custom course asks whether to show the form.
//
// GET ?link_token=UUID. The link is the secret: nobody signs in. 200 with {valid, reason, expires_at}; reason is not_found, refunded,
// revoked, submitted or expired. Environment: that of server.ts; ALLOWED_ORIGIN, because a browser calls.
import { ask, json, serve } from "./server.ts"

serve("GET", async (request) => {
    const token = new URL(request.url).searchParams.get("link_token")
    const [answer] = await ask("SELECT valid, reason, expires_at FROM coursebase.verify_gen_link($1)", [token])
    return json(answer)
})
