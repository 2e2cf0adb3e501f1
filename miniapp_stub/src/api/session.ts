// Staying signed in: one renewal at a time, however many calls wait for it.
import { dropTokens, heldTokens, holdTokens, type Tokens } from "./tokens";
import { asTrouble, Trouble } from "./troubles";
import type { Schema } from "./types";
import { send } from "./wire";

const EARLY = 30_000;
let renewing: Promise<Tokens> | null = null;
let whenEnded: () => void = () => undefined;

/** Say what to do when the sign-in ended. */
export function onEnded(then: () => void): void {
  whenEnded = then;
}

/** A token that is good now. Trouble "ended" when nobody is signed in. */
export async function accessToken(refused?: string): Promise<string> {
  const held = heldTokens();
  if (!held) throw new Trouble("ended");
  if (held.access !== refused && held.endsAt - EARLY > Date.now()) return held.access;
  renewing ??= renewed(held).finally(() => (renewing = null));
  return (await renewing).access;
}

async function renewed(held: Tokens): Promise<Tokens> {
  try {
    holdTokens(await exchanged(held.refresh));
  } catch (thrown) {
    const trouble = asTrouble(thrown);
    // Another tab may have renewed first: then the newer pair is already here.
    const now = heldTokens();
    if (trouble.kind === "ended" && now && now.refresh !== held.refresh) return now;
    if (trouble.kind === "ended") forget();
    throw trouble;
  }
  return heldTokens() as Tokens;
}

async function exchanged(refresh: string): Promise<Schema<"MemberTokens">> {
  const once = () => send({ method: "POST", path: "/v1/sessions/refresh", header: { "Content-Type": "application/json" }, data: { refresh_token: refresh } });
  try {
    return (await once()) as Schema<"MemberTokens">;
  } catch (thrown) {
    // The answer may have got lost after the server renewed: for a few seconds the same token brings the same answer.
    if (asTrouble(thrown).kind !== "offline") throw thrown;
    return (await once()) as Schema<"MemberTokens">;
  }
}

/** Nobody is signed in any more. */
export function forget(): void {
  dropTokens();
  whenEnded();
}
