import { page } from '@/kit/page'

export default page({
  path: 'orders',
  title: 'office.orders.title',
  group: 'money',
  order: 60,
  permission: 'orders.read',
  words: ['audit', 'notices', 'staff'],
  component: () => import('./Orders.vue'),
})
