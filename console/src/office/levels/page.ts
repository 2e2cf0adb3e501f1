import { page } from '@/kit/page'

export default page({
  path: 'levels',
  title: 'office.levels.title',
  group: 'members',
  order: 29,
  permission: 'levels.write',
  component: () => import('./Levels.vue'),
})
