import { page } from '@/kit/page'

export default page({
  path: 'notices',
  title: 'office.notices.title',
  group: 'money',
  order: 68,
  permission: 'notices.read',
  words: ['payments'],
  component: () => import('./Notices.vue'),
})
