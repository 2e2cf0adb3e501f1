/** What the API refused with (RFC 9457), or that it could not be reached. */
export class Refusal extends Error {
  readonly type: string
  readonly status: number
  readonly errors: Record<string, string[]>
  readonly facts: Record<string, unknown>

  constructor(body: Record<string, unknown>, status: number) {
    super(String(body.title ?? ''))
    this.name = 'Refusal'
    this.type = String(body.type ?? 'unknown').replace(/^\/problems\//, '')
    this.status = status
    this.errors = byField(body.errors)
    this.facts = body
  }

  get offline(): boolean {
    return this.type === 'offline' || this.type === 'answer-lost'
  }

  /** Whether the act may have been done all the same: its answer was lost, it still runs, or the server broke down over it. */
  get unknown(): boolean {
    return this.offline || this.type === 'request-unfinished' || this.status >= 500
  }

  get ended(): boolean {
    return this.status === 401
  }

  static offline(): Refusal {
    return new Refusal({ type: 'offline', title: '' }, 0)
  }

  /** The line was cut over an act of value. */
  static answerLost(): Refusal {
    return new Refusal({ type: 'answer-lost', title: '' }, 0)
  }
}

/** {"lines": {"0": {"name": ["…"]}}} → {"lines.0.name": ["…"]}. */
export function byField(errors: unknown, prefix = ''): Record<string, string[]> {
  if (typeof errors !== 'object' || errors === null) return {}
  const found: Record<string, string[]> = {}
  for (const [name, notes] of Object.entries(errors)) {
    const path = prefix ? `${prefix}.${name}` : name
    if (Array.isArray(notes)) found[path] = notes.map(String)
    else if (typeof notes === 'string') found[path] = [notes]
    else Object.assign(found, byField(notes, path))
  }
  return found
}

/** Anything caught, as a Refusal; what is our own mistake is thrown on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  throw error
}
