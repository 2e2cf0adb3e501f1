import { page } from '@/kit/page'

export default page({
  path: 'shops',
  title: 'office.shops.title',
  group: 'shops',
  order: 60,
  permission: 'shops.read',
  component: () => import('./Shops.vue'),
})
