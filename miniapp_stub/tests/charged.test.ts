import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Phone } from "./phone";

const hooks = vi.hoisted(() => {
  vi.stubGlobal("location", { pathname: "/m/demo/", hash: "" });
  vi.stubGlobal("uni", { getStorageSync: () => "", setStorageSync: () => undefined });
  return { show: () => undefined as void, hide: () => undefined as void };
});
vi.mock("@dcloudio/uni-app", () => ({ onShow: (run: () => void) => (hooks.show = run), onHide: (run: () => void) => (hooks.hide = run), onUnload: () => undefined }));
vi.mock("@/stores/session", () => ({ useSession: () => ({ signedIn: true }) }));
const { nextChargeLook, useCharged } = await import("@/lib/charged");

const order = (number: string, kind: string, state = "paid") => ({ number, kind, asked_by: kind === "charge" ? "shop" : "payer", state, total_fen: 2_000 });

describe("a pay code on the page", () => {
  let phone: Phone;
  let items: object[];

  beforeEach(() => {
    vi.useFakeTimers();
    phone = new Phone();
    phone.signIn(90_000);
    items = [order("old", "charge")];
    phone.server = () => ({ status: 200, body: { items } });
  });
  afterEach(() => {
    hooks.hide();
    vi.useRealTimers();
  });

  it("learns that it was used, and is looked at no more", async () => {
    const charged = useCharged();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(charged.order).toBeNull();
    items = [order("plate", "plate"), order("new", "charge"), ...items];
    await vi.advanceTimersByTimeAsync(3_500);
    expect(charged.order?.number).toBe("new");
    const looks = phone.asked.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(phone.asked).toHaveLength(looks);
  });

  it("waits for a charge that the wallet has not paid yet", async () => {
    items = [order("new", "charge", "held")];
    const charged = useCharged();
    await vi.advanceTimersByTimeAsync(7_000);
    expect(charged.order).toBeNull();
    items = [order("new", "charge")];
    await vi.advanceTimersByTimeAsync(3_500);
    expect(charged.order?.number).toBe("new");
  });

  it("rests while the page is hidden, and finds what happened meanwhile", async () => {
    const charged = useCharged();
    await vi.advanceTimersByTimeAsync(100);
    hooks.hide();
    items = [order("new", "charge"), ...items];
    await vi.advanceTimersByTimeAsync(60_000);
    expect([phone.asked.length, charged.order]).toEqual([1, null]);
    hooks.show();
    await vi.advanceTimersByTimeAsync(100);
    expect(charged.order?.number).toBe("new");
  });

  it("goes on after a line that was cut, and shows a code for another purchase when asked", async () => {
    const charged = useCharged();
    await vi.advanceTimersByTimeAsync(100);
    phone.answers = ["offline"];
    items = [order("new", "charge"), ...items];
    await vi.advanceTimersByTimeAsync(6_500);
    expect(charged.order?.number).toBe("new");
    charged.again();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(charged.order).toBeNull();
  });

  it("is looked at less often after a while", () => {
    expect([0, 39, 40].map(nextChargeLook)).toEqual([3_000, 3_000, 6_000]);
  });
});
