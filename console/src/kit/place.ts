/** Where the browser stands: /office/<mall>/… or /shop/<mall>/…. One load of the page serves one entrance of one mall. */
export type Entrance = 'office' | 'shop'

export interface Place {
  entrance: Entrance
  mall: string
}

/** The entrance and mall that an address names; an empty mall when it names none. */
export function placeOf(path: string): Place {
  const [, entrance, mall] = path.split('/')
  return { entrance: entrance === 'shop' ? 'shop' : 'office', mall: decodeURIComponent(mall ?? '') }
}

export const place: Place = placeOf(window.location.pathname)

/** The address that every page of this entrance begins with. */
export const root = `/${place.entrance}/${encodeURIComponent(place.mall)}`
