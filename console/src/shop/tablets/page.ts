import { Iphone } from '@element-plus/icons-vue'
import { page } from '@/kit/page'

export default page({
  path: 'tablets',
  title: 'shop.tablets.title',
  group: 'system',
  order: 90,
  permission: 'own_tablets.manage',
  icon: Iphone,
  component: () => import('./OwnTablets.vue'),
})
