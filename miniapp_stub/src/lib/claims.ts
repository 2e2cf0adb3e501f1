// Purchases that were paid on this device before joining: what lets them be claimed afterwards.
import { mallCode } from "@/api/place";

const MOST = 20;
const name = () => `claims:${mallCode()}`;
type Claims = Record<string, string>;

function all(): Claims {
  const kept: unknown = uni.getStorageSync(name());
  return typeof kept === "object" && kept !== null ? (kept as Claims) : {};
}

export const claims = {
  /** The code that claims this order; empty when there is none. */
  of(number: string): string {
    return all()[number] ?? "";
  },
  /** Keep an order's code, and the newest of those before. */
  keep(number: string, code: string): void {
    const rest = Object.entries(all()).filter(([one]) => one !== number).slice(1 - MOST);
    uni.setStorageSync(name(), Object.fromEntries([...rest, [number, code]]));
  },
  drop(number: string): void {
    uni.setStorageSync(name(), Object.fromEntries(Object.entries(all()).filter(([one]) => one !== number)));
  },
};
