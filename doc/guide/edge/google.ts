// google.ts: calls of Google's API (androidpublisher/v3) with your service account.
//
// GOOGLE_SERVICE_ACCOUNT        the account's key file, which is JSON, as one text
// GOOGLE_API                    https://androidpublisher.googleapis.com/androidpublisher/v3, unless you go by another way
import { importPKCS8, SignJWT } from "jose"
import process from "node:process"
import { setting } from "./server.ts"

const scope = "https://www.googleapis.com/auth/androidpublisher"
let granted: { token: string; until: number } | undefined

/** An access token, which Google gives for an hour. */
async function accessToken(): Promise<string> {
    if (granted !== undefined && granted.until > Date.now()) return granted.token
    const account = JSON.parse(setting("GOOGLE_SERVICE_ACCOUNT"))
    const assertion = await new SignJWT({ scope })
        .setProtectedHeader({ alg: "RS256", kid: account.private_key_id })
        .setIssuer(account.client_email)
        .setAudience(account.token_uri)
        .setIssuedAt()
        .setExpirationTime("10m")
        .sign(await importPKCS8(account.private_key, "RS256"))
    const body = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion })
    const answer = await fetch(account.token_uri, { method: "POST", body })
    if (!answer.ok) throw new Error(`Google gives no token: ${answer.status} ${await answer.text()}`)
    const { access_token, expires_in } = await answer.json()
    granted = { token: access_token, until: Date.now() + (expires_in - 60) * 1000 }
    return access_token
}

/** The answer's text. An answer that is no success is thrown: whoever told of it tells again. */
export async function google(path: string, method = "GET"): Promise<string> {
    const base = process.env.GOOGLE_API ?? "https://androidpublisher.googleapis.com/androidpublisher/v3"
    const headers = { authorization: `Bearer ${await accessToken()}` }
    const answer = await fetch(`${base}/${path}`, { method, headers })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Google answers ${answer.status} to ${path}: ${text}`)
    return text
}
