// Typing an amount with one thumb: what a key makes of what is typed. Amounts are texts of yuan until they are whole; then fen.

export type PadKey = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "." | "back";

const LONGEST = 8;

/** What is typed after this key; the same when the key means nothing here. `decimals`: how many the shop takes. */
export function typed(before: string, key: PadKey, decimals: number): string {
  if (key === "back") return before.slice(0, -1);
  const [whole, rest] = before.split(".");
  if (key === ".") return decimals > 0 && rest === undefined ? `${whole || "0"}.` : before;
  if (rest !== undefined) return rest.length < decimals ? before + key : before;
  if (whole === "0") return key;
  return whole.length < LONGEST ? before + key : before;
}

/** Whole fen of what is typed; 0 for nothing. */
export function typedFen(text: string): number {
  const [whole, rest = ""] = text.split(".");
  return Number(whole || "0") * 100 + Number(rest.slice(0, 2).padEnd(2, "0"));
}

export interface Limits {
  min_fen: number;
  max_fen: number;
}

/** Why an amount cannot be paid here: below or above the limits, or a part without benefits that is more than the whole. */
export function unfit(fen: number, excluded: number, limits: Limits): "small" | "large" | "part" | null {
  if (fen < limits.min_fen) return "small";
  if (fen > limits.max_fen) return "large";
  return excluded > fen ? "part" : null;
}
