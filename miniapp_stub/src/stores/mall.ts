import { defineStore } from "pinia";
import { ref } from "vue";
import { call } from "@/api/client";
import { mallCode } from "@/api/place";
import type { Schema } from "@/api/types";
import { seen } from "@/lib/seen";

/** The mall that everybody may look at. */
export const useMall = defineStore("mall", () => {
  const code = mallCode();
  const mall = ref<Schema<"Mall"> | null>(seen.read<Schema<"Mall">>("mall")?.value ?? null);

  let asking: Promise<void> | null = null;

  /** Ask once; a failure leaves what was known, and the next page asks again. */
  function know(): Promise<void> {
    asking ??= call("get", "/v1/malls/{mall_code}")
      .then((found) => {
        mall.value = found;
        seen.keep("mall", found);
      })
      .catch(() => void (asking = null));
    return asking;
  }

  return { code, mall, know };
});
