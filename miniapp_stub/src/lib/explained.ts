/** So long it stands whole in its line or two. */
const WHOLE = 32;

/** An explanation; a long one without what stands in its brackets: "128 分 = ¥128.00 × 1 分/元（…）". The whole is one tap away. */
export function short(explanation: string): string {
  const whole = explanation.trim();
  const open = whole.search(/[（(]/);
  if (open < 0 || whole.length <= WHOLE) return whole;
  const bracket = whole[open] === "（" ? "（…）" : "(…)";
  return whole.slice(0, open) + bracket;
}

/** A sentence in both languages, cut short in both. */
export function shortened(explanation: { zh: string; en: string }): { zh: string; en: string } {
  return { zh: short(explanation.zh), en: short(explanation.en) };
}

/** "12.50" → 1250 fen; null for what is no amount. Half-width and full-width digits, a comma between thousands. */
export function fen(typed: string): number | null {
  const plain = typed.normalize("NFKC").replace(/[¥,\s]/g, "");
  if (!/^\d{1,8}(\.\d{1,2})?$/.test(plain)) return null;
  const [whole, rest = ""] = plain.split(".");
  const value = Number(whole) * 100 + Number(rest.padEnd(2, "0"));
  return value > 0 ? value : null;
}

/** Where a message leads: "receipt?id=7" → the page and its query. */
export function way(page: string): { page: string; query: Record<string, string> } {
  const [name, asked = ""] = page.split("?");
  const pairs = asked.split("&").filter(Boolean).map((pair) => pair.split("=").map(decodeURIComponent));
  return { page: name, query: Object.fromEntries(pairs.map(([key, value = ""]) => [key, value])) };
}

/** How long until then, in whole days, hours, minutes; all zero when it has passed. */
export function remaining(until: string, now: number): { days: number; hours: number; minutes: number; over: boolean } {
  const left = Date.parse(until) - now;
  const minutes = Math.max(0, Math.floor(left / 60_000));
  return { days: Math.floor(minutes / 1440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60, over: left <= 0 };
}
