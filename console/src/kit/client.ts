/** The API, typed from docs/openapi.json. `ask(api.GET('/v1/office/…', {…}))` gives the data or throws a Refusal. */
import createClient from 'openapi-fetch'
import { ref } from 'vue'
import type { components, paths } from '@/contract'
import { place } from './place'
import { Refusal } from './problem'
import { accessToken, type Due, may, renew, session } from './session'

export type Schemas = components['schemas']

/** Told when the session has ended for good; the app goes to the sign-in page and comes back. */
export const ended = ref(false)
/** Whether the last call reached the API. */
export const reachable = ref(true)
/** How many acts of value are being asked about again because their answer has not come. */
export const askingAgain = ref(0)

/** What the one signed in must hear of and has not seen yet. */
export const news = ref<Schemas['StaffNews'][]>([])

/** The request that the last act became because it takes two people: nothing is done yet. */
export const waiting = ref<Schemas['Approval'] | null>(null)

/** Whether an act became a request for a second person instead of being done. */
export function waits(data: unknown): data is Schemas['Approval'] {
  return typeof data === 'object' && data !== null && 'asked_by' in data && 'act' in data && 'expires_at' in data
}

/** Milliseconds before an act of value is asked about once more, and how often it may be lost in a row. */
const PAUSES = [1_000, 2_000, 4_000, 8_000, 15_000]
const LOSSES = 3

/** An act of value that was cut off, or still runs, is asked about with its own key, which does nothing twice, until it has an answer. */
async function send(request: Request): Promise<Response> {
  if (!request.headers.has('Idempotency-Key')) return sendSigned(request)
  let losses = 0
  for (const pause of PAUSES) {
    const answer = await unlessLost(request.clone())
    losses = answer === null ? losses + 1 : 0
    if (answer !== null && !(await isUnfinished(answer))) return answer
    if (losses === LOSSES || (answer === null && !navigator.onLine)) throw Refusal.answerLost()
    askingAgain.value += 1
    await new Promise((done) => setTimeout(done, pause)).finally(() => (askingAgain.value -= 1))
  }
  const last = await unlessLost(request)
  if (last === null) throw Refusal.answerLost()
  return last
}

async function unlessLost(request: Request): Promise<Response | null> {
  try {
    return await sendSigned(request)
  } catch (error) {
    if (error instanceof Refusal && error.offline) return null
    throw error
  }
}

async function isUnfinished(answer: Response): Promise<boolean> {
  if (answer.status !== 409) return false
  const body = (await answer.clone().json().catch(() => ({}))) as { type?: string }
  return body.type === '/problems/request-unfinished'
}

async function sendSigned(request: Request): Promise<Response> {
  const token = await accessToken()
  const again = token === null ? null : request.clone()
  if (token !== null) request.headers.set('Authorization', `Bearer ${token}`)
  const answer = await reach(request)
  if (answer.status !== 401 || again === null || token === null) return note(answer)
  const newer = await renew(token)
  if (newer === null) return note(answer)
  again.headers.set('Authorization', `Bearer ${newer}`)
  return note(await reach(again))
}

function note(answer: Response): Response {
  if (answer.status === 401 && !session.signedIn.value) ended.value = true
  return answer
}

async function reach(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request)
    reachable.value = true
    return answer
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    reachable.value = false
    throw Refusal.offline()
  }
}

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: send })

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The data of an answer; a Refusal is thrown for anything else. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer
  if (response.ok) {
    if (response.status === 202 && waits(data)) waiting.value = data
    return data as T
  }
  const body = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  throw new Refusal(body, response.status)
}

/** A file behind the API (a photo, a sheet), which a plain <img> or link could not sign for. */
export async function askBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  const answer = await send(new Request(new URL(path, window.location.origin), { signal }))
  if (!answer.ok) throw new Refusal((await answer.json().catch(() => ({}))) as Record<string, unknown>, answer.status)
  return answer.blob()
}

/** Ask who is signed in and what the role allows. */
export async function loadPermissions(): Promise<void> {
  const me = place.entrance === 'office' ? await ask(api.GET('/v1/office/me')) : await ask(api.GET('/v1/shop/me'))
  session.due.value = me.due as Due[]
  news.value = me.news
  session.permissions.value = new Set(me.permissions)
}

export { may, session }
