import { page } from '@/kit/page'

export default page({
  path: 'payment-refunds',
  title: 'office.payment-refunds.title',
  group: 'money',
  order: 66,
  permission: 'payments.read',
  words: ['audit', 'notices', 'payments'],
  component: () => import('./PaymentRefunds.vue'),
})
