/** The figures of a day's report, as the API keeps them. */
import type { Schemas } from '@/kit/client'

export interface Cause {
  asset: string
  cause: string
  in_fen: number
  out_fen: number
}

export interface AtShop {
  shop: string | null
  principal_out_fen: number
  bonus_out_fen: number
  principal_back_fen: number
  bonus_back_fen: number
}

/** What was sold for, by means of payment. */
export interface Sold {
  sales: number
  total_fen: number
}

/** The shifts that two people counted on the day. */
export interface Shifts {
  closed: number
  differs: number
  uncounted: number
  float_fen: number
  sold_fen: number
  handed_in_fen: number
  recounted_fen: number
  difference_fen: number
}

interface Figures {
  totals?: Record<string, Record<string, number>>
  by_cause?: Cause[]
  by_shop?: AtShop[]
  card_sales?: Record<string, Sold>
  cash_shifts?: Partial<Shifts>
}

/** By owner and asset: opening_fen, in_fen, out_fen, closing_fen. */
export function totalsOf(report: Schemas['BalanceReport']): Record<string, Record<string, number>> {
  return (report.figures as Figures).totals ?? {}
}

export function causesOf(report: Schemas['BalanceReport']): Cause[] {
  return (report.figures as Figures).by_cause ?? []
}

export function shopsOf(report: Schemas['BalanceReport']): AtShop[] {
  return (report.figures as Figures).by_shop ?? []
}

export function salesOf(report: Schemas['BalanceReport']): Record<string, Sold> {
  return (report.figures as Figures).card_sales ?? {}
}

/** Null for a day from before there were shifts. */
export function shiftsOf(report: Schemas['BalanceReport']): Shifts | null {
  const shifts = (report.figures as Figures).cash_shifts
  return shifts?.closed === undefined ? null : (shifts as Shifts)
}
