import { page } from '@/kit/page'

export default page({
  path: 'card-stock',
  title: 'office.card-stock.title',
  group: 'cards',
  order: 76,
  permission: 'cards.read',
  words: ['audit', 'card-products', 'orders', 'staff'],
  component: () => import('./CardStock.vue'),
})
