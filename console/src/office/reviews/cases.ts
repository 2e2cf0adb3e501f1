/** The case in hand and the one after it, taken ahead. A hold is given back when the page is left. */
import { ref, shallowRef } from 'vue'
import { api, ask, type Schemas } from '@/kit/client'
import { once, type Once } from '@/kit/once'
import { photoUrl } from '@/kit/photos'
import { Refusal } from '@/kit/problem'
import { presentToken } from '@/kit/session'

export type Dossier = Schemas['Dossier']
export type History = Schemas['History']

export interface Case {
  dossier: Dossier
  history: Promise<History>
  /** a decision counts once */
  deciding: Once
}

export function photoPath(reviewId: number, position: number): string {
  return `/v1/office/receipt-reviews/${reviewId}/photos/${position}`
}

function opened(dossier: Dossier): Case {
  const history = ask(api.GET('/v1/office/receipt-reviews/{review_id}/history', { params: { path: { review_id: dossier.review.id } } }))
  history.catch(() => undefined) // shown where it is awaited
  for (const photo of dossier.photos) if (!photo.removed_at) void photoUrl(photoPath(dossier.review.id, photo.position)).catch(() => undefined)
  return { dossier, history, deciding: once() }
}

async function take(besides?: number): Promise<Case | null> {
  try {
    return opened(await ask(api.POST('/v1/office/receipt-reviews/next', { params: { query: besides === undefined ? {} : { besides } } })))
  } catch (error) {
    if (error instanceof Refusal && error.type === 'review-queue-empty') return null
    throw error
  }
}

export function useCases() {
  const now = shallowRef<Case | null>(null)
  const empty = ref(false)
  const refusal = shallowRef<Refusal | null>(null)
  let ahead: Promise<Case | null> | null = null
  let aheadId: number | null = null
  let left = false

  function look(besides: number): void {
    aheadId = null
    ahead = take(besides)
    ahead.then(
      (one) => (aheadId = one?.dossier.review.id ?? null),
      () => undefined,
    )
  }

  /** Go to the next case: the one taken ahead when there is one. */
  async function next(): Promise<void> {
    refusal.value = null
    const waiting = ahead
    ahead = null
    now.value = null
    try {
      const found = (await waiting?.catch(() => null)) ?? (await take())
      if (left) {
        if (found) void giveBack(found)
        return
      }
      now.value = found
      empty.value = found === null
      if (found) look(found.dossier.review.id)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refusal.value = error
    }
  }

  function replace(dossier: Dossier): void {
    if (now.value) now.value = { ...now.value, dossier, deciding: once() }
  }

  async function giveBack(one: Case): Promise<void> {
    await ask(api.DELETE('/v1/office/receipt-reviews/{review_id}/hold', { params: { path: { review_id: one.dossier.review.id } } })).catch(() => undefined)
  }

  /** Hand both holds back; other reviewers need not wait for them to end. */
  async function leave(): Promise<void> {
    left = true
    const held = now.value
    now.value = null
    const further = await ahead?.catch(() => null)
    ahead = null
    await Promise.all([held, further].map((one) => (one ? giveBack(one) : undefined)))
  }

  /** The tab is closing: the last word for both holds is sent without waiting for answers. */
  function drop(): void {
    const token = presentToken()
    const ids = [now.value?.dossier.review.id, aheadId].filter((id) => typeof id === 'number')
    if (token === null) return
    for (const id of ids) {
      void fetch(`/v1/office/receipt-reviews/${id}/hold`, { method: 'DELETE', keepalive: true, headers: { Authorization: `Bearer ${token}` } }).catch(() => undefined)
    }
  }

  /** Put the case in hand back and take another. */
  async function putBack(): Promise<void> {
    if (now.value) await giveBack(now.value) // first: a hold given back later could be that of the same case, taken anew
    await next()
  }

  return { now, empty, refusal, next, replace, leave, drop, putBack }
}
