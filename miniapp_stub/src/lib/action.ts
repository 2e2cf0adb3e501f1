import { reactive, ref, shallowRef } from "vue";
import { keyed } from "@/api/keys";
import { asTrouble, Trouble } from "@/api/troubles";

export interface Action<A extends unknown[], R> {
  readonly busy: boolean;
  /** What went wrong; of kind "asking" while the outcome is asked for, "unknown" when that ended without one. */
  readonly trouble: Trouble | null;
  run(...given: A): Promise<R | undefined>;
  /** The same again, with the same key if its outcome is unknown. */
  again(): Promise<R | undefined>;
  clear(): void;
  /** The person has looked at what came of it: what is done next is another action. */
  forget(): void;
}

interface Unsettled {
  key: string;
  given: unknown[];
  trouble: Trouble;
}

/** After so many milliseconds an unknown outcome is asked for again; then a person decides. */
export const PAUSES: readonly number[] = [1_000, 2_000, 4_000, 8_000, 8_000];
/** Actions whose outcome is unknown, by their name: they outlive the sheet or page they were begun on. */
const unsettled = new Map<string, Unsettled>();

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Something the person does. A second tap while it runs does nothing. The Idempotency-Key is made at the first try and kept while
 * the outcome is unknown, so that trying again counts once; other arguments are another action. An act that sent its key and got no
 * outcome (the line was cut, the first request still runs) is asked for again by itself. With a `name` an outcome that stays unknown
 * is not forgotten with the page: whoever opens it again finds it.
 */
export function useAction<A extends unknown[], R>(act: (key: string, ...given: A) => Promise<R>, name = ""): Action<A, R> {
  const open = unsettled.get(name);
  const busy = ref(false);
  const trouble = shallowRef<Trouble | null>(open?.trouble ?? null);
  let key = open?.key ?? "";
  let last = (open?.given as A | undefined) ?? null;
  let about = open ? JSON.stringify(open.given) : "";

  function settle(): void {
    key = "";
    unsettled.delete(name);
  }

  async function asked(given: A): Promise<R> {
    for (const wait of PAUSES) {
      try {
        return await act(key, ...given);
      } catch (thrown) {
        const { kind, retryAfter } = asTrouble(thrown);
        if (kind !== "unknown") throw thrown;
        trouble.value = new Trouble("asking");
        await pause(Math.max(wait, (retryAfter ?? 0) * 1000));
      }
    }
    return act(key, ...given);
  }

  async function run(...given: A): Promise<R | undefined> {
    if (busy.value) return undefined;
    const now = JSON.stringify(given);
    if (!key || about !== now) [key, about] = [keyed(), now];
    last = given;
    busy.value = true;
    trouble.value = null;
    try {
      const answer = await asked(given);
      settle();
      trouble.value = null;
      return answer;
    } catch (thrown) {
      trouble.value = asTrouble(thrown);
      if (!trouble.value.mayRetry && trouble.value.kind !== "ended") settle();
      else if (name && trouble.value.kind === "unknown") unsettled.set(name, { key, given, trouble: trouble.value });
      return undefined;
    } finally {
      busy.value = false;
    }
  }

  function again(): Promise<R | undefined> {
    return last ? run(...last) : Promise.resolve(undefined);
  }

  function clear(): void {
    trouble.value = null;
  }

  function forget(): void {
    settle();
    clear();
  }

  return reactive({ run, again, clear, forget, busy, trouble }) as Action<A, R>;
}
