/** kit/<name>.zh.json → <name>.…, shop/sales/zh.json → shop.sales.…, the titles → office.<page>.title, the refusals → refusals.<name> */
export interface Sentences {
  [key: string]: string | Sentences
}

/** What a page of the desk does not bring by itself: how it is called, and what refusals say. */
interface First {
  titles: Record<string, { title: string }>
  refusals: Sentences
}

export function gathered(kit: Record<string, unknown>, shop: Record<string, unknown>, { titles, refusals }: First): Sentences {
  const all: Sentences = { office: titles as unknown as Sentences, shop: {} }
  for (const [path, sentences] of Object.entries(kit)) all[path.split('/').at(-1)!.split('.')[0]!] = sentences as Sentences
  for (const [path, sentences] of Object.entries(shop)) (all.shop as Sentences)[path.split('/').at(-2)!] = sentences as Sentences
  all.refusals = { ...(all.refusals as Sentences), ...refusals }
  return all
}

/** What the server names and only some pages show; each noun's folder holds the words for its own in words.zh.json and words.en.json. */
export interface Names {
  permissions: Record<string, string>
  jobs: Record<string, string>
  tables: Record<string, string>
  subjects: Record<string, string>
  deeds: Record<string, string>
  rules: Record<string, string>
  choices: Record<string, string>
  /** what takes two people, and the fields of these requests */
  acts: Record<string, string>
  fields: Record<string, string>
  /** what a merge shows that each of the two has, and what moved */
  counts: Record<string, string>
  moved: Record<string, string>
  /** rule of the policy → the noun's folder that has its words: the rules of a noun stand together */
  nouns: Record<string, string>
}

export function sections(files: Record<string, unknown>): Names {
  const all: Names = { permissions: {}, jobs: {}, tables: {}, subjects: {}, deeds: {}, rules: {}, choices: {}, acts: {}, fields: {}, counts: {}, moved: {}, nouns: {} }
  for (const [path, words] of Object.entries(files) as [string, Partial<Names>][]) {
    for (const kind of Object.keys(all) as (keyof Names)[]) Object.assign(all[kind], words[kind])
    for (const rule of Object.keys(words.rules ?? {})) all.nouns[rule] = path.split('/').at(-2)!
  }
  return all
}
