/** An act of value is done once: its Idempotency-Key stays the same until its outcome is known. */
import { Refusal } from './problem'

/** A new key for one act of value. */
export function newKey(): string {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`
}

/** Runs one act again and again under a key; another begins a new one after an outcome: done, or refused for certain. */
export interface Once {
  <R>(act: (key: string) => Promise<R>): Promise<R>
  /** The next act is another one, whatever became of the last. */
  renew: () => void
}

export function once(): Once {
  let key = newKey()
  const run = async <R>(act: (key: string) => Promise<R>): Promise<R> => {
    try {
      const done = await act(key)
      key = newKey()
      return done
    } catch (error) {
      if (!(error instanceof Refusal && error.unknown)) key = newKey()
      throw error
    }
  }
  return Object.assign(run, { renew: () => void (key = newKey()) })
}
