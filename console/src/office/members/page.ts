import { page } from '@/kit/page'

export default page({
  path: 'members',
  title: 'office.members.title',
  group: 'members',
  order: 20,
  permission: 'members.read',
  component: () => import('./Members.vue'),
})
