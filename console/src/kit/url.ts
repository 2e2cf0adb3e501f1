/** Filters and selection live in the address bar: a link shows a colleague the same thing. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** One value of the address's query; '' is left out. Changing it is one step of the history only where `step`. */
export function useQuery(name: string, standard = '', step = false): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => {
      const value = route.query[name]
      return typeof value === 'string' ? value : standard
    },
    set: (value) => {
      const query = { ...route.query }
      if (value === standard || value === '') delete query[name]
      else query[name] = value
      void router[step ? 'push' : 'replace']({ query })
    },
  })
}

/** Several filters at once, e.g. useFilters(['q', 'state']); setting one goes back to the first page. */
export function useFilters<N extends string>(names: readonly N[]): { values: Readonly<Record<N, string>>; set: (name: N, value: string) => void } {
  const route = useRoute()
  const router = useRouter()
  const values = new Proxy({} as Record<N, string>, {
    get: (_, name) => (typeof name === 'string' && typeof route.query[name] === 'string' ? route.query[name] : ''),
    ownKeys: () => [...names],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  })
  const set = (name: N, value: string): void => {
    const query = { ...route.query }
    if (value) query[name] = value
    else delete query[name]
    void router.replace({ query })
  }
  return { values, set }
}
