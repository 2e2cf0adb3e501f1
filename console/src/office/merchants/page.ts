import { page } from '@/kit/page'

export default page({
  path: 'merchants',
  title: 'office.merchants.title',
  group: 'money',
  order: 70,
  permission: 'merchants.read',
  words: ['audit', 'orders', 'payments', 'staff'],
  component: () => import('./Merchants.vue'),
})
