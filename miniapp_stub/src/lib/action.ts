import { reactive, ref, shallowRef } from "vue";
import { keyed } from "@/api/keys";
import { asTrouble, type Trouble } from "@/api/troubles";

export interface Action<A extends unknown[], R> {
  readonly busy: boolean;
  readonly trouble: Trouble | null;
  run(...given: A): Promise<R | undefined>;
  /** The same again, with the same key if its outcome is unknown. */
  again(): Promise<R | undefined>;
  clear(): void;
}

/**
 * Something the person does. A second tap while it runs does nothing. The Idempotency-Key is made at the first try and kept while
 * the outcome is unknown (offline, server trouble), so that trying again counts once; other arguments are another action.
 */
export function useAction<A extends unknown[], R>(act: (key: string, ...given: A) => Promise<R>): Action<A, R> {
  const busy = ref(false);
  const trouble = shallowRef<Trouble | null>(null);
  let key = "";
  let about = "";
  let last: A | null = null;

  async function run(...given: A): Promise<R | undefined> {
    if (busy.value) return undefined;
    const now = JSON.stringify(given);
    if (!key || about !== now) [key, about] = [keyed(), now];
    last = given;
    busy.value = true;
    trouble.value = null;
    try {
      const answer = await act(key, ...given);
      key = "";
      return answer;
    } catch (thrown) {
      trouble.value = asTrouble(thrown);
      if (!trouble.value.mayRetry && trouble.value.kind !== "ended") key = "";
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

  return reactive({ run, again, clear, busy, trouble }) as Action<A, R>;
}
