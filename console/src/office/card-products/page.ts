import { page } from '@/kit/page'

export default page({
  path: 'card-products',
  title: 'office.card-products.title',
  group: 'cards',
  order: 78,
  permission: 'cards.read',
  component: () => import('./CardProducts.vue'),
})
