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
  /** tablet only: an icon's name in src/kit/icons.ts */
  icon?: string
  component: () => Promise<{ default: Component }>
}

export const GROUPS: readonly Group[] = ['today', 'receipts', 'members', 'points', 'money', 'cards', 'plates', 'shops', 'system']

export function page(described: Page): Page {
  return described
}
