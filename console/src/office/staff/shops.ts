/** Names of shops, asked for once each. */
import { reactive } from 'vue'
import { api, ask } from '@/kit/client'
import { Refusal } from '@/kit/problem'

const names = reactive(new Map<number, string>())
const asking = new Set<number>()

export function shopName(id: number | null): string {
  return id === null ? '—' : (names.get(id) ?? `#${id}`)
}

/** Ask for the names that are not known yet; a shop that cannot be read keeps its number. */
export async function nameShops(ids: readonly (number | null)[]): Promise<void> {
  const wanted = [...new Set(ids)].filter((id): id is number => id !== null && !names.has(id) && !asking.has(id))
  await Promise.all(
    wanted.map(async (id) => {
      asking.add(id)
      try {
        const shop = await ask(api.GET('/v1/office/shops/{shop_id}', { params: { path: { shop_id: id } } }))
        names.set(id, `${shop.name} · ${shop.unit}`)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
      } finally {
        asking.delete(id)
      }
    }),
  )
}
