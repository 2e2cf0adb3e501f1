import { page } from '@/kit/page'

export default page({
  path: 'card-requests',
  title: 'office.card-requests.title',
  group: 'cards',
  order: 74,
  permission: 'cards.read',
  words: ['audit', 'cards'],
  component: () => import('./CardRequests.vue'),
})
