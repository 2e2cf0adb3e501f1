import { page } from '@/kit/page'

export default page({
  path: 'refunds',
  title: 'office.refunds.title',
  group: 'money',
  order: 62,
  permission: 'orders.read',
  words: ['audit', 'notices', 'orders', 'staff'],
  component: () => import('./Refunds.vue'),
})
