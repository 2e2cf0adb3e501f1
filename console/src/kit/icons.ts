/** The icons of the tablet's navigation, by name. */
import { CreditCard, Document, Iphone, Money, Postcard, Setting, ShoppingCart, Upload, Wallet } from '@element-plus/icons-vue'
import type { Component } from 'vue'

export const icons: Record<string, Component> = {
  payments: Money,
  charge: Wallet,
  cards: CreditCard,
  code: Postcard,
  receipts: Document,
  sales: ShoppingCart,
  tablet: Iphone,
  upload: Upload,
  settings: Setting,
}
