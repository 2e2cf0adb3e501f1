import { page } from '@/kit/page'

export default page({
  path: 'sales',
  title: 'shop.sales.title',
  group: 'shops',
  order: 30,
  permission: 'own_sales.read',
  icon: 'sales',
  component: () => import('./Sales.vue'),
})
