/** Chinese first, English by a switch; only the language in use is loaded. */
import { ref } from 'vue'
import { createI18n } from 'vue-i18n'
import type { Sentences } from './gather'

export type Language = 'zh' | 'en'

const KEY = 'mallbridge.language'
const loaders: Record<Language, () => Promise<{ default: Sentences }>> = { zh: () => import('./zh'), en: () => import('./en') }

export const language = ref<Language>('zh')
export const i18n = createI18n({ legacy: false, locale: 'zh', fallbackLocale: false, missingWarn: false, fallbackWarn: false, messages: {} })

export function t(key: string, facts: Record<string, unknown> = {}): string {
  return i18n.global.t(key, facts)
}

export function known(key: string): boolean {
  return i18n.global.te(key)
}

export function preferred(): Language {
  const kept = localStorage.getItem(KEY)
  return kept === 'en' || kept === 'zh' ? kept : 'zh'
}

export async function speak(wanted: Language): Promise<void> {
  const { default: sentences } = await loaders[wanted]()
  i18n.global.setLocaleMessage(wanted, sentences as never)
  ;(i18n.global.locale as unknown as { value: string }).value = wanted
  language.value = wanted
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(KEY, wanted)
}
