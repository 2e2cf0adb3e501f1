// WeChat (微信).
import { shrunk } from "./images";
import { keeper } from "./kept";
import { Denied, type Denial, type Wallet } from "./wallet";

let brightnessBefore: number | null = null;

function denial(why: unknown): Denied {
  const said = String((why as { errMsg?: string })?.errMsg ?? "");
  const kind: Denial = /cancel/i.test(said) ? "cancelled" : /auth|deny|denied|permission/i.test(said) ? "denied" : "unavailable";
  return new Denied(kind);
}

/** The calls of `wx` that are used here. */
interface Wx {
  [name: string]: (options: Record<string, unknown>) => void;
}
declare const wx: Wx & { getFileSystemManager(): Wx; env: { USER_DATA_PATH: string } };

function asked<T>(call: (options: Record<string, unknown>) => void, options: Record<string, unknown> = {}): Promise<T> {
  return new Promise((resolve, reject) => call({ ...options, success: resolve, fail: (why: unknown) => reject(denial(why)) }));
}

export const wechat: Wallet = {
  channel: "wechat",
  signsInAlone: true,
  phoneButton: "getPhoneNumber",

  async login() {
    const got = await asked<{ code: string }>(wx.login);
    return { channel: "wechat", body: { js_code: got.code } };
  },

  async phone(event) {
    const code = (event as { detail?: { code?: string } })?.detail?.code;
    if (!code) throw new Denied("denied");
    return { code };
  },

  async payers() {
    return ["wechat"];
  },

  async pay(prepaid) {
    await asked(wx.requestPayment, prepaid);
  },

  opened(query) {
    return query.q ? decodeURIComponent(query.q) : null;
  },

  async scan() {
    return (await asked<{ result: string }>(wx.scanCode)).result;
  },

  async chooseImages({ count, from }) {
    const sourceType = from === "both" ? ["camera", "album"] : [from];
    const got = await asked<{ tempFiles: { tempFilePath: string }[] }>(wx.chooseMedia, { count, mediaType: ["image"], sizeType: ["original"], sourceType });
    return Promise.all(got.tempFiles.map((file) => shrunk(file.tempFilePath)));
  },

  async bytes(path) {
    const files = wx.getFileSystemManager();
    return (await asked<{ data: ArrayBuffer }>((options) => files.readFile(options), { filePath: path })).data;
  },

  ...keeper(() => wx.getFileSystemManager(), asked),

  async subscribe(templates) {
    const got = await asked<Record<string, string>>(wx.requestSubscribeMessage, { tmplIds: templates });
    return templates.filter((id) => got[id] === "accept");
  },

  shareButton: "share",

  async share() {
    throw new Denied("unavailable"); // the wallet shares by its own button only
  },

  async visit(url) {
    await asked(wx.setClipboardData, { data: url }); // a mini-program opens pages of its own domains only
    return "copied";
  },

  brighten(bright) {
    if (bright && brightnessBefore === null) {
      wx.getScreenBrightness({ success: (now: { value: number }) => (brightnessBefore = now.value) });
      wx.setScreenBrightness({ value: 1 });
    } else if (!bright && brightnessBefore !== null) {
      wx.setScreenBrightness({ value: brightnessBefore });
      brightnessBefore = null;
    }
    wx.setKeepScreenOn({ keepScreenOn: bright });
  },

  async openPermissions() {
    await asked(wx.openSetting);
    return true;
  },

  async handOver(name, text) {
    const path = `${wx.env.USER_DATA_PATH}/${name}`;
    const files = wx.getFileSystemManager();
    await asked((options) => files.writeFile(options), { filePath: path, data: text, encoding: "utf8" });
    try {
      await asked(wx.shareFileMessage, { filePath: path, fileName: name });
      return "saved";
    } catch {
      await asked(wx.setClipboardData, { data: text });
      return "copied";
    }
  },

  dress() {
    // The pages dress themselves; there is nothing around them.
  },
};
