/** The audit log's own words, which the API keeps in English, in the language in use. */
import { known, t } from '@/lang'

function word(kind: string, value: string): string {
  const key = `office.audit.${kind}.${value.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_|_$/g, '')}`
  return known(key) ? t(key) : value
}

/** "refuse receipt" → 拒绝了小票; a verb that nobody translated yet stays as it was written. */
export function deed(did: string): string {
  return word('did', did)
}

export function subject(type: string, id: string): string {
  return `${word('subject', type)} ${id}`
}

/** "staff:3" → 员工 3. */
export function person(who: string): string {
  const [kind = '', id = ''] = who.split(':')
  return id ? `${word('who', kind)} ${id}` : word('who', kind)
}

export interface Difference {
  name: string
  before: string
  after: string
  changed: boolean
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What changed, field by field; what stayed the same comes last. */
export function differences(before: Record<string, unknown> | null, after: Record<string, unknown> | null): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const all = names.map((name) => {
    const [was, is] = [plain(before?.[name]), plain(after?.[name])]
    return { name, before: was, after: is, changed: was !== is }
  })
  return [...all.filter((one) => one.changed), ...all.filter((one) => !one.changed)]
}
