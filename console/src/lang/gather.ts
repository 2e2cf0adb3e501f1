/** kit/<name>.zh.json → <name>.…, office/shops/zh.json → office.shops.…, shop/sales/zh.json → shop.sales.… */
export interface Sentences {
  [key: string]: string | Sentences
}

export function gathered(kit: Record<string, unknown>, pages: Record<string, unknown>): Sentences {
  const all: Sentences = {}
  for (const [path, sentences] of Object.entries(kit)) {
    const name = path.split('/').at(-1)!.split('.')[0]!
    all[name] = sentences as Sentences
  }
  for (const [path, sentences] of Object.entries(pages)) {
    const [entrance, name] = path.split('/').slice(-3) as [string, string]
    all[entrance] = { ...(all[entrance] as Sentences | undefined), [name]: sentences as Sentences }
  }
  return all
}
