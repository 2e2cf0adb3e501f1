/** One act of a page at a time (a button that asks the API), and what it was refused with. */
import { ref, type Ref } from 'vue'
import { Refusal } from './problem'
import { noteOf, sentenceOf } from './said'

export interface Act {
  busy: Ref<boolean>
  trouble: Ref<string>
  /** Undefined when refused, or when another is under way. */
  run: <R>(work: () => Promise<R>) => Promise<R | undefined>
}

export function useAct(): Act {
  const busy = ref(false)
  const trouble = ref('')
  const run: Act['run'] = async (work) => {
    if (busy.value) return undefined
    busy.value = true
    trouble.value = ''
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const notes = Object.entries(error.errors).map(([name, all]) => `${name}: ${all.map(noteOf).join(' ')}`)
      trouble.value = [sentenceOf(error), ...notes].join(' ')
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { busy, trouble, run }
}

/** One thing fetched when a panel opens, and again after it changed. */
export function useOne<T>(fetch: () => Promise<T>): { value: Ref<T | null>; refusal: Ref<Refusal | null>; load: () => Promise<void> } {
  const value = ref<T | null>(null) as Ref<T | null>
  const refusal = ref<Refusal | null>(null) as Ref<Refusal | null>
  const load = async (): Promise<void> => {
    try {
      value.value = await fetch()
      refusal.value = null
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refusal.value = error
    }
  }
  void load()
  return { value, refusal, load }
}
