/** Who is signed in on this device. Tokens are kept for one entrance of one mall; several tabs share them. */
import { computed, ref } from 'vue'
import { place } from './place'
import { Refusal } from './problem'

export interface Account {
  id: number
  login: string | null
  name: string
  role: string
  shop_id: number | null
}

export interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
  account: Account
}

interface Kept {
  access: string
  refresh: string
  ends: number
  account: Account
}

const KEY = `mallbridge.${place.entrance}.${place.mall}`

function read(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Kept | null
  } catch {
    return null
  }
}

const kept = ref<Kept | null>(read())
const permissions = ref<ReadonlySet<string> | null>(null)
const due = ref<readonly Due[]>([])

/** What the own account must still do before anything else opens. */
export type Due = 'password' | 'codes'

export const session = {
  account: computed(() => kept.value?.account ?? null),
  signedIn: computed(() => kept.value !== null),
  /** null until GET …/me has answered */
  permissions,
  due,
}

/** May the one signed in use this? Unknown permissions allow nothing. */
export function may(permission?: string): boolean {
  return permission === undefined || (permissions.value?.has(permission) ?? false)
}

export function keep(tokens: Tokens): void {
  const next = { access: tokens.access_token, refresh: tokens.refresh_token, ends: Date.now() + tokens.expires_in * 1000, account: tokens.account }
  localStorage.setItem(KEY, JSON.stringify(next))
  kept.value = next
}

export function forget(): void {
  localStorage.removeItem(KEY)
  kept.value = null
  permissions.value = null
  due.value = []
}

const DEVICES = `${KEY}.devices`

function devices(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(DEVICES) ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

/** What this device was given when this login last signed in here, so that wrong tries elsewhere do not slow it down. It outlives signing out. */
export function deviceToken(login: string): string | null {
  return devices()[login.trim().toLowerCase()] ?? null
}

export function keepDevice(login: string, token: string | null): void {
  if (token !== null) localStorage.setItem(DEVICES, JSON.stringify({ ...devices(), [login.trim().toLowerCase()]: token }))
}

window.addEventListener('storage', (event) => {
  if (event.key === KEY) kept.value = read()
})

/** The access token as it is, for a last word while the page goes away. */
export function presentToken(): string | null {
  return kept.value?.access ?? null
}

/** The access token to send, renewed first when it ends within half a minute. Null when nobody is signed in. */
export async function accessToken(): Promise<string | null> {
  const mine = kept.value
  if (mine === null) return null
  if (mine.ends - Date.now() > 30_000) return mine.access
  return renew(mine.access)
}

let renewing: Promise<string | null> | null = null

/** New tokens in place of the ones with this access token: once, however many calls and tabs ask at the same time. */
export function renew(stale: string): Promise<string | null> {
  renewing ??= alone(() => rotate(stale)).finally(() => {
    renewing = null
  })
  return renewing
}

// A refresh token works once: two tabs that both send the old one would sign everybody out.
function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? (navigator.locks.request(KEY, work) as Promise<T>) : work()
}

async function rotate(stale: string): Promise<string | null> {
  const present = read()
  if (present === null) {
    forget()
    return null
  }
  if (present.access !== stale) {
    kept.value = present // another tab was faster
    return present.access
  }
  const answer = await fetch(`/v1/malls/${encodeURIComponent(place.mall)}/staff-tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh_token: present.refresh }),
  }).catch(() => {
    throw Refusal.offline()
  })
  if (answer.status === 401) {
    forget()
    return null
  }
  if (!answer.ok) throw new Refusal((await answer.json().catch(() => ({}))) as Record<string, unknown>, answer.status)
  const tokens = (await answer.json()) as Tokens
  keep(tokens)
  return tokens.access_token
}
