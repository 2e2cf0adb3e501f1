/** Chinese first, English by a switch; only the language in use is loaded, and of the desk only the words of the pages that were opened. */
import { ref, shallowRef } from 'vue'
import { createI18n } from 'vue-i18n'
import type { Names, Sentences } from './gather'

export type Language = 'zh' | 'en'

const KEY = 'mallbridge.language'
const first: Record<Language, () => Promise<{ default: Sentences }>> = { zh: () => import('./zh'), en: () => import('./en') }
const office: Record<Language, Record<string, () => Promise<unknown>>> = {
  zh: import.meta.glob('../office/*/zh.json', { import: 'default' }),
  en: import.meta.glob('../office/*/en.json', { import: 'default' }),
}
const nameFiles: Record<Language, () => Promise<{ default: Names }>> = { zh: () => import('./names.zh'), en: () => import('./names.en') }
const opened = new Set<string>()
const serverNames = shallowRef<Names | null>(null)

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

/** The words for what the server names, now and after a change of language. */
export async function learnNames(wanted: Language = language.value): Promise<void> {
  serverNames.value = (await nameFiles[wanted]()).default
}

/** "points.expire_due" among jobs → its words; a name that has none stays as it is. */
export function nameOf(kind: keyof Names, name: string): string {
  return serverNames.value?.[kind][name] ?? name
}

/** Every name of this kind that has words. */
export function namesOf(kind: keyof Names): string[] {
  return Object.keys(serverNames.value?.[kind] ?? {})
}

export async function speak(wanted: Language): Promise<void> {
  const { default: sentences } = await first[wanted]()
  i18n.global.setLocaleMessage(wanted, sentences as never)
  await learn(wanted, opened)
  if (serverNames.value) await learnNames(wanted)
  ;(i18n.global.locale as unknown as { value: string }).value = wanted
  language.value = wanted
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(KEY, wanted)
}
