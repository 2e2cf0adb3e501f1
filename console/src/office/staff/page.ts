import { page } from '@/kit/page'

export default page({
  path: 'staff/:tab?',
  title: 'office.staff.title',
  group: 'system',
  order: 900,
  permission: 'tablets.manage',
  names: true,
  component: () => import('./Staff.vue'),
})
