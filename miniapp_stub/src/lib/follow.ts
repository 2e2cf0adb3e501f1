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

/** After how many milliseconds to look at a receipt again; null when nothing changes by itself any more. */
export function nextLook(state: string | undefined, asked: number): number | null {
  if (state === undefined || READING.has(state)) return asked < FAST_ASKS ? FAST : SLOWER;
  return state === "in_review" ? AT_A_PERSON : null;
}

export interface Followed<T> {
  readonly value: T | null;
  readonly at: number | null;
  readonly trouble: Trouble | null;
  /** How often the server was asked. */
  readonly asked: number;
  load(): Promise<void>;
  /** What another call answered is the newest. */
  take(value: T): void;
}

interface Following<T> {
  /** What was seen is kept under this name. */
  name: string;
  fetch(): Promise<T>;
  /** After how many milliseconds to look again; null: not by itself. */
  pause(value: T | null, asked: number): number | null;
}

/** One thing, looked at again and again while the page is open and something may still change. */
export function useFollowed<T>({ name, fetch, pause }: Following<T>): Followed<T> {
  const kept = seen.read<T>(name);
  const value = shallowRef<T | null>(kept?.value ?? null);
  const at = ref<number | null>(kept?.at ?? null);
  const trouble = shallowRef<Trouble | null>(null);
  const asked = ref(0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let open = true;

  function take(now: T): void {
    value.value = now;
    at.value = Date.now();
    trouble.value = null;
    seen.keep(name, now);
    plan();
  }

  function plan(): void {
    clearTimeout(timer);
    const wait = trouble.value && !trouble.value.mayRetry ? null : pause(value.value, asked.value);
    if (open && wait !== null) timer = setTimeout(() => void load(), wait);
  }

  async function load(): Promise<void> {
    asked.value += 1;
    try {
      take(await fetch());
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
    if (pause(value.value, asked.value) !== null || trouble.value) void load();
  });
  onHide(rest);
  onUnload(rest);
  onUnmounted(rest);
  void load();

  return reactive({ value, at, trouble, asked, load, take }) as Followed<T>;
}

/** One receipt, until a machine or a person has decided. */
export function useReceipt(id: number): Followed<Receipt> {
  const fetch = () => call("get", "/v1/receipts/{receipt_id}", { path: { receipt_id: id } });
  return useFollowed({ name: `receipt-${id}`, fetch, pause: (receipt, asked) => nextLook(receipt?.state, asked) });
}
