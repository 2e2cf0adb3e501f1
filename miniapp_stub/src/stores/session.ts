import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { call, isSignedIn } from "@/api/client";
import { forget, onEnded } from "@/api/session";
import { holdTokens } from "@/api/tokens";
import type { Schema } from "@/api/types";
import { forgetDrafts } from "@/lib/draft";
import { forgetSeen } from "@/lib/seen";
import { goSignIn } from "@/lib/ways";
import type { Proof } from "@/wallets";

/** Version of the privacy text of pages/privacy that a person agrees to when joining. */
export const CONSENT_VERSION = "1";

/** Who is signed in. Pages that show a member's things watch `since`: it changes with every sign-in and sign-out. */
export const useSession = defineStore("session", () => {
  const signedIn = ref(isSignedIn());
  const member = ref<Schema<"Member"> | null>(null);
  const since = ref(0);
  /** The channel of the last sign-in on this device: the likeliest one to pay by. */
  const channel = ref(uni.getStorageSync("channel") as string);
  const isMember = computed(() => signedIn.value);

  function ended(): void {
    const was = signedIn.value;
    signedIn.value = false;
    member.value = null;
    since.value += 1;
    forgetSeen();
    if (was) goSignIn("ended");
  }
  onEnded(ended);

  function entered(answer: Schema<"SignedIn">): void {
    holdTokens(answer);
    member.value = answer.member;
    signedIn.value = true;
    since.value += 1;
  }

  /** Sign in, or join when the person is new. */
  async function signIn(proof: Proof): Promise<Schema<"SignedIn">> {
    const arrival = { consent_version: CONSENT_VERSION };
    const body = { ...arrival, ...proof.body } as never;
    const answer = await call("post", `/v1/malls/{mall_code}/sign-in/${proof.channel}` as "/v1/malls/{mall_code}/sign-in/wechat", { body });
    entered(answer);
    channel.value = proof.channel;
    uni.setStorageSync("channel", proof.channel);
    return answer;
  }

  /** The tokens and the member after a phone was joined: a folded account changes who one is. */
  function became(answer: Schema<"PhoneJoined">): void {
    holdTokens(answer);
    member.value = answer.member;
    since.value += 1;
  }

  /** Sign out on this device. The server hears of it if it can. */
  async function signOut(): Promise<void> {
    signedIn.value = false;
    forgetDrafts();
    await call("delete", "/v1/sessions/current").catch(() => undefined);
    forget();
  }

  return { signedIn, isMember, member, since, channel, signIn, signOut, became };
});
