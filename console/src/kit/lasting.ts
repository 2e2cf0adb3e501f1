/** What was seen last stays when the network drops, with its age. */
import { onBeforeUnmount, onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { Refusal } from './problem'
import { root } from './place'

interface Kept<T> {
  at: number
  value: T
}

export interface Lasting<T> {
  value: ShallowRef<T | null>
  /** when it was fetched; older than the last try when the network is away */
  at: Ref<Date | null>
  refusal: ShallowRef<Refusal | null>
  reload: () => Promise<void>
}

/** Fetch now and every `seconds`; keep the newest answer on this device under `name`. */
export function useLasting<T>(name: () => string, fetch: () => Promise<T>, seconds = 20): Lasting<T> {
  const value = shallowRef<T | null>(null)
  const at = ref<Date | null>(null)
  const refusal = shallowRef<Refusal | null>(null)
  let timer = 0
  let asked = ''

  function restore(key: string): void {
    const before = localStorage.getItem(key)
    const found = before === null ? null : (JSON.parse(before) as Kept<T>)
    value.value = found?.value ?? null
    at.value = found ? new Date(found.at) : null
  }

  async function reload(): Promise<void> {
    const key = `mallbridge.seen.${root}.${name()}`
    if (key !== asked) restore(key)
    asked = key
    try {
      const fresh = await fetch()
      if (key !== asked) return
      value.value = fresh
      at.value = new Date()
      refusal.value = null
      localStorage.setItem(key, JSON.stringify({ at: at.value.getTime(), value: fresh } satisfies Kept<T>))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (key === asked) refusal.value = error
    }
  }

  onMounted(() => {
    void reload()
    timer = window.setInterval(() => document.hidden || void reload(), seconds * 1000)
    window.addEventListener('online', reload)
  })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    window.removeEventListener('online', reload)
  })
  return { value, at, refusal, reload }
}
