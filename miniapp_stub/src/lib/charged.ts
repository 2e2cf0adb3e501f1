// The pay code on this phone was used: found by looking at the newest orders while the code is shown.
import { onHide, onShow, onUnload } from "@dcloudio/uni-app";
import { onUnmounted, reactive, shallowRef } from "vue";
import { call } from "@/api/client";
import type { Schema } from "@/api/types";
import { useSession } from "@/stores/session";

type Order = Schema<"Order">;
const NEWEST = 5;
const OFTEN = 3_000;
const SELDOM = 6_000;
const OFTEN_LOOKS = 40;

/** After how many milliseconds to look again: often while somebody stands at the till, seldom afterwards. */
export function nextChargeLook(looks: number): number {
  return looks < OFTEN_LOOKS ? OFTEN : SELDOM;
}

/** The charges of these orders that are over already. */
export function settledCharges(orders: readonly Order[]): Set<string> {
  return new Set(orders.filter((order) => order.asked_by === "shop" && order.state !== "held").map((order) => order.number));
}

/** A charge that is paid now and was not when the code was first shown; null while there is none. */
export function newCharge(orders: readonly Order[], before: ReadonlySet<string>): Order | null {
  return orders.find((order) => order.asked_by === "shop" && order.state === "paid" && !before.has(order.number)) ?? null;
}

export interface Charged {
  /** The order that the code has paid. */
  readonly order: Order | null;
  /** Show a code for another purchase. */
  again(): void;
}

/** Looks at the newest orders every few seconds while the page is shown, until one was paid by the code. */
export function useCharged(): Charged {
  const session = useSession();
  const order = shallowRef<Order | null>(null);
  let before: Set<string> | null = null;
  let looks = 0;
  let shown = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function plan(): void {
    clearTimeout(timer);
    if (shown && !order.value) timer = setTimeout(() => void look(), nextChargeLook(looks));
  }

  async function look(): Promise<void> {
    clearTimeout(timer);
    looks += 1;
    try {
      if (session.signedIn) {
        const { items } = await call("get", "/v1/orders", { query: { limit: NEWEST } });
        if (before) order.value ??= newCharge(items, before);
        else before = settledCharges(items);
      }
    } catch {
      // No connection for a moment: the next look finds it.
    }
    plan();
  }

  function begin(): void {
    if (shown) return;
    shown = true;
    looks = 0;
    if (!order.value) void look();
  }

  function rest(): void {
    shown = false;
    clearTimeout(timer);
  }

  function again(): void {
    if (order.value) before?.add(order.value.number);
    order.value = null;
    looks = 0;
    void look();
  }

  onShow(begin);
  onHide(rest);
  onUnload(rest);
  onUnmounted(rest);
  begin();

  return reactive({ order, again }) as Charged;
}
