/** The mall's buildings and floors: few, so all of them. */
import { ref } from 'vue'
import { api, ask, type Schemas } from '@/kit/client'
import { place } from '@/kit/place'

const path = { mall_code: place.mall }

export function usePlaces() {
  const floors = ref<Schemas['Floor'][]>([])
  const sites = ref<Schemas['Site'][]>([])

  async function load(): Promise<void> {
    const found: Schemas['Floor'][] = []
    let cursor: string | undefined
    do {
      const page = await ask(api.GET('/v1/malls/{mall_code}/floors', { params: { path, query: { limit: 100, ...(cursor ? { cursor } : {}) } } }))
      found.push(...page.items)
      cursor = page.next_cursor ?? undefined
    } while (cursor)
    floors.value = found
    sites.value = (await ask(api.GET('/v1/malls/{mall_code}/sites', { params: { path, query: { limit: 100 } } }))).items
  }

  return { floors, sites, load }
}
