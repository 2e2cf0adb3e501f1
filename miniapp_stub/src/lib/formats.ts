// Numbers and times as people read them. Digits are half-width in both languages; the day is the mall's own (+08:00 unless it says otherwise).

/** 123456 fen → "1,234.56"; refunds keep their minus. */
export function yuan(fen: number): string {
  const whole = Math.trunc(Math.abs(fen) / 100);
  const rest = String(Math.abs(fen) % 100).padStart(2, "0");
  return `${fen < 0 ? "-" : ""}${thousands(whole)}.${rest}`;
}

/** 1234567 → "1,234,567". */
export function thousands(number: number): string {
  const [sign, digits] = number < 0 ? ["-", String(-number)] : ["", String(number)];
  return sign + digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

const two = (number: number) => String(number).padStart(2, "0");
const DAY = 86_400_000;
/** Hours that the mall's clock is ahead of UTC. China has one time and no summer time. */
const MALL_HOURS = 8;

function parts(at: number): { day: string; clock: string } {
  const local = new Date(at + MALL_HOURS * 3_600_000);
  const day = `${local.getUTCFullYear()}-${two(local.getUTCMonth() + 1)}-${two(local.getUTCDate())}`;
  return { day, clock: `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}` };
}

/** "2026-11-22 14:05", or "<today> 14:05" / "<yesterday> 14:05" with the given words. `at`: RFC 3339 or milliseconds since 1970. */
export function moment(at: string | number, words: { today: string; yesterday: string }, now = Date.now()): string {
  const when = parts(typeof at === "number" ? at : Date.parse(at));
  if (when.day === parts(now).day) return `${words.today} ${when.clock}`;
  if (when.day === parts(now - DAY).day) return `${words.yesterday} ${when.clock}`;
  return `${when.day} ${when.clock}`;
}

/** Whole days from today to this day ("2026-12-31") of the mall's calendar. */
export function daysUntil(day: string, now = Date.now()): number {
  return Math.round((Date.parse(`${day}T00:00:00Z`) - Date.parse(`${parts(now).day}T00:00:00Z`)) / DAY);
}

/** The day of the mall's calendar so many days from today: "2026-12-31". */
export function dayAfter(days: number, now = Date.now()): string {
  return parts(now + days * DAY).day;
}
