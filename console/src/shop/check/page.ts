import { page } from '@/kit/page'

export default page({
  path: 'check',
  title: 'shop.check.title',
  group: 'members',
  order: 10,
  permission: 'members.check',
  icon: 'code',
  component: () => import('./Check.vue'),
})
