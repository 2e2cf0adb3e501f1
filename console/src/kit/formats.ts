/** Numbers and times as people read them: fen → ¥1,234.50, 1,234 points, 今天 14:05 in the mall's own time. */
import { language, t } from '@/lang'
import { zone } from './mall'

const NOTHING = '—'

/** ¥1,234.50 from whole fen. */
export function money(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return NOTHING
  const whole = Math.abs(Math.trunc(fen))
  const yuan = Math.trunc(whole / 100).toLocaleString('en-US')
  return `${fen < 0 ? '−' : ''}¥${yuan}.${String(whole % 100).padStart(2, '0')}`
}

/** 1,234,567. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : value.toLocaleString('en-US').replace('-', '−')
}

/** A number with its sign: a difference shown as a difference. */
export function difference(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value)
}

/** 37.5 % from basis points or a ratio 0..1. */
export function percent(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? NOTHING : `${(ratio * 100).toFixed(1).replace(/\.0$/, '')}%`
}

function parts(at: Date): Record<string, string> {
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone.value,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at)
  return Object.fromEntries(made.map(({ type, value }) => [type, value]))
}

/** 2026-11-22 in the mall's own time. */
export function day(value: string | Date | null | undefined): string {
  if (!value) return NOTHING
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)) return value
  const of = parts(new Date(value))
  return `${of.year}-${of.month}-${of.day}`
}

/** 14:05 in the mall's own time. */
export function clock(value: string | Date | null | undefined): string {
  if (!value) return NOTHING
  const of = parts(new Date(value))
  return `${of.hour}:${of.minute}`
}

/** 今天 14:05 · 昨天 09:12 · 2026-11-20 14:05. */
export function when(value: string | Date | null | undefined, now: Date = new Date()): string {
  if (!value) return NOTHING
  const on = day(value)
  if (on === day(now)) return `${t('kit.today')} ${clock(value)}`
  if (on === day(new Date(now.getTime() - 86_400_000))) return `${t('kit.yesterday')} ${clock(value)}`
  return `${on} ${clock(value)}`
}

/** 2 小时 5 分: how long, from seconds; two units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(Math.abs(seconds)))
  const units: [string, number][] = [
    ['kit.days', Math.trunc(whole / 86_400)],
    ['kit.hours', Math.trunc(whole / 3600) % 24],
    ['kit.minutes', Math.trunc(whole / 60) % 60],
    ['kit.seconds', whole % 60],
  ]
  const first = units.findIndex(([, n]) => n > 0)
  if (first < 0) return t('kit.seconds', { n: 0 })
  return units
    .slice(first, first + 2)
    .filter(([, n]) => n > 0)
    .map(([key, n]) => t(key, { n }))
    .join(' ')
}

/** A sentence that the API gives in both languages. */
export function said(both: { zh?: string; en?: string } | null | undefined): string {
  return (language.value === 'zh' ? both?.zh : both?.en) ?? both?.zh ?? ''
}
