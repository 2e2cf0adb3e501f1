import { Postcard } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'check',
  title: 'shop.check.title',
  group: 'members',
  order: 10,
  permission: 'members.check',
  icon: Postcard,
  component: () => import('./Check.vue'),
})
