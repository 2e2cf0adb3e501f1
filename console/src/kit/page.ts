import type { Component } from 'vue'

export type Group = 'today' | 'receipts' | 'members' | 'points' | 'money' | 'cards' | 'plates' | 'shops' | 'system'

/** A page of the console. `path` is below /office/<mall>/ or /shop/<mall>/; without `group` it has no place in the navigation. */
export interface Page {
  path: string
  /** key of its title in the language files, e.g. office.shops.title */
  title: string
  group?: Group
  order?: number
  /** the permission that the page's first route names; without it the page is hidden and its address says why */
  permission?: string
  /** desk only: the folders whose words it says besides its own, through what it imports */
  words?: readonly string[]
  /** desk only: shows what the server names (jobs, tables, permissions, deeds, subjects) and needs their words */
  names?: boolean
  /** tablet only: what stands beside its title */
  icon?: Component
  component: () => Promise<{ default: Component }>
}

export const GROUPS: readonly Group[] = ['today', 'receipts', 'members', 'points', 'money', 'cards', 'plates', 'shops', 'system']

export function page(described: Page): Page {
  return described
}
