/** Chinese first, English by a switch; only the language in use is loaded, and of the desk only the words of the pages that were opened. */
import { ref } from 'vue'
import { createI18n } from 'vue-i18n'
import type { Sentences } from './gather'

export type Language = 'zh' | 'en'

const KEY = 'mallbridge.language'
const first: Record<Language, () => Promise<{ default: Sentences }>> = { zh: () => import('./zh'), en: () => import('./en') }
const office: Record<Language, Record<string, () => Promise<unknown>>> = {
  zh: import.meta.glob('../office/*/zh.json', { import: 'default' }),
  en: import.meta.glob('../office/*/en.json', { import: 'default' }),
}
const opened = new Set<string>()

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

/** The words of these folders of the desk, now and after a change of language. */
export async function words(folders: readonly string[]): Promise<void> {
  folders.forEach((folder) => opened.add(folder))
  await learn(language.value, folders)
}

async function learn(wanted: Language, folders: Iterable<string>): Promise<void> {
  const names = [...folders]
  const said = await Promise.all(names.map((name) => office[wanted][`../office/${name}/${wanted}.json`]?.() ?? {}))
  i18n.global.mergeLocaleMessage(wanted, { office: Object.fromEntries(names.map((name, number) => [name, said[number]])) })
}

export async function speak(wanted: Language): Promise<void> {
  const { default: sentences } = await first[wanted]()
  i18n.global.setLocaleMessage(wanted, sentences as never)
  await learn(wanted, opened)
  ;(i18n.global.locale as unknown as { value: string }).value = wanted
  language.value = wanted
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(KEY, wanted)
}
