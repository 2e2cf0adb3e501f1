import { Money } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'payments',
  title: 'shop.payments.title',
  group: 'today',
  order: 4,
  permission: 'own_payments.read',
  icon: Money,
  component: () => import('./Payments.vue'),
})
