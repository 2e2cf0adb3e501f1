import { page } from '@/kit/page'

export default page({
  path: 'points-rules',
  title: 'office.points-rules.title',
  group: 'points',
  order: 10,
  permission: 'points.report',
  words: ['audit', 'rehearsals'],
  component: () => import('./PointsRules.vue'),
})
