import { page } from '@/kit/page'

export default page({
  path: 'plate-alarms',
  title: 'office.plate-alarms.title',
  group: 'plates',
  order: 84,
  permission: 'plates.read',
  component: () => import('./PlateAlarms.vue'),
})
