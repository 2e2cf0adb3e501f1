/** What each room counts of a member, in words: "Orders 3", "Stored value ¥12.00". */
import { count, money } from '@/kit/formats'
import { nameOf } from '@/lang'

/** A count as it is read: names that end in `_fen` are amounts. */
export function counted(name: string, number: number): string {
  return name.endsWith('_fen') ? money(number) : count(number)
}

/** All that there is any of, each with its name. */
export function allCounted(counts: Record<string, number>): string[] {
  return Object.entries(counts)
    .filter(([, number]) => number > 0)
    .map(([name, number]) => `${nameOf('counts', name)} ${counted(name, number)}`)
}
