/** What to tell a person about a refusal: a sentence in the language in use, and the notes beside each field. */
import { known, language, t } from '@/lang'
import { Refusal } from './problem'

/** One sentence for a refusal. */
export function sentenceOf(refusal: Refusal): string {
  const key = `refusals.${refusal.type}`
  if (known(key)) return t(key, refusal.facts) // in English most have the API's own sentence
  if (refusal.offline) return t('kit.offline')
  if (refusal.message) return refusal.message
  return t('kit.trouble', { status: refusal.status })
}

const NOTES: [RegExp, string][] = [
  [/^Missing data for required field/, 'notes.missing'],
  [/^Field may not be null/, 'notes.missing'],
  [/^must not be blank/i, 'notes.blank'],
  [/^Length must be between (\d+) and (\d+)/, 'notes.length'],
  [/^Longer than maximum length (\d+)/, 'notes.longest'],
  [/^Shorter than minimum length (\d+)/, 'notes.shortest'],
  [/^Must be greater than or equal to (-?\d+) and less than or equal to (-?\d+)/, 'notes.between'],
  [/^Must be greater than or equal to (-?\d+)/, 'notes.least'],
  [/^Must be less than or equal to (-?\d+)/, 'notes.most'],
  [/^Must be one of: (.+?)\.?$/, 'notes.oneOf'],
  [/^Not a valid (integer|number)/, 'notes.number'],
  [/^Not a valid (date|datetime|time|aware datetime)/, 'notes.date'],
  [/^Not a valid/, 'notes.invalid'],
  [/^Unknown field/, 'notes.unknown'],
  [/^must not hold control characters/, 'notes.control'],
  [/^1 to 40 letters, digits or/, 'notes.code'],
  [/^1 to 40 small letters, digits and hyphens/, 'notes.slug'],
  [/^is needed for this kind/, 'notes.missing'],
  [/^must not be in the past/, 'notes.past'],
  [/^must be after starts_at/, 'notes.afterStart'],
  [/^must be above zero/, 'notes.aboveZero'],
  [/^there is no (?!such day)/, 'notes.notThere'],
  [/^2 to 64 letters, digits or/, 'notes.login'],
  [/^15 to 20 digits or capital letters/, 'notes.tax'],
  [/^digits, spaces, \( \) - only/, 'notes.phone'],
  [/^must be (-?\d+) to (-?\d+)/, 'notes.between'],
  [/^is needed/, 'notes.missing'],
  [/^this code is in the sheet more than once/, 'notes.twice'],
  [/^there is more in this row than there are columns/, 'notes.wide'],
  [/^holds a formula/, 'notes.formula'],
  [/^building and floor belong together/, 'notes.place'],
  [/^there is no such floor/, 'notes.noFloor'],
  [/^there is no such building/, 'notes.noSite'],
  [/^longer than (\d+) characters/, 'notes.longest'],
  [/^holds line breaks/, 'notes.control'],
  [/^more than (\d+) names/, 'notes.names'],
  [/^a day is written|^this year cannot be meant/, 'notes.date'],
  [/^a whole number from (-?\d+) to (-?\d+)/, 'notes.between'],
  [/^Must be six digits|^six digits/, 'notes.sixDigits'],
  [/^sixteen digits/, 'notes.sixteenDigits'],
  [/^twelve digits/, 'notes.twelveDigits'],
  [/^4 to 40 capital letters/, 'notes.slip'],
  [/^1 to 64 letters and digits/, 'notes.letters'],
  [/^6 to 30 letters and digits/, 'notes.document'],
  [/^a phone number/, 'notes.phone'],
  [/^say what looks wrong/, 'notes.sayWhat'],
  [/^a time is written|^there is no such day or hour/, 'notes.moment'],
  [/^lies in the future/, 'notes.future'],
  [/^lies more than (\d+) days back/, 'notes.tooOld'],
  [/^an amount is written/, 'notes.yuan'],
  [/^fen are written/, 'notes.fen'],
  [/^write the amount without a minus/, 'notes.minus'],
  [/^the amount is needed once/, 'notes.amountOnce'],
  [/^no purchase is as large/, 'notes.amountLarge'],
  [/^a refund gives something back/, 'notes.aboveZero'],
  [/^a refund names the receipt/, 'notes.original'],
  [/^only a refund names/, 'notes.noOriginal'],
  [/^a number has letters or digits/, 'notes.numberEmpty'],
  [/^this number stands in line (\d+) already/, 'notes.numberTwice'],
  [/^this row is of another shop/, 'notes.otherShop'],
  [/^sale or refund/, 'notes.saleOrRefund'],
  [/^an address that begins with https/, 'notes.address'],
]

/** The API's note about a field, in the language in use. */
export function noteOf(note: string): string {
  if (language.value !== 'zh') return note
  for (const [pattern, key] of NOTES) {
    const found = pattern.exec(note)
    if (found) return t(key, { a: found[1], b: found[2] })
  }
  return note
}
