/** The roles that a person's account can have; a tablet gets its own by pairing. */
export const MALL_ROLES = ['administrator', 'reviewer', 'marketer', 'finance', 'floor_manager', 'service_desk'] as const
export const SHOP_ROLES = ['shop_manager', 'shop_clerk'] as const

export function ofShop(role: string): boolean {
  return (SHOP_ROLES as readonly string[]).includes(role)
}
