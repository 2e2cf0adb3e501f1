import { page } from '@/kit/page'

export default page({
  path: 'cards',
  title: 'office.cards.title',
  group: 'cards',
  order: 72,
  permission: 'cards.read',
  words: ['audit'],
  component: () => import('./Cards.vue'),
})
