import { Document } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'receipts',
  title: 'shop.receipts.title',
  group: 'receipts',
  order: 20,
  permission: 'own_receipts.read',
  icon: Document,
  component: () => import('./Receipts.vue'),
})
