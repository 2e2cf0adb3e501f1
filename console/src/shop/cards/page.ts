import { CreditCard } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'cards',
  title: 'shop.cards.title',
  group: 'members',
  order: 12,
  permission: 'cards.check',
  icon: CreditCard,
  component: () => import('./Cards.vue'),
})
