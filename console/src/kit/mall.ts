/** The mall that the address names. */
import { ref } from 'vue'
import { api, ask, type Schemas } from './client'
import { place } from './place'

export const mall = ref<Schemas['Mall'] | null>(null)
export const zone = ref('Asia/Shanghai')

/** Look the mall up once. Refusal `mall-not-found` when there is none. */
export async function loadMall(): Promise<void> {
  if (mall.value !== null) return
  mall.value = await ask(api.GET('/v1/malls/{mall_code}', { params: { path: { mall_code: place.mall } } }))
  zone.value = mall.value.timezone
}
