import { describe, expect, it } from "vitest";
import { fen, remaining, short, way } from "@/lib/explained";

describe("explanations and what is typed", () => {
  it("shortens an explanation to its sum", () => {
    expect(short("256 分 = ¥128.00 × 1 分/元（餐饮 · 双倍日 ×2）")).toBe("256 分 = ¥128.00 × 1 分/元（…）");
    expect(short("128 points = ¥128.00 × 1 point/yuan (Dining)")).toBe("128 points = ¥128.00 × 1 point/yuan (…)");
    expect(short("45 分 = ¥45.00 × 1 分/元（消费积分）")).toBe("45 分 = ¥45.00 × 1 分/元（消费积分）");
    expect(short("商场补发")).toBe("商场补发");
  });

  it("reads yuan as fen without a float", () => {
    expect(["12.5", "1,234.56", "¥ 8", "１２．３", "0", "-1", "1.234", "12e3", ""].map(fen)).toEqual([1250, 123456, 800, 1230, null, null, null, null, null]);
  });

  it("finds the page of a message", () => {
    expect(way("receipt?id=7")).toEqual({ page: "receipt", query: { id: "7" } });
    expect(way("points")).toEqual({ page: "points", query: {} });
  });

  it("counts down to a promise", () => {
    expect(remaining("2026-11-23T14:05:00+08:00", Date.parse("2026-11-22T12:00:30+08:00"))).toEqual({ days: 1, hours: 2, minutes: 4, over: false });
    expect(remaining("2026-11-22T14:05:00+08:00", Date.parse("2026-11-22T14:05:00+08:00")).over).toBe(true);
  });
});
