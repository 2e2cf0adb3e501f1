// Orders: looked at until they are paid or over, and what is said of them.
import { call } from "@/api/client";
import { heldPayer } from "@/api/payer";
import { asTrouble } from "@/api/troubles";
import type { Schema } from "@/api/types";
import { useLook } from "@/stores/look";
import { useSession } from "@/stores/session";
import { claims } from "./claims";
import { useFollowed, type Followed } from "./follow";

/** How one came to the order: the wallet closed, the person turned back in it, or otherwise. */
export type Came = "closed" | "back" | "";
export type Order = Schema<"WholeOrder">;

/** What was bought, in the language now. */
export function titleOf(order: { title: string; title_en: string }): string {
  return useLook().language === "en" ? order.title_en : order.title;
}

const FAST = 1_000;
const SLOWER = 3_000;
const SLOW = 10_000;
const MOVING = new Set(["given", "waiting"]);

/** After how many milliseconds to look at an order again; null when nothing changes by itself any more. */
export function nextOrderLook(order: { state: string; refunds?: { state: string }[]; returned?: { done_at: string | null }[] } | null, asked: number): number | null {
  if (order === null || order.state === "held") return asked < 15 ? FAST : asked < 60 ? SLOWER : SLOW;
  const onItsWay = (order.refunds ?? []).some((refund) => MOVING.has(refund.state)) || (order.returned ?? []).some((part) => part.done_at === null);
  return onItsWay ? SLOW : null;
}

/** What an order earned: what is left of it, and what refunds took back. Null while nobody is known to give points to. */
export function earned(order: { points: number | null; points_taken: number }): { left: number; all: number; taken: number } | null {
  const { points, points_taken } = order;
  return points === null ? null : { left: points - points_taken, all: points, taken: points_taken };
}

/** Money that arrived after an order was given up: how much, and whether all of it is back. Null where none did. */
export function cameLate(order: { returned: { amount_fen: number; done_at: string | null }[] }): { fen: number; back: boolean } | null {
  if (!order.returned.length) return null;
  return { fen: order.returned.reduce((sum, part) => sum + part.amount_fen, 0), back: order.returned.every((part) => part.done_at !== null) };
}

/** Whether a wallet was asked to pay and may have: who sees such an order must not be led to pay twice. */
export function mayBePaid(order: { state: string; payment_state: string | null }): boolean {
  return order.state === "held" && ["placed", "paying", "paid"].includes(order.payment_state ?? "");
}

/** The order; a purchase paid before joining is claimed first, since only its member may see it afterwards. */
async function found(number: string, signedIn: boolean): Promise<Order> {
  const code = signedIn ? claims.of(number) : "";
  if (!code) return call("get", "/v1/orders/{number}", { path: { number } });
  try {
    const mine = await call("post", "/v1/order-claims", { body: { number, claim_code: code } });
    claims.drop(number);
    return mine;
  } catch (thrown) {
    if (["claim-unknown", "claim-taken"].includes(asTrouble(thrown).slug)) claims.drop(number);
    throw thrown;
  }
}

/** One order, until it is final. */
export function useOrder(number: string): Followed<Order> {
  const session = useSession();
  return useFollowed<Order>({ name: `order-${number}`, fetch: () => found(number, session.signedIn), pause: nextOrderLook });
}

/** Who pays here: a member, somebody whom only the wallet knows, or nobody yet. */
export function whoPays(signedIn: boolean): "member" | "payer" | null {
  return signedIn ? "member" : heldPayer() ? "payer" : null;
}
