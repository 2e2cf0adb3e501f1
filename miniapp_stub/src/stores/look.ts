import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { language as spoken, speak, type Language } from "@/i18n";
import { bars } from "@/styles/bars";
import { wallet } from "@/wallets";

const ignore = () => undefined;

export type Theme = "auto" | "light" | "dark";

function kept<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  const found = uni.getStorageSync(name) as T;
  return allowed.includes(found) ? found : otherwise;
}

function systemIsDark(): boolean {
  return (uni.getSystemInfoSync() as { theme?: string; osTheme?: string }).theme === "dark";
}

/** How the pages look to this person on this device: language, dark or light, large text. */
export const useLook = defineStore("look", () => {
  const theme = ref<Theme>(kept("theme", ["auto", "light", "dark"], "auto"));
  const large = ref(uni.getStorageSync("large") === true);
  const language = ref<Language>(spoken());
  const system = ref(systemIsDark());
  const dark = computed(() => (theme.value === "auto" ? system.value : theme.value === "dark"));
  const classes = computed(() => [`theme-${theme.value}`, { "text-large": large.value }]);

  uni.onThemeChange?.((now) => (system.value = now.theme === "dark"));

  watch(theme, (now) => uni.setStorageSync("theme", now));
  watch(large, (now) => uni.setStorageSync("large", now));
  watch(language, (now) => speak(now));
  watch([theme, large, language], () => wallet.dress(theme.value, large.value, language.value), { immediate: true });

  /** Colour the bars that belong to the wallet, not to the page. */
  function paintBars(onTab: boolean): void {
    const colours = bars[dark.value ? "dark" : "light"];
    uni.setNavigationBarColor({ frontColor: colours.text, backgroundColor: colours.bar, fail: ignore });
    if (onTab) uni.setTabBarStyle({ color: colours.tabText, selectedColor: colours.tabOn, backgroundColor: colours.bar, borderStyle: dark.value ? "white" : "black", fail: ignore });
  }

  /** A sentence of the API in the language now. */
  function said(sentence: unknown): string {
    return (sentence as Record<Language, string>)[language.value];
  }

  return { theme, large, language, dark, classes, paintBars, said };
});
