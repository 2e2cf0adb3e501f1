import { page } from '@/kit/page'

export default page({
  path: 'plates',
  title: 'office.plates.title',
  group: 'plates',
  order: 82,
  permission: 'plates.read',
  component: () => import('./Plates.vue'),
})
