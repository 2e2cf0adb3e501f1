import { page } from '@/kit/page'

export default page({
  path: 'liability',
  title: 'office.liability.title',
  group: 'points',
  order: 30,
  permission: 'points.report',
  words: ['audit', 'rehearsals'],
  component: () => import('./Liability.vue'),
})
