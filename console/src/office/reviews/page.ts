import { page } from '@/kit/page'

export default page({
  path: 'reviews',
  title: 'office.reviews.title',
  group: 'receipts',
  order: 10,
  permission: 'receipts.read',
  component: () => import('./Reviews.vue'),
})
