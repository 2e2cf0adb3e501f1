import { ref, type Ref } from "vue";
import { call } from "@/api/client";
import { asTrouble } from "@/api/troubles";
import { useAction, type Action } from "./action";
import { solve, type Challenge, type Solution } from "./challenge";

/** A challenge may have ended, or grown, while it was computed; then the fresh one is solved, too. */
const TRIES = 3;

/** Asking for a code to a phone. `checking` holds while the phone computes what a busy address is asked for. */
export function useTexted(): { sending: Action<[number: string], boolean>; checking: Ref<boolean> } {
  const checking = ref(false);

  async function send(phone: string): Promise<boolean> {
    let solution: Solution | undefined;
    for (let tries = 1; ; tries += 1) {
      try {
        await call("post", "/v1/malls/{mall_code}/sign-in/phone-codes", { body: { phone, ...(solution ? { solution } : {}) } });
        return true;
      } catch (thrown) {
        const trouble = asTrouble(thrown);
        if (trouble.slug !== "challenge-needed" || tries === TRIES) throw trouble;
        checking.value = true;
        const solved = await solve(trouble.facts.challenge as Challenge);
        if (!solved) throw trouble;
        solution = solved;
      } finally {
        checking.value = false;
      }
    }
  }

  return { sending: useAction((_key: string, number: string) => send(number)), checking };
}
