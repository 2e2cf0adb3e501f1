import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Phone, problem, type Answer } from "./phone";

vi.hoisted(() => {
  vi.stubGlobal("location", { pathname: "/m/demo/" });
  vi.stubGlobal("uni", { getStorageSync: () => "" });
});
const { useAction, PAUSES } = await import("@/lib/action");
const { call } = await import("@/api/client");
const { say } = await import("@/api/troubles");
const { speak } = await import("@/i18n");
const { Trouble } = await import("@/api/troubles");
const { keyOf, forgetKey } = await import("@/api/keys");

const HEX = /^[0-9a-f]{32}$/;

describe("an action", () => {
  let keys: string[];
  let answers: (string | InstanceType<typeof Trouble>)[];
  const make = () =>
    useAction(async (key: string, _what: string) => {
      keys.push(key);
      const answer = answers.shift() ?? "done";
      if (answer instanceof Trouble) throw answer;
      return answer;
    });
  beforeEach(() => {
    keys = [];
    answers = [];
  });

  it("does nothing twice while it runs", async () => {
    const action = make();
    const both = await Promise.all([action.run("a"), action.run("a")]);
    expect(both).toEqual(["done", undefined]);
    expect(keys).toHaveLength(1);
  });

  it("keeps its key while the outcome is unknown, and takes a new one afterwards", async () => {
    const action = make();
    answers = [new Trouble("offline"), new Trouble("server", 502), "done"];
    await action.run("a");
    await action.again();
    await action.again();
    await action.run("a");
    expect(keys[0]).toMatch(HEX);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
  });

  it("keeps its key over a sign-in that ended in the middle", async () => {
    const action = make();
    answers = [new Trouble("ended", 401)];
    await action.run("a");
    await action.run("a");
    expect(keys[1]).toBe(keys[0]);
  });

  it("takes a new key after a refusal and for other words", async () => {
    const action = make();
    answers = [new Trouble("refusal", 409), new Trouble("offline")];
    await action.run("a");
    await action.run("a");
    await action.run("b");
    expect(new Set(keys).size).toBe(3);
    expect(action.trouble).toBeNull();
  });
});

describe("an act whose outcome is unknown", () => {
  const UNFINISHED = problem(409, "request-unfinished");
  const PLACED: Answer = { status: 201, body: { order: { number: "n1" } } };
  const LONG = PAUSES.reduce((sum, wait) => sum + wait, 0) + 1_000;
  let phone: Phone;
  const place = (name = "") => useAction((key: string, fen: number) => call("post", "/v1/orders", { key, body: { expected_fen: fen } as never }), name);
  const keysSent = () => phone.asked.map((one) => one.header["Idempotency-Key"]);
  const settled = async <T>(running: Promise<T>): Promise<T> => {
    await vi.advanceTimersByTimeAsync(LONG);
    return running;
  };

  beforeEach(() => {
    vi.useFakeTimers();
    phone = new Phone();
    phone.signIn(90_000);
  });
  afterEach(() => void vi.useRealTimers());

  it("is asked for again by itself with the same key until it ends, and is never said to have failed", async () => {
    phone.answers = ["lost", UNFINISHED, UNFINISHED, PLACED];
    const placing = place();
    const running = placing.run(2_000);
    await vi.advanceTimersByTimeAsync(PAUSES[0] + 500);
    expect([placing.busy, placing.trouble?.kind]).toEqual([true, "asking"]);
    expect(say(placing.trouble!).what).toBe("正在确认这一步的结果。");
    expect((await settled(running))?.order.number).toBe("n1");
    expect([placing.busy, placing.trouble]).toEqual([false, null]);
    expect(keysSent()).toHaveLength(4);
    expect(new Set(keysSent()).size).toBe(1);
  });

  it("waits longer each time, and ends after a few", async () => {
    phone.server = () => UNFINISHED;
    const placing = place();
    expect(await settled(placing.run(2_000))).toBeUndefined();
    expect(phone.asked).toHaveLength(PAUSES.length + 1);
    expect([...PAUSES].sort((one, other) => one - other)).toEqual(PAUSES);
    expect([placing.busy, placing.trouble?.kind, placing.trouble?.mayRetry]).toEqual([false, "unknown", true]);
    const words = [say(placing.trouble!).what];
    speak("en");
    words.push(say(placing.trouble!).what);
    speak("zh");
    expect(words).toEqual(["还没有收到这一步的结果。", "What came of this is not known yet."]);
    phone.answers = [PLACED];
    expect((await settled(placing.again()))?.order.number).toBe("n1");
    expect(new Set(keysSent()).size).toBe(1);
  });

  it("shows the refusal in which it ended", async () => {
    phone.answers = ["lost", problem(409, "quote-changed"), PLACED];
    const placing = place();
    await settled(placing.run(2_000));
    expect([placing.trouble?.kind, placing.trouble?.slug]).toEqual(["refusal", "quote-changed"]);
    await settled(placing.run(2_000));
    expect(new Set(keysSent()).size).toBe(2);
  });

  it("waits as long as the server says", async () => {
    phone.answers = [{ status: 503, header: { "Retry-After": "5" } }, PLACED];
    const running = place().run(2_000);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(phone.asked).toHaveLength(1);
    expect((await settled(running))?.order.number).toBe("n1");
  });

  it("is found by whoever opens its sheet again, until it ends or was looked at", async () => {
    phone.server = () => UNFINISHED;
    await settled(place("order").run(2_000));
    const reopened = place("order");
    expect(reopened.trouble?.kind).toBe("unknown");
    await settled(reopened.again());
    expect(new Set(keysSent()).size).toBe(1);
    phone.server = () => PLACED;
    reopened.forget();
    expect([reopened.trouble, place("order").trouble]).toEqual([null, null]);
    await settled(reopened.run(2_000));
    expect(new Set(keysSent()).size).toBe(2);
  });

  it("is not asked for again where nothing was sent with a key", async () => {
    phone.server = () => "offline";
    const action = useAction(() => call("put", "/v1/wallet/pin", { body: {} as never }));
    await settled(action.run());
    expect([phone.asked.length, action.trouble?.kind]).toEqual([1, "offline"]);
  });
});

describe("a kept key", () => {
  it("is the same until its outcome is known, even after the app was closed", () => {
    const phone = new Phone();
    const first = keyOf("receipt:1");
    expect(keyOf("receipt:1")).toBe(first);
    expect(phone.storage.get("key:receipt:1")).toBe(first);
    forgetKey("receipt:1");
    expect(keyOf("receipt:1")).not.toBe(first);
  });
});
