import { page } from '@/kit/page'

export default page({
  path: 'points-rules',
  title: 'office.points-rules.title',
  group: 'points',
  order: 10,
  permission: 'points.report',
  component: () => import('./PointsRules.vue'),
})
