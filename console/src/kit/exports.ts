/** A list as CSV: ordered, watched while it is made, then saved. */
import { api, ask, askBlob, newKey } from './client'
import { Refusal } from './problem'

export interface Progress {
  rows: number
  total: number | null
}

interface Export {
  id: number
  state: string
  rows?: number
  total?: number | null
}

const PAUSE = 1000
const LONGEST = 15 * 60 * 1000

// The routes of exports are named by text here: the contract gives their types where they exist.
const untyped = api as unknown as {
  POST: (path: string, options: object) => ReturnType<typeof api.GET>
  GET: (path: string, options: object) => ReturnType<typeof api.GET>
}

export async function exportList(
  kind: string,
  filters: Readonly<Record<string, string>>,
  columns: readonly string[],
  tell: (progress: Progress) => void,
): Promise<void> {
  const headers = { 'Idempotency-Key': newKey() }
  let made = (await ask(untyped.POST('/v1/office/exports', { headers, body: { kind, filters, columns } }) as never)) as Export
  const until = Date.now() + LONGEST
  while (made.state !== 'done' && made.state !== 'failed') {
    if (Date.now() > until) throw new Refusal({ type: 'export-late' }, 504)
    await new Promise((done) => setTimeout(done, PAUSE))
    made = (await ask(untyped.GET('/v1/office/exports/{export_id}', { params: { path: { export_id: made.id } } }) as never)) as Export
    tell({ rows: made.rows ?? 0, total: made.total ?? null })
  }
  if (made.state === 'failed') throw new Refusal({ type: 'export-failed' }, 500)
  save(await askBlob(`/v1/office/exports/${made.id}/file`), `${kind}.csv`)
}

/** Let the browser save a file. */
export function save(data: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(data)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
