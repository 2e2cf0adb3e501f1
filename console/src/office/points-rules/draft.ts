/** A rule as a form holds it: yuan, percent and the mall's own time; and as the API wants it: fen, basis points and instants. */
import type { Schemas } from '@/kit/client'
import { clock, day } from '@/kit/formats'
import { midnight } from '@/kit/mall'

export type Rule = Schemas['PointsRule']
export type Kind = 'base' | 'multiplier' | 'bonus' | 'exclusion' | 'cap'

export const KINDS: readonly Kind[] = ['base', 'multiplier', 'bonus', 'exclusion', 'cap']
export const PERIODS = ['day', 'week', 'month', 'ever'] as const

export interface Draft {
  kind: Kind
  code: string
  title_zh: string
  title_en: string
  enabled: boolean
  points: number | undefined
  per_yuan: string
  factor: string
  stack: string
  use_shop_rate: boolean
  rounding: string
  priority: number | undefined
  share: number | undefined
  max_points: number | undefined
  period: string
  per: string
  of_code: string
  sites: number[]
  categories: string[]
  not_categories: string[]
  shops: number[]
  not_shops: number[]
  levels: number[]
  channels: string[]
  min_yuan: string
  weekdays: number[]
  month_days: number[]
  date_first: string
  date_last: string
  hour_from: string
  hour_to: string
  starts: string
  ends: string
  why: string
}

export const BLANK: Draft = {
  kind: 'multiplier',
  code: '',
  title_zh: '',
  title_en: '',
  enabled: true,
  points: 1,
  per_yuan: '1',
  factor: '2',
  stack: '',
  use_shop_rate: true,
  rounding: '',
  priority: 0,
  share: 0,
  max_points: 1000,
  period: 'day',
  per: 'member',
  of_code: '',
  sites: [],
  categories: [],
  not_categories: [],
  shops: [],
  not_shops: [],
  levels: [],
  channels: [],
  min_yuan: '',
  weekdays: [],
  month_days: [],
  date_first: '',
  date_last: '',
  hour_from: '',
  hour_to: '',
  starts: '',
  ends: '',
  why: '',
}

const LISTS = ['sites', 'categories', 'not_categories', 'shops', 'not_shops', 'levels', 'channels', 'weekdays', 'month_days'] as const
const CONDITIONS = [...LISTS, 'min_fen', 'dates', 'hours']

/** API field → the form's field, for the notes beside each field; `rule.` stands before the fields of a rehearsal's draft. */
const OWN: Record<string, string> = {
  per_fen: 'per_yuan',
  factor_bp: 'factor',
  shop_share_bp: 'share',
  starts_at: 'starts',
  ends_at: 'ends',
  ...Object.fromEntries(CONDITIONS.map((name) => [`conditions.${name}`, name])),
  'conditions.min_fen': 'min_yuan',
  'conditions.dates': 'date_first',
  'conditions.hours': 'hour_from',
}
export const NAMES: Record<string, string> = {
  ...OWN,
  ...Object.fromEntries(Object.entries(OWN).map(([name, field]) => [`rule.${name}`, field])),
  ...Object.fromEntries(Object.keys(BLANK).map((name) => [`rule.${name}`, name])),
}

/** "12.5" → 1250; what is no such number goes as it was typed, so that the API says what is wrong with it. */
function hundredths(text: string): number | null | string {
  const plain = text.trim()
  if (plain === '') return null
  return /^\d{1,9}(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : plain
}

/** 2026-12-24T10:00 in the mall's own time → an instant. */
function instant(local: string): string | null {
  if (!local) return null
  const [on = '', at = '00:00'] = local.split('T')
  const [hour = 0, minute = 0] = at.split(':').map(Number)
  return new Date(Date.parse(midnight(on)) + (hour * 60 + minute) * 60_000).toISOString()
}

function local(at: string | null | undefined): string {
  return at ? `${day(at)}T${clock(at)}` : ''
}

function conditions(draft: Draft): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const name of LISTS) if (draft[name].length > 0) found[name] = [...draft[name]]
  const least = hundredths(draft.min_yuan)
  if (least !== null) found.min_fen = least
  if (draft.date_first || draft.date_last) found.dates = [[draft.date_first || draft.date_last, draft.date_last || draft.date_first]]
  if (draft.hour_from || draft.hour_to) found.hours = [[draft.hour_from || '00:00', draft.hour_to || '23:59']]
  return found
}

/** What the API is told: only what belongs to the kind. */
export function body(draft: Draft): Record<string, unknown> {
  const { kind } = draft
  const factor = hundredths(draft.factor)
  const own: Record<Kind, Record<string, unknown>> = {
    base: { points: draft.points ?? null, per_fen: hundredths(draft.per_yuan), use_shop_rate: draft.use_shop_rate, rounding: draft.rounding || null, priority: draft.priority ?? 0 },
    multiplier: { factor_bp: typeof factor === 'number' ? factor * 100 : factor, stack: draft.stack.trim() },
    bonus: { points: draft.points ?? null },
    exclusion: {},
    cap: { max_points: draft.max_points ?? null, period: draft.period, per: draft.per, of_code: draft.of_code || null },
  }
  const borne = kind === 'exclusion' || kind === 'cap' ? {} : { shop_share_bp: Math.round((draft.share ?? 0) * 100) }
  return {
    kind,
    code: draft.code.trim(),
    title_zh: draft.title_zh.trim(),
    title_en: draft.title_en.trim(),
    enabled: draft.enabled,
    conditions: conditions(draft),
    ...own[kind],
    ...borne,
    starts_at: instant(draft.starts),
    ends_at: instant(draft.ends),
  }
}

/** The form of the next version: as this one is, from now on, with its own reason. */
export function next(rule: Rule): Draft {
  const held = rule.conditions as Record<string, never>
  const dates = held.dates as [string, string][] | undefined
  const hours = held.hours as [string, string][] | undefined
  return {
    ...BLANK,
    ...Object.fromEntries(LISTS.map((name) => [name, [...((held[name] as unknown[] | undefined) ?? [])]])),
    kind: rule.kind as Kind,
    code: rule.code,
    title_zh: rule.title_zh,
    title_en: rule.title_en,
    enabled: rule.enabled,
    points: rule.points ?? BLANK.points,
    per_yuan: rule.per_fen === null ? BLANK.per_yuan : String(rule.per_fen / 100),
    factor: rule.factor_bp === null ? BLANK.factor : String(rule.factor_bp / 10_000),
    stack: rule.stack,
    use_shop_rate: rule.use_shop_rate,
    rounding: rule.rounding ?? '',
    priority: rule.priority,
    share: rule.shop_share_bp / 100,
    max_points: rule.max_points ?? BLANK.max_points,
    period: rule.period ?? BLANK.period,
    per: rule.per ?? BLANK.per,
    of_code: rule.of_code ?? '',
    min_yuan: held.min_fen === undefined ? '' : String((held.min_fen as number) / 100),
    date_first: dates?.[0]?.[0] ?? '',
    date_last: dates?.[0]?.[1] ?? '',
    hour_from: hours?.[0]?.[0] ?? '',
    hour_to: hours?.[0]?.[1] ?? '',
    ends: local(rule.ends_at),
  }
}
