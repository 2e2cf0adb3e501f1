import { page } from '@/kit/page'

export default page({
  path: 'jobs',
  title: 'office.jobs.title',
  group: 'system',
  order: 920,
  permission: 'jobs.read',
  names: true,
  component: () => import('./Jobs.vue'),
})
