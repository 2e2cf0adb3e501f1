/** The API, typed from docs/openapi.json. `ask(api.GET('/v1/office/…', {…}))` gives the data or throws a Refusal. */
import createClient from 'openapi-fetch'
import { ref } from 'vue'
import type { components, paths } from '@/contract'
import { place } from './place'
import { Refusal } from './problem'
import { accessToken, may, renew, session } from './session'

export type Schemas = components['schemas']

/** Told when the session has ended for good; the app goes to the sign-in page and comes back. */
export const ended = ref(false)
/** Whether the last call reached the API. */
export const reachable = ref(true)

async function send(request: Request): Promise<Response> {
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
  if (response.ok) return data as T
  const body = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  throw new Refusal(body, response.status)
}

/** A file behind the API (a photo, a sheet), which a plain <img> or link could not sign for. */
export async function askBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  const answer = await send(new Request(new URL(path, window.location.origin), { signal }))
  if (!answer.ok) throw new Refusal((await answer.json().catch(() => ({}))) as Record<string, unknown>, answer.status)
  return answer.blob()
}

/** A key for one act of value: make it when the form is opened, send it again with every retry. */
export function newKey(): string {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`
}

/** Ask who is signed in and what the role allows. */
export async function loadPermissions(): Promise<void> {
  const me = place.entrance === 'office' ? await ask(api.GET('/v1/office/me')) : await ask(api.GET('/v1/shop/me'))
  session.permissions.value = new Set(me.permissions)
}

export { may, session }
