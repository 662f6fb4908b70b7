// handshake.ts: a phone that starts says what it has, and hears what to do with each file, what its person owns and has left.
//
// POST, Authorization: Bearer TOKEN, the body as the reference of handshake() has it: {"device_id": …, "checksums": {…}, …}.
// 200 with the handshake's answer, byte for byte. Environment: that of server.ts.
import { askAs, claimsOf, json, serve, textOf } from "./server.ts"

serve("POST", async (request) => {
    const claims = await claimsOf(request)
    const told = await textOf(request)
    const [{ answer }] = await askAs(claims, (ask) =>
        ask<{ answer: string }>("SELECT coursebase.handshake(coursebase.current_user_id(), $1::json)::text AS answer", [told])
    )
    return json(answer)
})
