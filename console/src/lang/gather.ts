/** kit/<name>.zh.json → <name>.…, shop/sales/zh.json → shop.sales.…, the titles → office.<page>.title */
export interface Sentences {
  [key: string]: string | Sentences
}

export function gathered(kit: Record<string, unknown>, shop: Record<string, unknown>, office: Record<string, { title: string }>): Sentences {
  const all: Sentences = { office: office as unknown as Sentences, shop: {} }
  for (const [path, sentences] of Object.entries(kit)) all[path.split('/').at(-1)!.split('.')[0]!] = sentences as Sentences
  for (const [path, sentences] of Object.entries(shop)) (all.shop as Sentences)[path.split('/').at(-2)!] = sentences as Sentences
  return all
}
