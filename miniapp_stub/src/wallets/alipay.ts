// Alipay (支付宝).
import { shrunk } from "./images";
import { keeper } from "./kept";
import { Denied, type Denial, type Wallet } from "./wallet";

/** The calls of `my` that are used here; @dcloudio/types knows none of them. */
interface My {
  [name: string]: (options: Record<string, unknown>) => void;
}
declare const my: My & { getFileSystemManager(): My; getLaunchOptionsSync(): { query?: { qrCode?: string } }; env: { USER_DATA_PATH: string } };

/** What my.tradePay answers when the person closed it. */
const GIVEN_UP = "6001";
let brightnessBefore: number | null = null;

function denial(why: unknown): Denied {
  const { error, errorMessage } = (why ?? {}) as { error?: number | string; errorMessage?: string };
  const kind: Denial = String(error) === "11" || /取消|cancel/i.test(errorMessage ?? "") ? "cancelled" : /权限|授权|auth|deny|denied|permission/i.test(errorMessage ?? "") ? "denied" : "unavailable";
  return new Denied(kind);
}

function asked<T>(call: (options: Record<string, unknown>) => void, options: Record<string, unknown> = {}): Promise<T> {
  return new Promise((resolve, reject) => call({ ...options, success: resolve, fail: (why: unknown) => reject(denial(why)) }));
}

export const alipay: Wallet = {
  channel: "alipay",
  signsInAlone: true,
  phoneButton: "getAuthorize",

  async login() {
    const got = await asked<{ authCode: string }>(my.getAuthCode, { scopes: ["auth_base"] });
    return { channel: "alipay", body: { auth_code: got.authCode } };
  },

  async phone() {
    // The button only asks for the permission; the sealed number is fetched here and goes on unread.
    const got = await asked<{ response: string }>(my.getPhoneNumber);
    const sealed = JSON.parse(got.response) as Record<string, string>;
    return { response: sealed.response, sign: sealed.sign ?? "", sign_type: sealed.sign_type ?? "RSA2", encrypt_type: sealed.encrypt_type ?? "AES", charset: sealed.charset ?? "UTF-8" };
  },

  async payers() {
    return ["alipay"];
  },

  async pay(prepaid) {
    // A person who turns back is an answer here, not a failure.
    const got = await asked<{ resultCode?: string | number }>(my.tradePay, prepaid);
    if (String(got.resultCode) === GIVEN_UP) throw new Denied("cancelled");
  },

  opened(query) {
    // The code is told to the app that it starts, not to the page.
    return query.qrCode ?? my.getLaunchOptionsSync().query?.qrCode ?? null;
  },

  async scan() {
    return (await asked<{ code: string }>(my.scan, { scanType: ["qrCode", "barCode"] })).code;
  },

  async chooseImages({ count, from }) {
    const sourceType = from === "both" ? ["camera", "album"] : [from];
    const got = await asked<{ tempFilePaths?: string[]; apFilePaths?: string[] }>(my.chooseImage, { count, sourceType, sizeType: ["original"] });
    return Promise.all((got.tempFilePaths ?? got.apFilePaths ?? []).map(shrunk));
  },

  async bytes(path) {
    const files = my.getFileSystemManager();
    return (await asked<{ data: ArrayBuffer }>((options) => files.readFile(options), { filePath: path })).data;
  },

  ...keeper(() => my.getFileSystemManager(), asked),

  async subscribe(templates) {
    const got = await asked<{ result?: { subscribeEntityIds?: string[]; subscribedEntityIds?: string[] } }>(my.requestSubscribeMessage, { entityIds: templates });
    return got.result?.subscribedEntityIds ?? got.result?.subscribeEntityIds ?? [];
  },

  shareButton: "share",

  async share() {
    throw new Denied("unavailable"); // the wallet shares by its own button only
  },

  async visit(url) {
    await asked(my.setClipboard, { text: url }); // a mini-program opens pages of its own domains only
    return "copied";
  },

  brighten(bright) {
    if (bright && brightnessBefore === null) {
      my.getScreenBrightness({ success: (now: { brightness: number }) => (brightnessBefore = now.brightness) });
      my.setScreenBrightness({ brightness: 1 });
    } else if (!bright && brightnessBefore !== null) {
      my.setScreenBrightness({ brightness: brightnessBefore });
      brightnessBefore = null;
    }
    my.setKeepScreenOn({ keepScreenOn: bright });
  },

  async openPermissions() {
    await asked(my.openSetting);
    return true;
  },

  async handOver(_name, text) {
    await asked(my.setClipboard, { text });
    return "copied";
  },

  dress() {
    // The pages dress themselves; there is nothing around them.
  },
};
