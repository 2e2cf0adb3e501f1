import { page } from '@/kit/page'

export default page({
  path: 'card-products',
  title: 'office.card-products.title',
  group: 'cards',
  order: 78,
  permission: 'cards.read',
  words: ['orders', 'staff'],
  component: () => import('./CardProducts.vue'),
})
