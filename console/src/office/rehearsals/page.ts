import { page } from '@/kit/page'

export default page({
  path: 'rehearsals',
  title: 'office.rehearsals.title',
  group: 'points',
  order: 20,
  permission: 'points.report',
  words: ['audit'],
  component: () => import('./Rehearsals.vue'),
})
