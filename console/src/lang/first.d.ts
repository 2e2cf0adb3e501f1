declare module 'virtual:first/*' {
  import type { Sentences } from './gather'
  export const titles: Record<string, { title: string }>
  export const refusals: Sentences
}
