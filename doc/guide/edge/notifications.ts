// notifications.ts: where App Store, Google Play, Stripe and RevenueCat send what happened. The last part of the address says who:
// …/notifications/app_store, …/google_play, …/stripe, …/revenuecat.
//
// POST as the provider sends it. 200 for what is kept, also where it waits for something or a rule refuses it, because the
// provider can do no more; 401 for what is not genuine (KB821, KB822), 503 for a key that is not entered yet (KB823), so that the
// provider sends again. Environment: that of server.ts, and for Google Play that of google.ts. Keys of the providers stand in the
// database: set_store_key().
import { google } from "./google.ts"
import { appStore, googlePlay, revenueCat, stripe } from "./providers.ts"
import type { AskTaken, Taken, Told } from "./providers.ts"
import { ask, json, Refusal, serve, textOf } from "./server.ts"

const providers: Record<string, (ask: AskTaken, told: Told) => Promise<Taken>> = {
    app_store: appStore,
    google_play: (ask, told) => googlePlay(ask, told, google),
    stripe,
    revenuecat: revenueCat,
}

serve("POST", async (request) => {
    const name = new URL(request.url).pathname.split("/").pop() ?? ""
    if (!Object.hasOwn(providers, name)) throw new Refusal(404, "provider", "the address ends in no provider's name")
    const told = { body: await textOf(request), headers: Object.fromEntries(request.headers) }
    const { outcome } = await providers[name](ask, told)
    return json({ outcome })
})
