import { page } from '@/kit/page'

export default page({
  path: 'partners',
  title: 'office.partners.title',
  group: 'system',
  order: 905,
  permission: 'partners.read',
  words: ['audit', 'staff'],
  component: () => import('./Partners.vue'),
})
