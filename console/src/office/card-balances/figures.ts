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

interface Figures {
  totals?: Record<string, Record<string, number>>
  by_cause?: Cause[]
  by_shop?: AtShop[]
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
