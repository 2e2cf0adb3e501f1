import { Upload } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'sales-report',
  title: 'shop.sales-report.title',
  group: 'shops',
  order: 35,
  permission: 'own_sales.report',
  icon: Upload,
  component: () => import('./SalesReport.vue'),
})
