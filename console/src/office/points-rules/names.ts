/** What rules name: levels, buildings, shops, categories, channels, and the codes of other rules. */
import { ref } from 'vue'
import { language } from '@/lang'
import { api, ask, type Schemas } from '@/kit/client'
import { place } from '@/kit/place'
import { Refusal } from '@/kit/problem'

export interface Named<K> {
  value: K
  label: string
}

export function useNames() {
  const levels = ref<Schemas['Level'][]>([])
  const sites = ref<Named<number>[]>([])
  const shops = ref<Named<number>[]>([])
  const categories = ref<string[]>([])
  const rules = ref<Schemas['PointsRule'][]>([])
  const channels = ref<Schemas['EarningChannel'][]>([])

  function levelName(rank: number): string {
    const found = levels.value.find((one) => one.rank === rank)
    return found ? (language.value === 'zh' ? found.name : found.name_en) : String(rank)
  }

  async function lookForShops(q: string): Promise<void> {
    const page = await ask(api.GET('/v1/office/shops', { params: { query: { limit: 50, ...(q.trim() ? { q: q.trim() } : {}) } } }))
    keep(page.items)
  }

  function keep(found: readonly Schemas['OfficeShop'][]): void {
    const known = new Map(shops.value.map((one) => [one.value, one]))
    for (const shop of found) known.set(shop.id, { value: shop.id, label: `${shop.name} · ${shop.unit}` })
    shops.value = [...known.values()]
    categories.value = [...new Set([...categories.value, ...found.map((shop) => shop.category).filter(Boolean)])]
  }

  /** The shops that a rule names already, so that they show as names. */
  async function lookAtShops(ids: readonly number[]): Promise<void> {
    const missing = ids.filter((id) => !shops.value.some((one) => one.value === id)).slice(0, 30)
    keep(await Promise.all(missing.map((id) => ask(api.GET('/v1/office/shops/{shop_id}', { params: { path: { shop_id: id } } })))))
  }

  async function load(): Promise<void> {
    const path = { mall_code: place.mall }
    const asked = [
      ask(api.GET('/v1/office/levels', {})).then((found) => (levels.value = found.levels)),
      ask(api.GET('/v1/malls/{mall_code}/sites', { params: { path, query: { limit: 100 } } })).then(
        (found) => (sites.value = found.items.map((site) => ({ value: site.id, label: site.name }))),
      ),
      ask(api.GET('/v1/office/points/rules', { params: { query: { limit: 100 } } })).then((found) => (rules.value = found.items)),
      ask(api.GET('/v1/office/points/channels', {})).then((found) => (channels.value = found.items)),
      lookForShops(''),
    ]
    // A name that cannot be had leaves its number in the form; the form itself still works.
    for (const one of await Promise.allSettled(asked)) if (one.status === 'rejected' && !(one.reason instanceof Refusal)) throw one.reason
  }

  return { levels, sites, shops, categories, rules, channels, levelName, lookForShops, lookAtShops, load }
}
