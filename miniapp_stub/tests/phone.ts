// A phone for tests: uni-app's storage and network, with a server that is told what to answer.
import { vi } from "vitest";

export interface Asked {
  method: string;
  path: string;
  header: Record<string, string>;
  data: unknown;
}
export type Answer = { status: number; body?: unknown; header?: Record<string, string> } | "offline" | "lost";

export class Phone {
  storage = new Map<string, unknown>();
  asked: Asked[] = [];
  /** Answers in the order of the calls; `server` when there is none left. */
  answers: Answer[] = [];
  server: (asked: Asked) => Answer = () => ({ status: 200, body: {} });

  constructor() {
    vi.stubGlobal("location", { pathname: "/m/demo/" });
    vi.stubGlobal("uni", {
      getStorageSync: (name: string) => this.storage.get(name) ?? "",
      setStorageSync: (name: string, value: unknown) => this.storage.set(name, structuredClone(value)),
      removeStorageSync: (name: string) => this.storage.delete(name),
      getStorageInfoSync: () => ({ keys: [...this.storage.keys()] }),
      request: (options: UniApp.RequestOptions) => this.request(options),
    });
  }

  private request({ url, method, header, data, success, fail }: UniApp.RequestOptions): void {
    const asked = { method: method ?? "GET", path: url, header: header as Record<string, string>, data };
    this.asked.push(asked);
    setTimeout(() => {
      const answer = this.answers.shift() ?? this.server(asked);
      if (typeof answer === "string") fail?.({ errMsg: "request:fail" });
      else success?.({ statusCode: answer.status, data: (answer.body ?? "") as string, header: answer.header ?? {}, cookies: [], errMsg: "ok" });
    }, 0);
  }

  /** Hold a pair of tokens whose access token is good for so many seconds. */
  signIn(seconds = 900): void {
    this.storage.set("tokens:demo", { access: "access-1", refresh: "refresh-1", endsAt: Date.now() + seconds * 1000 });
  }

  paths(): string[] {
    return this.asked.map((one) => `${one.method} ${one.path}`);
  }
}

export const problem = (status: number, slug: string, facts: object = {}): Answer => ({ status, body: { type: `/problems/${slug}`, title: slug, status, ...facts } });
export const pair = (number: number) => ({ access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: 900 });
