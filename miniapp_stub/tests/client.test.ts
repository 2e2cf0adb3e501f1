import { beforeEach, describe, expect, it, vi } from "vitest";
import { Phone, pair, problem } from "./phone";

let phone: Phone;
let client: typeof import("@/api/client");
let session: typeof import("@/api/session");
let troubles: typeof import("@/api/troubles");

beforeEach(async () => {
  vi.resetModules();
  phone = new Phone();
  client = await import("@/api/client");
  session = await import("@/api/session");
  troubles = await import("@/api/troubles");
});

const points = () => client.call("get", "/v1/points");
const caught = (promise: Promise<unknown>) => promise.then(() => expect.unreachable(), (trouble) => trouble as InstanceType<typeof troubles.Trouble>);
const proofs = () => phone.asked.filter((one) => one.path === "/v1/points").map((one) => one.header.Authorization);

describe("staying signed in", () => {
  it("renews once for many calls at once", async () => {
    phone.signIn(0);
    phone.server = (asked) => ({ status: 200, body: asked.path.endsWith("/refresh") ? pair(2) : { balance: 5 } });
    const answers = await Promise.all([points(), points(), points(), points()]);
    expect(answers.map((one) => one.balance)).toEqual([5, 5, 5, 5]);
    expect(phone.paths().filter((path) => path.includes("refresh"))).toHaveLength(1);
    expect(new Set(proofs())).toEqual(new Set(["Bearer access-2"]));
  });

  it("renews once when the server says that the token ended, and asks again", async () => {
    phone.signIn();
    phone.server = (asked) => {
      if (asked.path.endsWith("/refresh")) return { status: 200, body: pair(2) };
      return asked.header.Authorization === "Bearer access-2" ? { status: 200, body: { balance: 1 } } : problem(401, "token-invalid");
    };
    await Promise.all([points(), points()]);
    expect(phone.paths().filter((path) => path.includes("refresh"))).toHaveLength(1);
    expect(phone.storage.get("tokens:demo")).toMatchObject({ refresh: "refresh-2" });
  });

  it("asks with the same refresh token again when the answer got lost", async () => {
    phone.signIn(0);
    phone.answers = ["lost", { status: 200, body: pair(2) }, { status: 200, body: { balance: 1 } }];
    await points();
    expect(phone.asked.slice(0, 2).map((one) => one.data)).toEqual([{ refresh_token: "refresh-1" }, { refresh_token: "refresh-1" }]);
  });

  it("keeps the tokens while there is no connection", async () => {
    phone.signIn(0);
    phone.server = () => "offline";
    expect((await caught(points())).kind).toBe("offline");
    expect(client.isSignedIn()).toBe(true);
  });

  it("says once that the sign-in ended, and forgets the tokens", async () => {
    const ended = vi.fn();
    session.onEnded(ended);
    phone.signIn(0);
    phone.server = () => problem(401, "refresh-token-reused");
    const found = await Promise.all([caught(points()), caught(points())]);
    expect(found.map((one) => one.kind)).toEqual(["ended", "ended"]);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(client.isSignedIn()).toBe(false);
  });

  it("takes the pair that another tab renewed meanwhile", async () => {
    phone.signIn(0);
    phone.server = (asked) => {
      if (!asked.path.endsWith("/refresh")) return { status: 200, body: { balance: 3 } };
      phone.storage.set("tokens:demo", { access: "access-9", refresh: "refresh-9", endsAt: Date.now() + 900_000 });
      return problem(401, "refresh-token-reused");
    };
    expect((await points()).balance).toBe(3);
    expect(proofs()).toEqual(["Bearer access-9"]);
  });

  it("asks nobody when nobody is signed in", async () => {
    expect((await caught(points())).kind).toBe("ended");
    expect(phone.asked).toEqual([]);
  });
});

describe("a call", () => {
  it("fills the mall's code and leaves out what is empty", async () => {
    await client.call("get", "/v1/malls/{mall_code}/shops", { query: { q: "咖啡", floor: "", cursor: undefined } });
    expect(phone.paths()).toEqual(["GET /v1/malls/demo/shops?q=%E5%92%96%E5%95%A1"]);
    expect(phone.asked[0].header.Authorization).toBeUndefined();
  });

  it("sends a PATCH as a POST that says so", async () => {
    phone.signIn();
    await client.call("patch", "/v1/me", { body: { nickname: "李雷" } });
    expect([phone.asked[0].method, phone.asked[0].header["X-HTTP-Method-Override"]]).toEqual(["POST", "PATCH"]);
  });

  it("is refused, offline, ended or in server trouble", async () => {
    phone.signIn();
    phone.answers = [problem(409, "wrong-state"), "offline", { status: 500, body: "<html>" }, { status: 502, body: "" }];
    const kinds = [];
    for (let turn = 0; turn < 4; turn += 1) kinds.push((await caught(points())).kind);
    expect(kinds).toEqual(["refusal", "offline", "server", "server"]);
  });

  it("keeps a wrong code apart from an ended sign-in", async () => {
    phone.answers = [problem(401, "phone-code-wrong")];
    const trouble = await caught(client.call("post", "/v1/malls/{mall_code}/sign-in/phone", { body: { phone: "13800138000", code: "000000", consent_version: "1" } }));
    expect([trouble.kind, trouble.slug]).toEqual(["refusal", "phone-code-wrong"]);
  });

  it("finds the sentence about each field and how long to wait", async () => {
    phone.signIn();
    phone.answers = [
      problem(422, "shape-wrong", { errors: { json: { nickname: ["Longer than 30."], rows: { 0: { plate: ["Wrong."] } } } } }),
      { ...(problem(429, "too-often") as object), header: { "Retry-After": "60" } } as never,
    ];
    expect((await caught(points())).errors).toEqual({ nickname: "Longer than 30.", "rows.0.plate": "Wrong." });
    expect((await caught(points())).retryAfter).toBe(60);
  });
});
