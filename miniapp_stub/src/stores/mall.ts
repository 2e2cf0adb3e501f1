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

  /** Ask once; a failure leaves what was known. */
  async function know(): Promise<void> {
    if (mall.value?.code === code) return;
    mall.value = await call("get", "/v1/malls/{mall_code}").catch(() => mall.value);
    if (mall.value) seen.keep("mall", mall.value);
  }

  return { code, mall, know };
});
