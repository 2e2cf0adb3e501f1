// Idempotency keys: made once per action of the user, kept until its outcome is known.

const HEX = "0123456789abcdef";

/** A new key: 32 hexadecimal digits. */
export function keyed(): string {
  return Array.from({ length: 32 }, () => HEX[Math.floor(Math.random() * 16)]).join("");
}

const named = (action: string) => `key:${action}`;

/** The key of this action; the same one, even after the app was closed, until forgetKey. */
export function keyOf(action: string): string {
  const kept = uni.getStorageSync(named(action)) as string;
  if (kept) return kept;
  const made = keyed();
  uni.setStorageSync(named(action), made);
  return made;
}

/** The action's outcome is known. */
export function forgetKey(action: string): void {
  uni.removeStorageSync(named(action));
}
