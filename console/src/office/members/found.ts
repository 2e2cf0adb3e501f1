/** Searching members: what one looked for stays while one looks at a record, but never in the address, where a phone does not belong. */
import { computed, ref, shallowRef } from 'vue'
import { known, language, t } from '@/lang'
import { api, ask, may, type Schemas } from '@/kit/client'
import type { Page, PageQuery } from '@/kit/table'

export type Member = Schemas['StaffMember']

/** What is searched for now. */
export const sought = ref('')

const CODE = /^[0-9A-Za-z]{4}([ -]?[0-9A-Za-z]{4}){3}$/

/** A member code is used up by the first search: what follows goes on with the number it stood for. */
export function isCode(text: string): boolean {
  return CODE.test(text.trim())
}

export async function search(query: PageQuery): Promise<Page<Member>> {
  const q = String(query.q ?? '').trim()
  if (q === '') return { items: [], next_cursor: null }
  return ask(api.GET('/v1/office/members', { params: { query: { q, cursor: query.cursor, limit: query.limit } } }))
}

const levels = shallowRef<Schemas['Level'][]>([])

/** The names of levels by rank, asked for once. */
export function useLevels(): (rank: number) => string {
  if (levels.value.length === 0 && may('members.read')) {
    void ask(api.GET('/v1/office/levels', {}))
      .then((told) => {
        levels.value = told.levels
      })
      .catch(() => undefined)
  }
  const names = computed(() => new Map(levels.value.map((one) => [one.rank, language.value === 'zh' ? one.name : one.name_en])))
  return (rank) => names.value.get(rank) ?? `#${rank}`
}

const shops = shallowRef<ReadonlyMap<number, string> | null>(null)

/** The names of shops by their number, asked for once, a hundred at a time. */
export function useShops(): (id: number) => string {
  if (shops.value === null && may('shops.read')) {
    shops.value = new Map()
    void nameShops().catch(() => undefined)
  }
  return (id) => shops.value?.get(id) ?? `#${id}`
}

async function nameShops(): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await ask(api.GET('/v1/office/shops', { params: { query: { cursor, limit: 100 } } }))
    shops.value = new Map([...(shops.value ?? []), ...page.items.map((one) => [one.id, one.name] as const)])
    cursor = page.next_cursor ?? undefined
  } while (cursor)
}

/** The word for a value that the API may grow: in the language in use where there is one, else as it came. */
export function word(key: string, value: string): string {
  return known(`${key}.${value}`) ? t(`${key}.${value}`) : value
}
