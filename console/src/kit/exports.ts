/** A list as CSV: ordered, watched while it is made, then saved. */
import { language } from '@/lang'
import { api, ask, askBlob, type Schemas } from './client'
import { once } from './once'
import { Refusal } from './problem'

export type Export = Schemas['ListExport']

/** A column of the list as the API names it, and its heading in the file. */
export interface ExportColumn {
  name: string
  title: string
}

const ordering = once()
const PAUSE = 1000
const SLOWER = 5000
const LONGEST = 15 * 60 * 1000

/** Whether the file can still come. */
export function underWay(one: Export): boolean {
  return one.state === 'waiting' || one.state === 'running'
}

/** Order a list; nothing is waited for. Without columns all of them come. */
export async function orderExport(table: string, filters: Readonly<Record<string, string>>, columns: readonly ExportColumn[]): Promise<Export> {
  const body = { table, filters, columns: [...columns], language: language.value }
  return ordering((key) => ask(api.POST('/v1/office/exports', { params: { header: { 'Idempotency-Key': key } }, body })))
}

/** Order a list, tell how many rows are written, and save the file. */
export async function exportList(
  table: string,
  filters: Readonly<Record<string, string>>,
  columns: readonly ExportColumn[],
  tell: (now: Export) => void,
): Promise<void> {
  const began = Date.now()
  let made = await orderExport(table, filters, columns)
  while (underWay(made)) {
    tell(made)
    if (Date.now() - began > LONGEST) throw new Refusal({ type: 'export-late' }, 504)
    await new Promise((done) => setTimeout(done, Date.now() - began > 30_000 ? SLOWER : PAUSE))
    made = await ask(api.GET('/v1/office/exports/{export_id}', { params: { path: { export_id: made.id } } }))
  }
  if (made.state !== 'done') throw new Refusal({ type: made.trouble ?? 'export-ended' }, 409)
  await saveExport(made)
}

/** Let the browser save a finished export. */
export async function saveExport(made: Export): Promise<void> {
  save(await askBlob(`/v1/office/exports/${made.id}/file`), made.file_name)
}

/** Let the browser save a file. */
export function save(data: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(data)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
