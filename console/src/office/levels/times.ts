/** ×1.5 from basis points. */
export function times(bp: number): string {
  return `×${Number((bp / 10_000).toFixed(4))}`
}
