import { computed, reactive, ref, shallowRef, watch } from "vue";
import { asTrouble, type Trouble } from "@/api/troubles";
import { useSession } from "@/stores/session";
import { seen } from "./seen";

export interface LoadOptions {
  /** Keep what was seen under this name, and show it, with its age, while there is no connection. */
  name?: string;
  /** Only for members: does nothing while nobody is signed in, and loads again after a sign-in. */
  members?: boolean;
}

export interface Loaded<T> {
  readonly value: T | null;
  /** When it was loaded, in milliseconds since 1970. */
  readonly at: number | null;
  readonly trouble: Trouble | null;
  readonly busy: boolean;
  /** Nothing to show yet: a skeleton. */
  readonly waiting: boolean;
  /** What is shown is older than the last try: mark its age. */
  readonly stale: boolean;
  load(): Promise<void>;
}

/** One thing from the server: skeleton (`waiting`) → `value`, or `trouble`. A failed reload leaves the old value and says how old it is (`at`). */
export function useLoad<T>(fetch: () => Promise<T>, options: LoadOptions = {}): Loaded<T> {
  const session = useSession();
  const kept = options.name ? seen.read<T>(options.name) : null;
  const value = shallowRef<T | null>(kept?.value ?? null);
  const at = ref<number | null>(kept?.at ?? null);
  const trouble = shallowRef<Trouble | null>(null);
  const busy = ref(false);
  let turn = 0;

  async function load(): Promise<void> {
    if (options.members && !session.signedIn) return;
    const mine = ++turn;
    busy.value = true;
    try {
      const got = await fetch();
      if (mine !== turn) return;
      value.value = got;
      at.value = Date.now();
      trouble.value = null;
      if (options.name) seen.keep(options.name, got);
    } catch (thrown) {
      if (mine === turn) trouble.value = asTrouble(thrown);
    } finally {
      if (mine === turn) busy.value = false;
    }
  }

  watch(
    () => session.since,
    () => {
      if (!options.members) return;
      value.value = null;
      at.value = null;
      trouble.value = null;
      void load();
    },
  );

  const waiting = computed(() => value.value === null && trouble.value === null);
  const stale = computed(() => value.value !== null && trouble.value !== null);
  return reactive({ value, at, trouble, busy, waiting, stale, load }) as Loaded<T>;
}

export interface PageOf<T> {
  items: T[];
  next_cursor?: string | null;
}

export interface LoadedPages<T> extends Omit<Loaded<T[]>, "value"> {
  readonly items: T[];
  readonly hasMore: boolean;
  readonly adding: boolean;
  readonly moreTrouble: Trouble | null;
  more(): Promise<void>;
}

/** A list that grows page by page. `load` starts again, `more` adds the next page. */
export function usePages<T>(fetch: (cursor: string | undefined) => Promise<PageOf<T>>, options: LoadOptions = {}): LoadedPages<T> {
  const extra = shallowRef<T[]>([]);
  const cursor = ref<string | null>(null);
  const adding = ref(false);
  const moreTrouble = shallowRef<Trouble | null>(null);
  const first = useLoad(async () => {
    const page = await fetch(undefined);
    extra.value = [];
    cursor.value = page.next_cursor ?? null;
    return page.items;
  }, options);
  const items = computed<T[]>(() => [...(first.value ?? []), ...extra.value]);

  async function more(): Promise<void> {
    if (!cursor.value || adding.value) return;
    adding.value = true;
    const from = cursor.value;
    try {
      const page = await fetch(from);
      if (cursor.value !== from) return;
      extra.value = [...extra.value, ...page.items];
      cursor.value = page.next_cursor ?? null;
      moreTrouble.value = null;
    } catch (thrown) {
      moreTrouble.value = asTrouble(thrown);
    } finally {
      adding.value = false;
    }
  }

  const hasMore = computed(() => cursor.value !== null);
  const { load } = first;
  const of = <K extends keyof Loaded<T[]>>(name: K) => computed(() => first[name]);
  const parts = { at: of("at"), trouble: of("trouble"), busy: of("busy"), waiting: of("waiting"), stale: of("stale"), load };
  return reactive({ ...parts, items, hasMore, adding, moreTrouble, more }) as LoadedPages<T>;
}
