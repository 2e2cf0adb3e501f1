/** What was typed outlives a reload and a session that ended in the middle of a form. */
import { onScopeDispose, watch } from 'vue'
import { root } from './place'

const PREFIX = `mallbridge.draft.${root}.`

export interface Draft {
  /** whether something typed earlier was put back */
  restored: boolean
  forget: () => void
}

/** Keep a form's values under a name, in this tab only. Secrets are never passed here. */
export function keepDraft(name: string, values: Record<string, unknown>): Draft {
  const key = PREFIX + name
  const before = sessionStorage.getItem(key)
  if (before !== null) Object.assign(values, JSON.parse(before) as Record<string, unknown>)
  let quiet = false
  const stop = watch(
    () => values,
    () => {
      if (!quiet) sessionStorage.setItem(key, JSON.stringify(values))
    },
    { deep: true, flush: 'sync' },
  )
  onScopeDispose(stop)
  const forget = (): void => {
    quiet = true
    sessionStorage.removeItem(key)
    queueMicrotask(() => {
      quiet = false
    })
  }
  return { restored: before !== null, forget }
}
