/** What a page gives back while the session still holds: asked before signing out. */
export const leaving = new Set<() => Promise<unknown>>()

export async function leaveAll(): Promise<void> {
  await Promise.allSettled([...leaving].map((leave) => leave()))
}
