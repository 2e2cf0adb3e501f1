/** The icons of the tablet's navigation, by name. */
import { Document, Iphone, Postcard, Setting, ShoppingCart } from '@element-plus/icons-vue'
import type { Component } from 'vue'

export const icons: Record<string, Component> = { code: Postcard, receipts: Document, sales: ShoppingCart, tablet: Iphone, settings: Setting }
