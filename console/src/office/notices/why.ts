/** Why a notice, a payment or a refund does not go on, in the language in use; what nobody translated stays as the API names it. */
import { known, t } from '@/lang'

export function why(trouble: string | null): string {
  if (!trouble) return '\u2014'
  const key = `office.notices.why.${trouble.replace(/-/g, '_')}`
  return known(key) ? t(key) : trouble
}
