import { Wallet } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'charge',
  title: 'shop.charge.title',
  group: 'today',
  order: 6,
  permission: 'own_payments.charge',
  icon: Wallet,
  component: () => import('./Charge.vue'),
})
