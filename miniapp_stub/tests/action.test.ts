import { beforeEach, describe, expect, it, vi } from "vitest";
import { Phone } from "./phone";

vi.hoisted(() => vi.stubGlobal("uni", { getStorageSync: () => "" }));
const { useAction } = await import("@/lib/action");
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
