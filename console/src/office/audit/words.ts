/** The audit log's own words, which the API keeps in English, in the language in use. */
import { known, t } from '@/lang'

/** "staff:3" → 员工 3. */
export function person(who: string): string {
  const [kind = '', id = ''] = who.split(':')
  const key = `office.audit.who.${kind}`
  const word = known(key) ? t(key) : kind
  const channel = `office.audit.channels.${id}`
  if (kind === 'gateway' && known(channel)) return t(channel)
  return id ? `${word} ${id}` : word
}

/** Why something moved: a word of the API's in the language in use; what a person wrote stays as it is. */
export function reasonOf(reason: string | null): string {
  if (!reason) return ''
  const [, notice] = /^notice (\d+)$/.exec(reason) ?? []
  if (notice) return t('office.audit.byNotice', { n: notice })
  const word = reason.replace(/\W+/g, '_')
  const key = [`office.audit.reasons.${word}`, `office.notices.why.${word}`].find(known)
  return key ? t(key) : reason
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
