import { beforeEach, describe, expect, it, vi } from "vitest";
import { Phone, problem } from "./phone";

vi.hoisted(() => {
  vi.stubGlobal("location", { pathname: "/m/demo/", hash: "" });
  vi.stubGlobal("uni", { getStorageSync: () => "", setStorageSync: () => undefined });
});
vi.mock("@/wallets", () => ({ wallet: {} }));
vi.mock("@/stores/session", () => ({ useSession: () => ({ signedIn: false }) }));
const { cameLate, earned, mayBePaid, nextOrderLook, whoPays } = await import("@/lib/orders");
const { claims } = await import("@/lib/claims");
const { call } = await import("@/api/client");
const { heldPayer, holdPayer } = await import("@/api/payer");
const { asTrouble } = await import("@/api/troubles");

let phone: Phone;
beforeEach(() => {
  phone = new Phone();
});

describe("an order", () => {
  it("is looked at often while it may be paid, seldom while money is on its way back, and no more when it is final", () => {
    expect([0, 14, 15, 60].map((asked) => nextOrderLook({ state: "held" }, asked))).toEqual([1_000, 1_000, 3_000, 10_000]);
    expect(nextOrderLook({ state: "paid", refunds: [{ state: "given" }] }, 3)).toBe(10_000);
    expect(nextOrderLook({ state: "paid", refunds: [{ state: "done" }] }, 3)).toBeNull();
    expect(nextOrderLook({ state: "closed" }, 3)).toBeNull();
  });

  it("says what is left of its points after a refund", () => {
    expect(earned({ points: 550, points_taken: 92 })).toEqual({ left: 458, all: 550, taken: 92 });
    expect(earned({ points: null, points_taken: 0 })).toBeNull();
  });

  it("says that money came after it was closed, and is looked at until that is back", () => {
    const late = { amount_fen: 500, done_at: null };
    expect([cameLate({ returned: [] }), cameLate({ returned: [late] })]).toEqual([null, { fen: 500, back: false }]);
    expect(cameLate({ returned: [{ ...late, done_at: "2026-12-01T00:00:00Z" }] })).toEqual({ fen: 500, back: true });
    expect(nextOrderLook({ state: "closed", returned: [late] }, 3)).toBe(10_000);
  });

  it("may be paid as soon as a wallet was asked, until that is known", () => {
    const states = ["created", "placed", "paying", "closed", "failed", null];
    expect(states.map((payment_state) => mayBePaid({ state: "held", payment_state }))).toEqual([false, true, true, false, false, false]);
    expect(mayBePaid({ state: "paid", payment_state: "paid" })).toBe(false);
  });

  it("keeps what claims it on this device, the newest twenty", () => {
    for (let number = 1; number <= 25; number += 1) claims.keep(`n${number}`, `code-${number}`);
    expect([claims.of("n25"), claims.of("n6"), claims.of("n5")]).toEqual(["code-25", "code-6", ""]);
    claims.drop("n25");
    expect(claims.of("n25")).toBe("");
  });
});

describe("who pays without being a member", () => {
  const held = () => holdPayer("wechat", { access_token: "payer-1", expires_in: 600 });

  it("quotes and orders with the payer's token, and asks nothing else with it", async () => {
    held();
    expect(whoPays(false)).toBe("payer");
    await call("get", "/v1/orders/{number}", { path: { number: "1" } });
    expect(phone.asked[0].header.Authorization).toBe("Bearer payer-1");
    await expect(call("get", "/v1/wallet")).rejects.toSatisfy((thrown: unknown) => asTrouble(thrown).kind === "ended");
    expect(phone.asked).toHaveLength(1);
  });

  it("is a member as soon as somebody signed in", async () => {
    held();
    phone.signIn();
    await call("get", "/v1/orders/{number}", { path: { number: "1" } });
    expect(phone.asked[0].header.Authorization).toBe("Bearer access-1");
  });

  it("is forgotten when the token has ended", async () => {
    held();
    phone.answers = [problem(401, "token-invalid")];
    await expect(call("get", "/v1/orders/{number}", { path: { number: "1" } })).rejects.toSatisfy((thrown: unknown) => asTrouble(thrown).kind === "ended");
    expect(heldPayer()).toBeNull();
    expect(whoPays(false)).toBeNull();
  });
});
