/** What a table shows and where its rows come from. */
export interface Column<Row> {
  key: string
  /** key of its heading in the language files */
  title: string
  /** the cell as text; a slot `cell-<key>` of the table wins over it */
  text?: (row: Row) => string
  /** numbers stand right, in tabular figures */
  number?: boolean
  /** the name by which the server sorts, where it can */
  sort?: string
  /** not shown until chosen */
  spare?: boolean
  width?: string
  /** the column of the CSV file, where the API names it otherwise than `key` */
  csv?: string
}

export interface PageQuery {
  cursor?: string
  limit: number
  sort?: string
  [filter: string]: string | number | undefined
}

export interface Page<Row> {
  items: Row[]
  next_cursor?: string | null
}

const KEY = 'mallbridge.columns.'

/** The columns that this person chose for a table; null: as the page offers them. */
export function chosenColumns(table: string): string[] | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY + table) ?? 'null') as unknown
    return Array.isArray(kept) ? kept.map(String) : null
  } catch {
    return null
  }
}

export function chooseColumns(table: string, keys: string[]): void {
  localStorage.setItem(KEY + table, JSON.stringify(keys))
}
