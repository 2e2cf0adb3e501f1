import { page } from '@/kit/page'

export default page({
  path: 'adjustments',
  title: 'office.adjustments.title',
  group: 'points',
  order: 50,
  permission: 'points.read',
  words: ['audit'],
  component: () => import('./Adjustments.vue'),
})
