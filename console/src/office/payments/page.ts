import { page } from '@/kit/page'

export default page({
  path: 'payments',
  title: 'office.payments.title',
  group: 'money',
  order: 64,
  permission: 'payments.read',
  words: ['audit', 'notices', 'payment-refunds'],
  component: () => import('./Payments.vue'),
})
