import { ShoppingCart } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'sales',
  title: 'shop.sales.title',
  group: 'shops',
  order: 30,
  permission: 'own_sales.read',
  icon: ShoppingCart,
  component: () => import('./Sales.vue'),
})
