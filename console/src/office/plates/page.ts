import { page } from '@/kit/page'

export default page({
  path: 'plates',
  title: 'office.plates.title',
  group: 'plates',
  order: 82,
  permission: 'plates.read',
  words: ['audit', 'orders', 'staff'],
  component: () => import('./Plates.vue'),
})
