// Receipts on their way to the mall: kept over a lost connection and a restart, each with one Idempotency-Key for all its tries.
import { asTrouble, Trouble } from "@/api/troubles";

/** waiting: to be sent, now or at `due`. failed: the person must do something (`final`: sending it again cannot help). */
export type SendingState = "waiting" | "sending" | "failed";

export interface Sending {
  /** The Idempotency-Key, and the name of this sending. */
  key: string;
  /** Number of the member who sends it. */
  owner: number;
  /** Names of its photos, in order. */
  photos: string[];
  state: SendingState;
  percent: number;
  tries: number;
  /** When it is tried again by itself, in milliseconds since 1970. */
  due: number;
  madeAt: number;
  trouble: { kind: Trouble["kind"]; status: number; facts: Trouble["facts"]; retryAfter: number | null } | null;
  final: boolean;
}

/** What the queue needs of the world. */
export interface Ports {
  read(): Sending[];
  write(all: Sending[]): void;
  now(): number;
  after(milliseconds: number, then: () => void): void;
  /** Who is signed in; 0 for nobody. */
  owner(): number;
  key(): string;
  /** Paths of the photos, or null when the phone has removed one. */
  paths(photos: string[]): Promise<string[] | null>;
  discard(photos: string[]): Promise<void>;
  send(paths: string[], key: string, progress: (percent: number) => void): Promise<number>;
  changed(all: Sending[]): void;
  arrived(sent: Sending, receipt: number): void;
}

export interface Queue {
  add(photos: string[]): string;
  retry(key: string): void;
  remove(key: string): Promise<void>;
  /** Something may have changed for the better (a connection, a sign-in, the app came back): try what waits. */
  wake(): void;
}

const TRIES = 5;
const FIRST_PAUSE = 2_000;
const KEPT = 14 * 86_400_000;
const NEVER = Number.MAX_SAFE_INTEGER;
const GONE = "photo-gone";

/** A queue that goes on with what an earlier run left. One sending at a time: a phone has one bar of signal. */
export function makeQueue(ports: Ports): Queue {
  const stored = ports.read();
  // Too old to be counted by any mall, or of somebody who never came back: its photos do not stay on the phone for ever.
  stored.filter((one) => ports.now() - one.madeAt > KEPT).forEach((one) => void ports.discard(one.photos));
  // What was under way when the app ended is sent again with its key: the mall counts it once.
  let all = stored.filter((one) => ports.now() - one.madeAt <= KEPT).map((one): Sending => (one.state === "sending" ? { ...one, state: "waiting", percent: 0, due: 0 } : one));
  let running = false;

  function keep(): void {
    ports.write(all);
    ports.changed(all);
  }

  function change(key: string, values: Partial<Sending>): void {
    all = all.map((one) => (one.key === key ? { ...one, ...values } : one));
    keep();
  }

  function next(): Sending | undefined {
    const owner = ports.owner();
    return all.find((one) => one.state === "waiting" && one.owner === owner && owner !== 0 && one.due <= ports.now());
  }

  async function pump(): Promise<void> {
    if (running) return;
    running = true;
    try {
      for (let one = next(); one; one = next()) await carry(one);
    } finally {
      running = false;
    }
  }

  async function carry(one: Sending): Promise<void> {
    change(one.key, { state: "sending", percent: 0, tries: one.tries + 1, trouble: null });
    try {
      const paths = await ports.paths(one.photos);
      if (!paths) throw new Trouble("refusal", 0, { type: GONE });
      const receipt = await ports.send(paths, one.key, (percent) => all.some((there) => there.key === one.key && there.state === "sending") && change(one.key, { percent }));
      ports.arrived(one, receipt);
      await drop(one.key);
    } catch (thrown) {
      failed(one, asTrouble(thrown));
    }
  }

  function failed(one: Sending, trouble: Trouble): void {
    if (!all.some((there) => there.key === one.key)) return; // removed meanwhile
    const { kind, status, facts, retryAfter } = trouble;
    const said = { kind, status, facts, retryAfter };
    const busy = trouble.mayRetry || status === 429 || status === 503;
    // Nobody is signed in any more: it waits to be woken by a sign-in, without counting the try.
    if (kind === "ended") change(one.key, { state: "waiting", tries: one.tries, due: NEVER, trouble: said });
    else if (busy && one.tries + 1 < TRIES) {
      const pause = retryAfter ? retryAfter * 1000 : FIRST_PAUSE * 2 ** one.tries;
      change(one.key, { state: "waiting", due: ports.now() + pause, trouble: said });
      ports.after(pause, () => void pump());
    } else change(one.key, { state: "failed", trouble: said, final: !busy });
  }

  async function drop(key: string): Promise<void> {
    const one = all.find((there) => there.key === key);
    all = all.filter((there) => there.key !== key);
    keep();
    if (one) await ports.discard(one.photos);
  }

  function add(photos: string[]): string {
    const fresh = { key: ports.key(), owner: ports.owner(), photos, state: "waiting" as const, percent: 0, tries: 0, due: 0 };
    all = [...all, { ...fresh, madeAt: ports.now(), trouble: null, final: false }];
    keep();
    void pump();
    return fresh.key;
  }

  function retry(key: string): void {
    if (!all.some((one) => one.key === key && one.state !== "sending" && !one.final)) return;
    change(key, { state: "waiting", tries: 0, due: 0, trouble: null });
    void pump();
  }

  function wake(): void {
    all = all.map((one) => (one.state === "waiting" || (one.state === "failed" && !one.final && one.trouble?.kind === "offline") ? { ...one, state: "waiting", due: 0 } : one));
    keep();
    void pump();
  }

  keep();
  return { add, retry, remove: drop, wake };
}
