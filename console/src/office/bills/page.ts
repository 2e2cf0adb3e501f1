import { page } from '@/kit/page'

export default page({
  path: 'bills',
  title: 'office.bills.title',
  group: 'money',
  order: 67,
  permission: 'bills.read',
  words: ['audit', 'notices', 'payment-refunds', 'payments'],
  component: () => import('./Bills.vue'),
})
