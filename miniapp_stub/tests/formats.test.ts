import { describe, expect, it } from "vitest";
import { daysUntil, moment, thousands, yuan } from "@/lib/formats";
import { spokenHours } from "@/lib/hours";
import { qrPicture } from "@/lib/qr";
import { fitted } from "@/wallets/images";

const WORDS = { today: "今天", yesterday: "昨天" };
const NOON = Date.parse("2026-11-22T12:00:00+08:00");

describe("numbers and times", () => {
  it.each([
    [0, "0.00"],
    [5, "0.05"],
    [123456789, "1,234,567.89"],
    [-12800, "-128.00"],
  ])("%i fen are %s", (fen, text) => expect(yuan(fen)).toBe(text));

  it("separates thousands", () => expect([thousands(999), thousands(1000), thousands(-1234567)]).toEqual(["999", "1,000", "-1,234,567"]));

  it.each([
    ["2026-11-22T06:05:00Z", "今天 14:05"],
    ["2026-11-21T15:59:00Z", "昨天 23:59"],
    ["2026-11-21T16:00:00Z", "今天 00:00"],
    ["2025-01-02T00:00:00+08:00", "2025-01-02 00:00"],
  ])("%s is %s in the mall", (at, text) => expect(moment(at, WORDS, NOON)).toBe(text));

  it("counts days of the mall's calendar", () => expect([daysUntil("2026-11-22", NOON), daysUntil("2026-12-01", NOON)]).toEqual([0, 9]));
});

describe("opening hours", () => {
  const said = (written: string) => spokenHours(written, (day) => `D${day}`, "-").map((line) => `${line.days} ${line.hours}`);
  it("are spoken by weekdays", () => expect(said("1-4 10:00-22:00; 5-7 10:00-22:30")).toEqual(["D1-D4 10:00-22:00", "D5-D7 10:00-22:30"]));
  it("are every day's", () => expect(said("1-7 09:00 - 21:00")).toEqual(["D0 09:00-21:00"]));
  it("stay as they are when written otherwise", () => expect(said("节假日另行通知")).toEqual(["D0 节假日另行通知"]));
  it("are nothing when nothing is written", () => expect(said("")).toEqual([]));
});

describe("pictures", () => {
  it("are made smaller, never larger", () => expect([fitted(4000, 3000), fitted(1000, 800), fitted(1, 9000)]).toEqual([{ width: 2000, height: 1500 }, { width: 1000, height: 800 }, { width: 1, height: 2000 }]));
  it("of a member code are a GIF in an address", () => expect(qrPicture("7EWQG9C75JV3CD1T")).toMatch(/^data:image\/gif;base64,/));
});
