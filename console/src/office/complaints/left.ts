/** How long there is until something is due, or since when it is late; nothing where nothing is due. */
import { t } from '@/lang'
import { duration } from '@/kit/formats'

export function isLate(due: string | null, now: Date = new Date()): boolean {
  return due !== null && new Date(due) <= now
}

export function left(due: string | null, now: Date = new Date()): string {
  if (due === null) return '—'
  const seconds = (new Date(due).getTime() - now.getTime()) / 1000
  return t(seconds > 0 ? 'office.complaints.left' : 'office.complaints.late', { time: duration(seconds) })
}
