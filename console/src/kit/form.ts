/** A form: its values, what the API said about each field, one sending at a time, and the key kept over a retry. */
import { reactive, ref, type Ref, type UnwrapNestedRefs } from 'vue'
import { keepDraft } from './draft'
import { once } from './once'
import { Refusal } from './problem'
import { noteOf, sentenceOf } from './said'

export interface Form<T extends object> {
  values: UnwrapNestedRefs<T>
  /** by field, as the API names it */
  errors: Ref<Record<string, string[]>>
  /** the refusal as one sentence, when it is not about a field */
  refusal: Ref<string>
  busy: Ref<boolean>
  restored: boolean
  /** Send; undefined when refused. `key` is an Idempotency-Key that changes once the outcome is known. */
  send: <R>(act: (values: UnwrapNestedRefs<T>, key: string) => Promise<R>) => Promise<R | undefined>
  clear: () => void
  set: (values: Partial<T>) => void
}

/** `draft`: a name to keep what is typed under; leave it out where a password is typed. `names`: API field → the form's field. */
export function useForm<T extends object>(initial: T, options: { draft?: string; names?: Record<string, string> } = {}): Form<T> {
  const start = JSON.parse(JSON.stringify(initial)) as T
  const values = reactive(JSON.parse(JSON.stringify(initial)) as T)
  const errors = ref<Record<string, string[]>>({})
  const refusal = ref('')
  const busy = ref(false)
  const draft = options.draft ? keepDraft(options.draft, values as Record<string, unknown>) : null
  const run = once()

  const clear = (): void => {
    Object.assign(values, JSON.parse(JSON.stringify(start)))
    errors.value = {}
    refusal.value = ''
    draft?.forget()
    run.renew()
  }

  const explain = (found: Refusal): void => {
    errors.value = Object.fromEntries(Object.entries(found.errors).map(([name, notes]) => [options.names?.[name] ?? name, notes.map(noteOf)]))
    refusal.value = Object.keys(errors.value).length === 0 ? sentenceOf(found) : ''
  }

  const send: Form<T>['send'] = async (act) => {
    if (busy.value) return undefined
    busy.value = true
    errors.value = {}
    refusal.value = ''
    try {
      const done = await run((key) => act(values, key))
      draft?.forget()
      return done
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      explain(error)
      return undefined
    } finally {
      busy.value = false
    }
  }

  return { values, errors, refusal, busy, restored: draft?.restored ?? false, send, clear, set: (some) => void Object.assign(values, some) }
}
