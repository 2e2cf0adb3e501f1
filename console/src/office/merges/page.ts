import { page } from '@/kit/page'

export default page({
  path: 'merges',
  title: 'office.merges.title',
  group: 'members',
  order: 30,
  permission: 'merges.read',
  words: ['member', 'members'],
  names: true,
  component: () => import('./Merges.vue'),
})
