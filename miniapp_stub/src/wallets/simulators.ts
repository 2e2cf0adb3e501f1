// Development in a browser: the simulators stand in for the wallets, and a chooser says whose phone this is.
import { mallCode, origin } from "@/api/place";
import type { Proof } from "./wallet";

export interface Simulators {
  wechat?: string;
  alipay?: string;
}

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

/** The simulators of this development server; none in production or in a wallet. */
export function simulators(): Promise<Simulators> {
  // #ifdef H5
  known ??= ask<{ simulators?: Simulators }>(`${origin()}/m/${mallCode()}/settings.json`)
    .then((told) => told.simulators ?? {})
    .catch(() => ({}));
  return known;
  // #endif
  // #ifndef H5
  return Promise.resolve({});
  // #endif
}

/** What this person's phone would give for signing in. */
export async function proofOf(channel: "wechat" | "alipay", person: string): Promise<Proof> {
  const all = await simulators();
  if (channel === "wechat") {
    const got = await ask<{ js_code: string }>(`${all.wechat}/_sim/login-code`, { person });
    return { channel, body: { js_code: got.js_code } };
  }
  const got = await ask<{ code: string }>(`${all.alipay}/_sim/auth-code`, { person });
  return { channel, body: { auth_code: got.code } };
}

/** What the phone button of this person's wallet would give. */
export async function phoneOf(channel: "wechat" | "alipay", person: string): Promise<Record<string, string>> {
  const all = await simulators();
  return channel === "wechat" ? ask(`${all.wechat}/_sim/phone-code`, { person }) : ask(`${all.alipay}/_sim/phone-payload`, { person });
}
