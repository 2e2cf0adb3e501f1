import { ref, watch, type Ref } from "vue";

const named = (name: string) => `draft:${name}`;

/** What is typed into a form, kept until `done`: a sign-in that ends in the middle loses nothing. Never for secrets. */
export function useDraft<T>(name: string, empty: T): { draft: Ref<T>; done: () => void } {
  const kept: unknown = uni.getStorageSync(named(name));
  const draft = ref(typeof kept === typeof empty && kept !== "" ? kept : empty) as Ref<T>;
  watch(draft, (now) => uni.setStorageSync(named(name), now), { deep: true });
  return {
    draft,
    done: () => {
      draft.value = empty;
      uni.removeStorageSync(named(name));
    },
  };
}

/** Forget what was typed: whoever signs in next on this device is perhaps somebody else. */
export function forgetDrafts(): void {
  for (const name of uni.getStorageInfoSync().keys) if (name.startsWith("draft:") && !name.startsWith("draft:sign-in.")) uni.removeStorageSync(name);
}
