// What was seen last, so that a page without connection shows it, with its age. Forgotten at sign-out.
import { mallCode } from "@/api/place";

export interface Seen<T> {
  value: T;
  /** Milliseconds since 1970. */
  at: number;
}

const prefix = () => `seen:${mallCode()}:`;

export const seen = {
  read<T>(name: string): Seen<T> | null {
    const kept: unknown = uni.getStorageSync(prefix() + name);
    return typeof kept === "object" && kept !== null && "at" in kept ? (kept as Seen<T>) : null;
  },
  keep<T>(name: string, value: T): void {
    try {
      uni.setStorageSync(prefix() + name, { value, at: Date.now() });
    } catch {
      // The storage is full: the page works without memory.
    }
  },
};

/** Forget everything that a member saw. */
export function forgetSeen(): void {
  for (const name of uni.getStorageInfoSync().keys) if (name.startsWith("seen:")) uni.removeStorageSync(name);
}
