/** The figures that an alert was raised for, in words. */
import { t } from '@/lang'
import { count } from '@/kit/formats'

export function factsText(alert: { facts: Record<string, unknown> }): string {
  return Object.entries(alert.facts)
    .map(([name, value]) => t(`office.alerts.fact.${name}`, { n: count(Number(value)) }))
    .join(' · ')
}
