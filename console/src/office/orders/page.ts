import { page } from '@/kit/page'

export default page({
  path: 'orders',
  title: 'office.orders.title',
  group: 'money',
  order: 60,
  permission: 'orders.read',
  words: ['audit', 'notices', 'payment-refunds', 'payments', 'staff'],
  component: () => import('./Orders.vue'),
})
