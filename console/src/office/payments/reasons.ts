/** Why orders, payments and refunds moved: the API's English words in the language in use. */
import { known, t } from '@/lang'

/** Why something moved: a word of the API's in the language in use; what a person wrote stays as it is. */
export function reasonOf(reason: string | null): string {
  if (!reason) return ''
  const [, notice] = /^notice (\d+)$/.exec(reason) ?? []
  if (notice) return t('office.audit.byNotice', { n: notice })
  const word = reason.replace(/\W+/g, '_')
  const key = [`office.audit.reasons.${word}`, `office.notices.why.${word}`].find(known)
  return key ? t(key) : reason
}
