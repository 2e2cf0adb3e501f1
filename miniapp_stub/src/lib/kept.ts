import { ref, watch, type Ref } from "vue";

/** A choice on a page (a filter, a tab) that is found again the next time. */
export function useKept<T extends string>(name: string, allowed: readonly T[]): Ref<T> {
  const found = uni.getStorageSync(`kept:${name}`) as T;
  const choice = ref(allowed.includes(found) ? found : allowed[0]) as Ref<T>;
  watch(choice, (now) => uni.setStorageSync(`kept:${name}`, now));
  return choice;
}
