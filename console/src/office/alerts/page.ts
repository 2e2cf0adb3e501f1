import { page } from '@/kit/page'

export default page({
  path: 'alerts',
  title: 'office.alerts.title',
  group: 'points',
  order: 40,
  permission: 'points.report',
  words: ['audit', 'rehearsals'],
  component: () => import('./Alerts.vue'),
})
