// The pair of tokens lives in the storage only: another tab of the browser may have renewed it a moment ago.
import { mallCode } from "./place";

export interface Tokens {
  access: string;
  refresh: string;
  /** Milliseconds since 1970, of this device's own clock. */
  endsAt: number;
}

const name = () => `tokens:${mallCode()}`;

/** The pair we hold, if any. */
export function heldTokens(): Tokens | null {
  const kept: unknown = uni.getStorageSync(name());
  return typeof kept === "object" && kept !== null && "refresh" in kept ? (kept as Tokens) : null;
}

/** Hold this pair from now on. */
export function holdTokens(answer: { access_token: string; refresh_token?: string; expires_in: number }): void {
  const refresh = answer.refresh_token ?? heldTokens()?.refresh ?? "";
  const tokens: Tokens = { access: answer.access_token, refresh, endsAt: Date.now() + answer.expires_in * 1000 };
  uni.setStorageSync(name(), tokens);
}

/** Hold none. */
export function dropTokens(): void {
  uni.removeStorageSync(name());
}
