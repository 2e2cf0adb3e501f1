import { has, language, t } from "@/i18n";

/**
 * Every failure is one of five: refused by a rule, no connection, the sign-in ended, the server in trouble, or an outcome that is
 * unknown: a request with an Idempotency-Key whose answer got lost, or whose twin still runs. "asking" stands while it is asked for again.
 */
export type TroubleKind = "refusal" | "offline" | "ended" | "server" | "unknown" | "asking";

/** The first request with the same Idempotency-Key has not ended yet. */
const UNFINISHED = "request-unfinished";

/** RFC 9457 as the API sends it. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  errors?: Record<string, unknown>;
  [fact: string]: unknown;
}

/** What the API calls a sign-in that is over; every other 401 is about a code just typed or scanned. */
const ENDED = new Set(["sign-in-needed", "token-invalid", "session-ended", "refresh-token-reused"]);

/** A call that did not succeed. */
export class Trouble extends Error {
  readonly kind: TroubleKind;
  readonly status: number;
  /** The refusal's stable name, as "phone-code-wrong"; empty when there is none. */
  readonly slug: string;
  readonly facts: ProblemBody;
  /** Seconds after which to try again, when the server said so. */
  readonly retryAfter: number | null;

  constructor(kind: TroubleKind, status = 0, facts: ProblemBody = {}, retryAfter: number | null = null) {
    super(facts.title ?? kind);
    this.name = "Trouble";
    this.kind = kind;
    this.status = status;
    this.slug = String(facts.type ?? "").replace(/^.*\//, "");
    this.facts = facts;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may be sent again with hope: the outcome is unknown or the server was busy. */
  get mayRetry(): boolean {
    return this.kind === "offline" || this.kind === "server" || this.kind === "unknown";
  }

  /** The same, of a request that had an Idempotency-Key: it may have been done, so nobody is told that it was not. */
  ofKeyed(): Trouble {
    return this.mayRetry ? new Trouble("unknown", this.status, this.facts, this.retryAfter) : this;
  }

  /** The first sentence about each field, when the shape was wrong. */
  get errors(): Record<string, string> {
    return fieldErrors(this.facts.errors);
  }
}

/** Turn an answer that is not 2xx into its Trouble. */
export function troubleOf(status: number, body: unknown, retryAfter: string | undefined): Trouble {
  const facts = typeof body === "object" && body !== null ? (body as ProblemBody) : {};
  const seconds = Number(retryAfter);
  const slug = String(facts.type ?? "").replace(/^.*\//, "");
  return new Trouble(kindOf(status, slug), status, facts, Number.isFinite(seconds) && retryAfter ? seconds : null);
}

function kindOf(status: number, slug: string): TroubleKind {
  if (slug === UNFINISHED) return "unknown";
  if (status === 401 && ENDED.has(slug)) return "ended";
  return status >= 500 && !has(`problems.${slug}.what`) ? "server" : "refusal";
}

/** Anything thrown, as a Trouble: what is not ours is a fault of the page and reads like the server's. */
export function asTrouble(thrown: unknown): Trouble {
  return thrown instanceof Trouble ? thrown : new Trouble("server", 0, { title: String(thrown) });
}

function fieldErrors(errors: unknown, into: Record<string, string> = {}, path = ""): Record<string, string> {
  if (typeof errors === "string") into[path] ??= errors;
  else if (Array.isArray(errors)) errors.slice(0, 1).forEach((one) => fieldErrors(one, into, path));
  else if (typeof errors === "object" && errors !== null)
    for (const [name, inner] of Object.entries(errors)) {
      // "json" and "query" only say where the field came from.
      const here = ["json", "query", "files"].includes(name) && !path ? "" : path ? `${path}.${name}` : name;
      fieldErrors(inner, into, here);
    }
  return into;
}

/** What happened, why, and the name of the button that does the next thing. */
export interface Said {
  what: string;
  why: string;
  next: string;
}

/** The sentences of a Trouble in the language now. A refusal we have no sentence for shows the server's own one in English, and asks to look again in Chinese. */
export function say(trouble: Trouble): Said {
  const known = `problems.${trouble.slug}`;
  const key = trouble.kind === "refusal" && has(`${known}.what`) ? known : `problems.${trouble.kind}`;
  const own = key === "problems.refusal" && language() === "en" ? trouble.facts.title : undefined;
  const wait = trouble.retryAfter && trouble.retryAfter > 1 ? t("problems.wait", { seconds: trouble.retryAfter }) : "";
  return { what: own ?? t(`${key}.what`), why: wait || t(`${key}.why`), next: t(`${key}.next`) };
}
