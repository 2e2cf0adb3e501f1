import { describe, expect, it } from "vitest";
import { typed, typedFen, unfit, type PadKey } from "@/lib/pad";
import { plateCode } from "@/lib/scanned";

const type = (keys: string, decimals = 2) => [...keys].reduce((text, key) => typed(text, (key === "<" ? "back" : key) as PadKey, decimals), "");

describe("the amount pad", () => {
  it("types what a person means", () => {
    expect(type("128")).toBe("128");
    expect(type("0.5")).toBe("0.5");
    expect(type(".5")).toBe("0.5");
    expect(type("12<3")).toBe("13");
    expect(type("<")).toBe("");
  });

  it("takes no leading zeros, no second point and no more decimals than the shop does", () => {
    expect(type("007")).toBe("7");
    expect(type("1.2.3")).toBe("1.23");
    expect(type("1.234")).toBe("1.23");
    expect(type("1.2", 0)).toBe("12");
    expect(type("1.25", 1)).toBe("1.2");
    expect(type("123456789")).toBe("12345678");
  });

  it("reckons in whole fen", () => {
    expect(["", "1", "1.", "1.2", "1.23", "19.99", "0.07", "99999999.99"].map(typedFen)).toEqual([0, 100, 100, 120, 123, 1999, 7, 9999999999]);
  });

  it("says why an amount does not fit", () => {
    const limits = { min_fen: 100, max_fen: 500_000 };
    expect([unfit(0, 0, limits), unfit(99, 0, limits), unfit(100, 0, limits), unfit(500_001, 0, limits)]).toEqual(["small", "small", null, "large"]);
    expect([unfit(1_000, 1_000, limits), unfit(1_000, 1_001, limits)]).toEqual([null, "part"]);
  });
});

describe("what a scanner read", () => {
  it("is a plate's address or its bare code", () => {
    for (const read of ["https://mall.example/q/abcdefgh2345", " http://127.0.0.1:8000/q/abcdefgh2345/ ", "https://mall.example/q/abcdefgh2345?from=x#y", "abcdefgh2345"])
      expect(plateCode(read)).toBe("abcdefgh2345");
  });

  it("is nothing else", () => {
    for (const read of ["", "https://mall.example/m/demo/", "https://evil.example/x/q/abcdefgh2345", "https://mall.example/q/ABCDEFGH2345", "wxp://f2f0abc", "9012345678", "https://mall.example/q/abcdefgh23456"])
      expect(plateCode(read)).toBeNull();
  });
});
