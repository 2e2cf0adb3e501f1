import { page } from '@/kit/page'

export default page({
  path: 'tablets',
  title: 'shop.tablets.title',
  group: 'system',
  order: 90,
  permission: 'own_tablets.manage',
  icon: 'tablet',
  component: () => import('./OwnTablets.vue'),
})
