import { page } from '@/kit/page'

export default page({
  path: 'today',
  title: 'office.today.title',
  group: 'today',
  order: 0,
  permission: 'receipts.report',
  component: () => import('./Today.vue'),
})
