import { describe, expect, it } from "vitest";
import { SLICE, solve, type Challenge } from "../src/lib/challenge";

async function given(number: number, maxnumber: number, salt = "0123456789abcdef01234567?expires=1796103315&for=phone-code:1&most=30000&"): Promise<Challenge> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${salt}${number}`)));
  const challenge = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { algorithm: "SHA-256", challenge, maxnumber, salt, signature: "s" };
}

describe("a challenge", () => {
  it.each([0, 7, 9_999, 30_000])("is solved by %i", async (number) => {
    const asked = await given(number, 30_000);
    expect(await solve(asked)).toEqual({ ...asked, number, maxnumber: undefined });
  });

  it("is solved whatever the length of its salt", async () => {
    for (let length = 1; length < 150; length += 1) expect((await solve(await given(123, 200, "x".repeat(length))))?.number).toBe(123);
  });

  it("that has no solution ends", async () => {
    expect(await solve({ ...(await given(5, 3)) })).toBeNull();
  });

  it("leaves the page its turn", async () => {
    const asked = await given(119_999, 120_000);
    let longest = 0;
    let last = Date.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
    }, 1);
    const began = Date.now();
    await solve(asked);
    clearInterval(watch);
    console.info(`120,000 numbers in ${Date.now() - began} ms, the page waited at most ${longest} ms`);
    expect(longest).toBeLessThan(SLICE * 12);
  });
});
