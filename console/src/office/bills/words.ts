/** What a side of a difference says of a payment or a refund, in the language in use. */
import { known, t } from '@/lang'
import { day } from '@/kit/formats'

export function said(word: string | null, about: string): string {
  if (!word) return '\u2014'
  if (/^\d{4}-\d\d-\d\d$/.test(word)) return day(word)
  const key = [`office.bills.says.${word}`, about === 'refund' ? `office.payment-refunds.states.${word}` : `office.payments.states.${word}`].find(known)
  return key ? t(key) : word
}
