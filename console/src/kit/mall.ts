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

/** When a day (or so many days later) begins in the mall's own time, as an instant for the API. */
export function midnight(day: string, later = 0): string {
  const guess = Date.parse(`${day}T00:00:00Z`) + later * 86_400_000
  const offset = new Intl.DateTimeFormat('en-US', { timeZone: zone.value, timeZoneName: 'longOffset' }).formatToParts(guess)
  const found = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(offset.find((one) => one.type === 'timeZoneName')?.value ?? '')
  const minutes = found?.[1] ? (Number(found[2]) * 60 + Number(found[3])) * (found[1] === '-' ? -1 : 1) : 0
  return new Date(guess - minutes * 60_000).toISOString()
}
