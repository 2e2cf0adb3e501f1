/** Rows of a report as the tables of this page show them. */
import { t } from '@/lang'
import type { Schemas } from '@/kit/client'
import { money, when } from '@/kit/formats'
import { noteOf } from '@/kit/said'
import type { Column } from '@/kit/table'

export type Report = Schemas['SalesReport']
export type Row = Schemas['SalesReportRow']

export const OUTCOMES = ['new', 'known', 'differing', 'refunded', 'waiting', 'repeated', 'refused'] as const

/** Why a row was refused or waits, or what it tells otherwise. */
export function why(row: Row): string {
  const problems = Object.entries(row.problems).map(([column, note]) => `${t(`office.till-reports.column.${column.replace(/\W/g, '')}`)}: ${noteOf(note)}`)
  if (problems.length > 0) return problems.join(' ')
  if (row.waits) return t(`office.till-reports.waits.${row.waits}`)
  if (row.differs.length === 0) return ''
  const said = t('office.till-reports.tells', { what: row.differs.map((one) => t(`office.till-reports.differs.${one}`)).join(t('office.till-reports.comma')) })
  return row.differs.includes('paid_fen') && row.known_fen !== null ? `${said} ${t('office.till-reports.knownAmount', { amount: money(row.known_fen) })}` : said
}

export const COLUMNS: Column<Row>[] = [
  { key: 'line', title: 'office.till-reports.line', number: true },
  { key: 'outcome', title: 'office.till-reports.outcomeTitle', text: (row) => t(`office.till-reports.outcome.${row.outcome}`) },
  { key: 'kind', title: 'office.till-reports.kindTitle', text: (row) => t(`office.till-reports.kind.${row.kind}`) },
  { key: 'receipt_no', title: 'office.till-reports.number', text: (row) => row.receipt_no ?? row.told.receipt_no ?? '—' },
  { key: 'paid_fen', title: 'office.till-reports.amount', number: true, text: (row) => (row.paid_fen === null ? (row.told.paid_yuan ?? '—') : money(row.paid_fen)) },
  { key: 'paid_at', title: 'office.till-reports.paidAt', text: (row) => (row.paid_at ? when(row.paid_at) : (row.told.paid_at ?? '—')) },
  { key: 'problems', title: 'office.till-reports.why', text: why },
  { key: 'original_no', title: 'office.till-reports.original', spare: true },
  { key: 'tender', title: 'office.till-reports.tender', spare: true },
  { key: 'waits', title: 'office.till-reports.waitsTitle', spare: true, text: (row) => (row.waits ? t(`office.till-reports.waits.${row.waits}`) : '') },
  { key: 'differs', title: 'office.till-reports.differsTitle', spare: true, text: (row) => row.differs.map((one) => t(`office.till-reports.differs.${one}`)).join(t('office.till-reports.comma')) },
  { key: 'known_fen', title: 'office.till-reports.knownTitle', number: true, spare: true, text: (row) => (row.known_fen === null ? '' : money(row.known_fen)) },
  { key: 'told', title: 'office.till-reports.told', spare: true, text: (row) => Object.values(row.told).join(' ') },
  { key: 'sale_id', title: 'office.till-reports.sale', number: true, spare: true },
]
