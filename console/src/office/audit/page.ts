import { page } from '@/kit/page'

export default page({
  path: 'audit',
  title: 'office.audit.title',
  group: 'system',
  order: 910,
  permission: 'audit.read',
  names: true,
  component: () => import('./Audit.vue'),
})
