import { page } from '@/kit/page'

export default page({
  path: 'approvals',
  title: 'office.approvals.title',
  group: 'today',
  order: 5,
  permission: 'approvals.read',
  words: ['audit'],
  names: true,
  component: () => import('./Approvals.vue'),
})
