import { page } from '@/kit/page'

export default page({
  path: 'card-balances',
  title: 'office.card-balances.title',
  group: 'cards',
  order: 80,
  permission: 'cards.report',
  words: ['card-stock'],
  component: () => import('./CardBalances.vue'),
})
