import { beforeEach, describe, expect, it, vi } from "vitest";
import { Trouble } from "@/api/troubles";
import { makeQueue, type Ports, type Sending } from "@/lib/queue";

vi.hoisted(() => vi.stubGlobal("uni", { getStorageSync: () => "" }));

/** A phone with a storage that outlives the app, a clock and a connection that can be cut. */
class Phone {
  stored = "[]";
  clock = 1_000;
  owner = 7;
  removed = new Set<string>();
  discarded: string[] = [];
  sent: { paths: string[]; key: string }[] = [];
  arrived: [string, number][] = [];
  timers: [number, () => void][] = [];
  answers: (number | Trouble | "hang")[] = [];
  private keys = 0;

  ports(): Ports {
    return {
      read: () => JSON.parse(this.stored) as Sending[],
      write: (all) => (this.stored = JSON.stringify(all)),
      now: () => this.clock,
      after: (pause, then) => this.timers.push([this.clock + pause, then]),
      owner: () => this.owner,
      key: () => `key-${++this.keys}`,
      paths: async (photos) => (photos.some((one) => this.removed.has(one)) ? null : photos.map((one) => `blob:${one}`)),
      discard: async (photos) => void this.discarded.push(...photos),
      send: async (paths, key, progress) => {
        this.sent.push({ paths, key });
        progress(50);
        const answer = this.answers.shift() ?? 41;
        if (answer === "hang") return new Promise<number>(() => undefined);
        if (answer instanceof Trouble) throw answer;
        return answer;
      },
      changed: () => undefined,
      arrived: (one, receipt) => this.arrived.push([one.key, receipt]),
    };
  }

  all(): Sending[] {
    return JSON.parse(this.stored) as Sending[];
  }

  /** Let so much time pass: timers that are due run. */
  async pass(milliseconds: number): Promise<void> {
    this.clock += milliseconds;
    const due = this.timers.filter(([at]) => at <= this.clock);
    this.timers = this.timers.filter(([at]) => at > this.clock);
    due.forEach(([, then]) => then());
    await settle();
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const offline = () => new Trouble("offline");
const refused = () => new Trouble("refusal", 422, { type: "/problems/not-a-picture" });

describe("the queue of receipts on their way", () => {
  let phone: Phone;
  beforeEach(() => {
    phone = new Phone();
  });

  it("sends what is added, tells where it arrived and lets the photos go", async () => {
    const key = makeQueue(phone.ports()).add(["a", "b"]);
    await settle();
    expect(phone.sent).toEqual([{ paths: ["blob:a", "blob:b"], key }]);
    expect(phone.arrived).toEqual([[key, 41]]);
    expect([phone.all(), phone.discarded]).toEqual([[], ["a", "b"]]);
  });

  it("sends one after the other", async () => {
    phone.answers = ["hang"];
    const queue = makeQueue(phone.ports());
    queue.add(["a"]);
    queue.add(["b"]);
    await settle();
    expect(phone.sent.length).toBe(1);
    expect(phone.all().map((one) => one.state)).toEqual(["sending", "waiting"]);
  });

  it("tries again by itself with the same key, later and later", async () => {
    phone.answers = [offline(), offline()];
    const key = makeQueue(phone.ports()).add(["a"]);
    await settle();
    expect(phone.all()[0].due).toBe(3_000);
    await phone.pass(2_000);
    expect(phone.all()[0].due).toBe(7_000);
    await phone.pass(4_000);
    expect(phone.sent.map((one) => one.key)).toEqual([key, key, key]);
    expect(phone.arrived.length).toBe(1);
  });

  it("goes on after a restart, with the same key, what was under way", async () => {
    phone.answers = ["hang"];
    const key = makeQueue(phone.ports()).add(["a"]);
    await settle();
    expect(phone.all()[0].state).toBe("sending");
    makeQueue(phone.ports()).wake();
    await settle();
    expect(phone.sent.map((one) => one.key)).toEqual([key, key]);
    expect(phone.arrived).toEqual([[key, 41]]);
  });

  it("keeps what failed in the list until somebody retries, with the same key", async () => {
    phone.answers = Array.from({ length: 5 }, offline);
    const queue = makeQueue(phone.ports());
    const key = queue.add(["a"]);
    await settle();
    for (let i = 0; i < 6; i++) await phone.pass(60_000);
    expect([phone.sent.length, phone.all()[0].state, phone.all()[0].final]).toEqual([5, "failed", false]);
    queue.retry(key);
    await settle();
    expect(phone.arrived).toEqual([[key, 41]]);
  });

  it("tries at once when the connection is back", async () => {
    phone.answers = Array.from({ length: 5 }, offline);
    const queue = makeQueue(phone.ports());
    queue.add(["a"]);
    for (let i = 0; i < 6; i++) await phone.pass(60_000);
    queue.wake();
    await settle();
    expect(phone.arrived.length).toBe(1);
  });

  it("does not send again what the mall refused", async () => {
    phone.answers = [refused()];
    const queue = makeQueue(phone.ports());
    const key = queue.add(["a"]);
    await settle();
    expect(phone.all()[0]).toMatchObject({ state: "failed", final: true });
    queue.retry(key);
    queue.wake();
    await settle();
    expect(phone.sent.length).toBe(1);
    await queue.remove(key);
    expect([phone.all(), phone.discarded]).toEqual([[], ["a"]]);
  });

  it("waits as long as a busy mall asks for", async () => {
    phone.answers = [new Trouble("server", 503, {}, 30)];
    makeQueue(phone.ports()).add(["a"]);
    await settle();
    await phone.pass(29_000);
    expect(phone.sent.length).toBe(1);
    await phone.pass(1_000);
    expect(phone.arrived.length).toBe(1);
  });

  it("waits for its own member and never goes under another name", async () => {
    phone.answers = [new Trouble("ended", 401)];
    const queue = makeQueue(phone.ports());
    queue.add(["a"]);
    await settle();
    phone.owner = 8;
    queue.wake();
    await settle();
    expect(phone.sent.length).toBe(1);
    phone.owner = 7;
    queue.wake();
    await settle();
    expect(phone.arrived.length).toBe(1);
  });

  it("says that a photo is gone which the phone has removed", async () => {
    phone.removed.add("a");
    makeQueue(phone.ports()).add(["a"]);
    await settle();
    expect([phone.sent.length, phone.all()[0].final, phone.all()[0].trouble?.facts.type]).toEqual([0, true, "photo-gone"]);
  });

  it("lets photos go that have waited for two weeks", async () => {
    phone.owner = 0;
    makeQueue(phone.ports()).add(["a"]);
    phone.clock += 15 * 86_400_000;
    makeQueue(phone.ports());
    await settle();
    expect([phone.all(), phone.discarded]).toEqual([[], ["a"]]);
  });

  it("is not brought back by an answer after it was removed", async () => {
    phone.answers = [offline()];
    const queue = makeQueue(phone.ports());
    const key = queue.add(["a"]);
    await queue.remove(key);
    await settle();
    expect(phone.all()).toEqual([]);
  });
});
