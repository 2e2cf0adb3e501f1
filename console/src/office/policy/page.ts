import { page } from '@/kit/page'

export default page({
  path: 'policy',
  title: 'office.policy.title',
  group: 'system',
  order: 95,
  permission: 'policy.read',
  names: true,
  component: () => import('./Policy.vue'),
})
