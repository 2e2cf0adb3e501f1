import { page } from '@/kit/page'

export default page({
  path: 'lockers',
  title: 'office.lockers.title',
  group: 'shops',
  order: 99,
  permission: 'lockers.read',
  component: () => import('./Lockers.vue'),
})
