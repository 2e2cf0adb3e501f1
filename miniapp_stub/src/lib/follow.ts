import { onHide, onShow, onUnload } from "@dcloudio/uni-app";
import { onUnmounted, reactive, ref, shallowRef } from "vue";
import { call } from "@/api/client";
import { asTrouble, type Trouble } from "@/api/troubles";
import type { Schema } from "@/api/types";
import { seen } from "./seen";

type Receipt = Schema<"Receipt">;

const READING = new Set(["received", "reading"]);
const FAST = 1_000;
const SLOWER = 3_000;
const AT_A_PERSON = 15_000;
const FAST_ASKS = 15;

/** After how many milliseconds to look again; null when nothing changes by itself any more. */
export function nextLook(state: string | undefined, asked: number): number | null {
  if (state === undefined || READING.has(state)) return asked < FAST_ASKS ? FAST : SLOWER;
  return state === "in_review" ? AT_A_PERSON : null;
}

export interface Followed {
  readonly receipt: Receipt | null;
  readonly at: number | null;
  readonly trouble: Trouble | null;
  load(): Promise<void>;
  /** What another call answered is the newest. */
  take(receipt: Receipt): void;
}

/** One receipt, looked at again and again while the page is open and something may still change. */
export function useReceipt(id: number): Followed {
  const name = `receipt-${id}`;
  const kept = seen.read<Receipt>(name);
  const receipt = shallowRef<Receipt | null>(kept?.value ?? null);
  const at = ref<number | null>(kept?.at ?? null);
  const trouble = shallowRef<Trouble | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  let open = true;

  function take(now: Receipt): void {
    receipt.value = now;
    at.value = Date.now();
    trouble.value = null;
    seen.keep(name, now);
    plan();
  }

  function plan(): void {
    clearTimeout(timer);
    const pause = trouble.value && !trouble.value.mayRetry ? null : nextLook(receipt.value?.state, asked);
    if (open && pause !== null) timer = setTimeout(() => void load(), pause);
  }

  async function load(): Promise<void> {
    asked += 1;
    try {
      take(await call("get", "/v1/receipts/{receipt_id}", { path: { receipt_id: id } }));
    } catch (thrown) {
      trouble.value = asTrouble(thrown);
      plan();
    }
  }

  function rest(): void {
    open = false;
    clearTimeout(timer);
  }

  onShow(() => {
    open = true;
    if (nextLook(receipt.value?.state, asked) !== null || trouble.value) void load();
  });
  onHide(rest);
  onUnload(rest);
  onUnmounted(rest);
  void load();

  return reactive({ receipt, at, trouble, load, take }) as Followed;
}
