import { page } from '@/kit/page'

export default page({
  path: 'till-reports',
  title: 'office.till-reports.title',
  group: 'shops',
  order: 96,
  permission: 'sales_reports.read',
  words: ['audit', 'staff'],
  component: () => import('./TillReports.vue'),
})
