import { page } from '@/kit/page'

export default page({
  path: 'cards',
  title: 'shop.cards.title',
  group: 'members',
  order: 12,
  permission: 'cards.check',
  icon: 'cards',
  component: () => import('./Cards.vue'),
})
