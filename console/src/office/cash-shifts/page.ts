import { page } from '@/kit/page'

export default page({
  path: 'cash-shifts',
  title: 'office.cash-shifts.title',
  group: 'cards',
  order: 77,
  permission: 'cash.read',
  words: ['audit'],
  component: () => import('./CashShifts.vue'),
})
