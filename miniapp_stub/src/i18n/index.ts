import { createI18n } from "vue-i18n";

type Sentences = Record<string, unknown>;
export type Language = "zh" | "en";

// A page's sentences lie beside it, and what the refusals of its noun say. What several pages say lies in this folder, by its file's name.
const chinese = import.meta.glob<Sentences>(["../pages/*/zh.json", "../pages/*/problems.zh.json", "./zh/*.json"], { eager: true, import: "default" });
const english = import.meta.glob<Sentences>(["../pages/*/en.json", "../pages/*/problems.en.json", "./en/*.json"], { eager: true, import: "default" });

/** "../pages/home/zh.json" → "home"; "../pages/order/problems.zh.json" and "./zh/problems.json" → "problems". */
function keyOf(path: string): string {
  const [file, folder] = path.split("/").reverse();
  const [name, ...rest] = file.split(".");
  return path.startsWith("../pages/") && rest.length === 1 ? folder : name;
}

function gathered(files: Record<string, Sentences>): Sentences {
  const all: Sentences = {};
  for (const [path, sentences] of Object.entries(files)) all[keyOf(path)] = { ...(all[keyOf(path)] as Sentences), ...sentences };
  return all;
}

const LANGUAGE = "language";

/** What was chosen before, else Chinese. */
export function chosenLanguage(): Language {
  return uni.getStorageSync(LANGUAGE) === "en" ? "en" : "zh";
}

const made = createI18n({
  legacy: false as const,
  globalInjection: true,
  locale: chosenLanguage(),
  fallbackLocale: "zh",
  messages: { zh: gathered(chinese), en: gathered(english) } as never,
});

interface Spoken {
  t: (key: string, values?: Record<string, unknown>) => string;
  te: (key: string) => boolean;
  locale: { value: Language };
}
// The library's own types of keys are too deep for the compiler with sentences gathered at build time.
const spoken = made.global as unknown as Spoken;

export const i18n = made;

/** Speak this language from now on. */
export function speak(language: Language): void {
  uni.setStorageSync(LANGUAGE, language);
  spoken.locale.value = language;
}

/** A sentence outside a template. */
export const t = (key: string, values: Record<string, unknown> = {}): string => spoken.t(key, values);

/** Whether there is a sentence of this key. */
export const has = (key: string): boolean => spoken.te(key);

/** The language now. */
export function language(): Language {
  return spoken.locale.value;
}
