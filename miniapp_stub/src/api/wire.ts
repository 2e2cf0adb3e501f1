// One request over uni.request, and what may go wrong on the way. Knows nothing of sign-ins.
import { origin } from "./place";
import { Trouble, troubleOf } from "./troubles";

export interface Sent {
  method: string;
  path: string;
  header: Record<string, string>;
  data?: unknown;
}

const PATIENCE = 20_000;

function headerOf(header: unknown, name: string): string | undefined {
  const all = (header ?? {}) as Record<string, string>;
  const found = Object.keys(all).find((one) => one.toLowerCase() === name);
  return found ? String(all[found]) : undefined;
}

function parsed(data: unknown): unknown {
  if (typeof data !== "string" || data === "") return data || undefined;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** The answer's body, or the Trouble of an answer that is not 2xx. */
export function received(status: number, data: unknown, header: unknown): unknown {
  const body = parsed(data);
  if (status >= 200 && status < 300) return body;
  if (status === 0) throw new Trouble("offline");
  throw troubleOf(status, body, headerOf(header, "retry-after"));
}

/** Send and wait for the body. Throws Trouble only. */
export async function send(sent: Sent): Promise<unknown> {
  // wx.request knows no PATCH: it travels as a POST that says what it is.
  const patch = sent.method === "PATCH";
  const header = patch ? { ...sent.header, "X-HTTP-Method-Override": "PATCH" } : sent.header;
  const answer = await new Promise<UniApp.RequestSuccessCallbackResult>((resolve, reject) => {
    uni.request({
      url: origin() + sent.path,
      method: (patch ? "POST" : sent.method) as "GET",
      data: sent.data as string | undefined,
      header,
      timeout: PATIENCE,
      success: resolve,
      fail: (why) => reject(failed(why)),
    });
  });
  return received(answer.statusCode, answer.data, answer.header);
}

/** A request that never came back. Some wallets call an answer of 4xx a failure too. */
export function failed(why: unknown): Trouble {
  const { statusCode, status, data, header } = (why ?? {}) as { statusCode?: number; status?: number; data?: unknown; header?: unknown };
  const code = statusCode ?? status ?? 0;
  return code >= 400 ? troubleOf(code, parsed(data), headerOf(header, "retry-after")) : new Trouble("offline");
}
