// Every call of the pages, typed from docs/openapi.json.
import { keyed } from "./keys";
import { answersPayers, dropPayer, heldPayer, type Payer } from "./payer";
import { mallCode, origin } from "./place";
import { accessToken, forget } from "./session";
import { heldTokens } from "./tokens";
import { asTrouble } from "./troubles";
import type { Address, Answer, Given, Method } from "./types";
import { failed, send } from "./wire";

interface Loose {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  key?: string;
}

const DEVICE = "device";

/** This device, as the API counts it. */
export function device(): string {
  const kept = uni.getStorageSync(DEVICE) as string;
  if (kept) return kept;
  const made = keyed();
  uni.setStorageSync(DEVICE, made);
  return made;
}

function filled(address: string, path: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const named = { mall_code: mallCode(), ...path } as Record<string, unknown>;
  const where = address.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(named[name])));
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return asked.length ? `${where}?${asked.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}` : where;
}

function isPublic(address: string): boolean {
  return address.startsWith("/v1/malls/") || address.startsWith("/v1/plates/");
}

/** Run with the token of somebody who pays without being a member; it is not renewed: the wallet is asked again. */
async function paying<T>(payer: Payer, run: (header: Record<string, string>) => Promise<T>): Promise<T> {
  try {
    return await run({ Authorization: `Bearer ${payer.access}` });
  } catch (thrown) {
    if (asTrouble(thrown).kind === "ended") dropPayer();
    throw thrown;
  }
}

/** Run with a good token; when the server says that it ended, renew once and run again. */
export async function signed<T>(run: (header: Record<string, string>) => Promise<T>): Promise<T> {
  const token = await accessToken();
  try {
    return await run({ Authorization: `Bearer ${token}` });
  } catch (thrown) {
    if (asTrouble(thrown).kind !== "ended") throw thrown;
    const next = await accessToken(token);
    return await run({ Authorization: `Bearer ${next}` }).catch((again) => {
      if (asTrouble(again).kind === "ended") forget();
      throw again;
    });
  }
}

function outcomeUnknown(thrown: unknown): never {
  throw asTrouble(thrown).ofKeyed();
}

/** Ask the API. Throws Trouble only. A POST that gives value wants `key`; see useAction. */
export async function call<M extends Method, P extends Address<M>>(method: M, address: P, given?: Given<P, M>): Promise<Answer<P, M>> {
  const { path, query, body, key } = (given ?? {}) as Loose;
  const header: Record<string, string> = { "X-Device-Id": device(), Accept: "application/json" };
  if (body !== undefined) header["Content-Type"] = "application/json";
  if (key) header["Idempotency-Key"] = key;
  const sent = { method: method.toUpperCase(), path: filled(address, path, query), data: body };
  const proven = (proof: Record<string, string>) => send({ ...sent, header: { ...header, ...proof } });
  const payer = !isSignedIn() && answersPayers(address) ? heldPayer() : null;
  const asked = isPublic(address) ? send({ ...sent, header }) : payer ? paying(payer, proven) : signed(proven);
  return (await (key ? asked.catch(outcomeUnknown) : asked)) as Answer<P, M>;
}

/** Whether somebody is signed in on this device. */
export function isSignedIn(): boolean {
  return heldTokens() !== null;
}

/** A picture that only its owner may see, as a path that <image> can show. */
export function picture(path: string): Promise<string> {
  return signed(
    (header) =>
      new Promise<string>((resolve, reject) => {
        uni.downloadFile({
          url: origin() + path,
          header,
          success: (got) => (got.statusCode === 200 ? resolve(got.tempFilePath) : reject(failed(got))),
          fail: (why) => reject(failed(why)),
        });
      }),
  );
}
