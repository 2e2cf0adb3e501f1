import { page } from '@/kit/page'

export default page({
  path: 'complaints',
  title: 'office.complaints.title',
  group: 'money',
  order: 67,
  permission: 'complaints.read',
  words: ['audit', 'notices', 'orders', 'payments', 'staff'],
  component: () => import('./Complaints.vue'),
})
