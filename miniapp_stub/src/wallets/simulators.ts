// Development in a browser: the simulators stand in for the wallets, and a chooser says whose phone this is. Mini-programs know none of it.
import { mallCode, origin } from "@/api/place";
import { t } from "@/i18n";
import { Denied, type Payer, type Proof } from "./wallet";

export interface Simulators {
  wechat?: string;
  alipay?: string;
}

type Stand = Payer;

interface Chooser {
  /** The simulators of this development server; none in production. */
  simulators(): Promise<Simulators>;
  /** What this person's wallet would give for signing in. */
  proofOf(channel: Stand, person: string): Promise<Proof>;
  /** What the phone button of this person's wallet would give. */
  phoneOf(channel: Stand, person: string): Promise<Record<string, string>>;
  /** The wallets that are stood in for. */
  standIns(): Promise<Payer[]>;
  /** Ask the person, as the wallet would ask for the password, and pay. Denied when the person turns back. */
  paidBy(by: Payer, prepaid: Record<string, string>): Promise<void>;
}

let chooser: Chooser = {
  simulators: () => Promise.resolve({}),
  proofOf: () => Promise.reject(new Denied("unavailable")),
  phoneOf: () => Promise.reject(new Denied("unavailable")),
  standIns: () => Promise.resolve([]),
  paidBy: () => Promise.reject(new Denied("unavailable")),
};

// #ifdef H5
function ask<T>(url: string, data?: object): Promise<T> {
  return new Promise((resolve, reject) => {
    uni.request({
      url,
      data,
      method: data ? "POST" : "GET",
      header: data ? { "Content-Type": "application/json" } : {},
      success: (got) => (got.statusCode === 200 ? resolve(got.data as T) : reject(new Error(String(got.statusCode)))),
      fail: (why) => reject(new Error(why.errMsg)),
    });
  });
}

let known: Promise<Simulators> | null = null;

function found(): Promise<Simulators> {
  known ??= ask<{ simulators?: Simulators }>(`${origin()}/m/${mallCode()}/settings.json`)
    .then((told) => told.simulators ?? {})
    .catch(() => {
      known = null;
      return {};
    });
  return known;
}

chooser = {
  simulators: found,

  async proofOf(channel, person): Promise<Proof> {
    const all = await found();
    if (channel === "wechat") {
      const got = await ask<{ js_code: string }>(`${all.wechat}/_sim/login-code`, { person });
      return { channel, body: { js_code: got.js_code } };
    }
    const got = await ask<{ code: string }>(`${all.alipay}/_sim/auth-code`, { person });
    return { channel, body: { auth_code: got.code } };
  },

  async phoneOf(channel, person) {
    const all = await found();
    return channel === "wechat" ? ask(`${all.wechat}/_sim/phone-code`, { person }) : ask(`${all.alipay}/_sim/phone-payload`, { person });
  },

  async standIns() {
    const all = await found();
    return (["wechat", "alipay"] as const).filter((wallet) => all[wallet]);
  },

  async paidBy(by, prepaid) {
    const origin = (await found())[by];
    if (!origin) throw new Denied("unavailable");
    if (!(await agreed(by))) throw new Denied("cancelled");
    await ask(`${origin}/_sim/pay`, by === "alipay" ? { trade_no: prepaid.tradeNO } : prepaid);
  },
};

function agreed(by: Payer): Promise<boolean> {
  const words = { title: t(`pay.stand.${by}`), content: t("pay.stand.ask"), confirmText: t("pay.stand.yes"), cancelText: t("pay.stand.no") };
  return new Promise((resolve) => uni.showModal({ ...words, success: (said) => resolve(said.confirm), fail: () => resolve(false) }));
}
// #endif

export const { simulators, proofOf, phoneOf, standIns, paidBy } = chooser;
