/** What the API says of an event, an attempt or a pause, in the language in use; a word that nobody translated stays as it is. */
import { known, t } from '@/lang'
import type { Schemas } from '@/kit/client'

function word(kind: string, value: string): string {
  const key = `office.partners.${kind}.${value.replace(/[^a-z0-9]+/g, '_')}`
  return known(key) ? t(key) : value
}

export function event(kind: string): string {
  return word('events', kind)
}

export function why(trouble: string | null): string {
  return trouble === null ? '\u2014' : word('why', trouble)
}

/** How a partner does, in a word. */
export function health(one: Schemas['Partner']): string {
  if (one.paused_at !== null) return t('office.partners.paused')
  return t(one.failures > 0 ? 'office.partners.failing' : 'office.partners.well')
}
