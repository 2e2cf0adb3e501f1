import { afterEach, describe, expect, it, vi } from "vitest";
import { alipay } from "@/wallets/alipay";
import { Denied, type Wallet } from "@/wallets/wallet";
import { wechat } from "@/wallets/wechat";

/** What the page is told when the wallet's chooser fails with this. */
async function why(wallet: Wallet, from: "camera" | "album"): Promise<string> {
  const thrown = await wallet.chooseImages({ count: 1, from }).catch((error: unknown) => error);
  return thrown instanceof Denied ? thrown.why : `not a denial: ${String(thrown)}`;
}

type Chooser = (options: { fail: (why: unknown) => void; sourceType: string[] }) => void;
const failing = (answer: unknown): Chooser => vi.fn((options) => options.fail(answer));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a camera or an album that the person did not give", () => {
  it.each([
    ["chooseMedia:fail auth deny", "denied"],
    ["chooseMedia:fail:auth denied", "denied"],
    ["chooseMedia:fail system permission denied", "denied"],
    ["chooseMedia:fail cancel", "cancelled"],
    ["chooseMedia:fail camera busy", "unavailable"],
  ])("in WeChat: %s", async (errMsg, expected) => {
    const chooseMedia = failing({ errMsg });
    vi.stubGlobal("wx", { chooseMedia });
    expect([await why(wechat, "camera"), await why(wechat, "album")]).toEqual([expected, expected]);
    expect(vi.mocked(chooseMedia).mock.calls.map(([options]) => options.sourceType)).toEqual([["camera"], ["album"]]);
  });

  it.each([
    [{ error: 11, errorMessage: "用户取消操作" }, "cancelled"],
    [{ error: 15, errorMessage: "没有相册权限" }, "denied"],
    [{ error: 2001, errorMessage: "用户拒绝授权" }, "denied"],
    [{ error: 10, errorMessage: "失败" }, "unavailable"],
    [undefined, "unavailable"],
  ])("in Alipay: %j", async (answer, expected) => {
    vi.stubGlobal("my", { chooseImage: failing(answer) });
    expect([await why(alipay, "camera"), await why(alipay, "album")]).toEqual([expected, expected]);
  });
});
