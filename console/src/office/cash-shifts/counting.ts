/** Cash as a person counts it: notes and coins by value, or one sum in yuan. */
export const FACES = [10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10] as const

export interface Counted {
  way: 'pieces' | 'sum'
  /** how many of each value, by its fen */
  pieces: Record<string, number | null>
  yuan: number | null
}

export function uncounted(): Counted {
  return { way: 'pieces', pieces: Object.fromEntries(FACES.map((face) => [String(face), null])), yuan: null }
}

export function fenOf(counted: Counted): number {
  if (counted.way === 'sum') return Math.round((counted.yuan ?? 0) * 100)
  return FACES.reduce((sum, face) => sum + face * (counted.pieces[face] ?? 0), 0)
}

/** As the API takes it. */
export function countOf(counted: Counted): { total_fen: number } | { pieces: { face_fen: number; pieces: number }[] } {
  const pieces = FACES.filter((face) => (counted.pieces[face] ?? 0) > 0).map((face) => ({ face_fen: face, pieces: counted.pieces[face] ?? 0 }))
  return counted.way === 'sum' || pieces.length === 0 ? { total_fen: fenOf(counted) } : { pieces }
}

/** Whether anything was counted at all; that nothing lies there is said by the sum of zero. */
export function isCounted(counted: Counted): boolean {
  return counted.way === 'sum' ? counted.yuan !== null : FACES.some((face) => counted.pieces[face] !== null)
}
