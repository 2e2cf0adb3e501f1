import { page } from '@/kit/page'

export default page({
  path: 'plate-alarms',
  title: 'office.plate-alarms.title',
  group: 'plates',
  order: 84,
  permission: 'plates.read',
  words: ['audit', 'orders', 'plates', 'staff'],
  component: () => import('./PlateAlarms.vue'),
})
