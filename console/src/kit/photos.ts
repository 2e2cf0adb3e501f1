/** Photos behind the API, fetched with the session and kept as object URLs while somebody looks at them. */
import { askBlob } from './client'

const kept = new Map<string, Promise<string>>()
const MOST = 24

/** An object URL of a photo; asking again (or ahead) costs nothing. */
export function photoUrl(path: string): Promise<string> {
  const found = kept.get(path)
  if (found) return found
  const fetched = askBlob(path).then((data) => URL.createObjectURL(data))
  fetched.catch(() => kept.delete(path))
  kept.set(path, fetched)
  if (kept.size > MOST) release(kept.keys().next().value as string)
  return fetched
}

function release(path: string): void {
  const gone = kept.get(path)
  kept.delete(path)
  gone?.then(URL.revokeObjectURL, () => undefined)
}
