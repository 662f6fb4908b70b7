// submit_custom_course.ts: the form of a custom course is sent. The step generate_script checks it, as often as it is sent;
// generate_audio takes it, once, even if two browsers send it at the same moment.
//
// POST {"link_token": UUID, "step": …, "answers": {"issue": …, "goal": …, "feel": …, "why": …, "title": …, "scripts": […]}}. The link
// is the secret: nobody signs in. 200 with what the generation of the course needs; 422 with the list of what is wrong (KB204);
// 410 when the link has expired (KB202), 409 when the form was taken before (KB203). Environment: that of server.ts;
// ALLOWED_ORIGIN, because a browser calls.
import { ask, json, objectOf, serve } from "./server.ts"

serve("POST", async (request) => {
    const { link_token, step, answers } = await objectOf(request, "link_token", "step")
    const [{ course }] = await ask<{ course: string }>("SELECT coursebase.submit_custom_course($1, $2, $3::json)::text AS course", [
        link_token,
        step,
        JSON.stringify(answers),
    ])
    // here the texts or the audio are ordered from whoever makes them; what was made comes back by update_json()
    return json(course)
})
