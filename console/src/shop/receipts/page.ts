import { page } from '@/kit/page'

export default page({
  path: 'receipts',
  title: 'shop.receipts.title',
  group: 'receipts',
  order: 20,
  permission: 'own_receipts.read',
  icon: 'receipts',
  component: () => import('./Receipts.vue'),
})
