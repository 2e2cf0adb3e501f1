// Paying without membership: a login code of the wallet became a token that can quote, pay and look at its own orders.
import { mallCode } from "./place";

export interface Payer {
  access: string;
  channel: "wechat" | "alipay";
  /** Milliseconds since 1970, of this device's own clock. */
  endsAt: number;
}

const EARLY = 30_000;
const name = () => `payer:${mallCode()}`;

/** Who pays on this device without being signed in, while the token is good. */
export function heldPayer(): Payer | null {
  const kept: unknown = uni.getStorageSync(name());
  if (typeof kept !== "object" || kept === null || !("access" in kept)) return null;
  const payer = kept as Payer;
  return payer.endsAt - EARLY > Date.now() ? payer : null;
}

/** Hold this token from now on. */
export function holdPayer(channel: Payer["channel"], answer: { access_token: string; expires_in: number }): void {
  const payer: Payer = { access: answer.access_token, channel, endsAt: Date.now() + answer.expires_in * 1000 };
  uni.setStorageSync(name(), payer);
}

/** Hold none. */
export function dropPayer(): void {
  uni.removeStorageSync(name());
}

/** Whether an address answers somebody who pays without being a member. */
export function answersPayers(address: string): boolean {
  return address === "/v1/quotes" || /^\/v1\/orders(\/|$)/.test(address);
}
