import { page } from '@/kit/page'

export default page({
  path: 'exports',
  title: 'office.exports.title',
  group: 'system',
  order: 930,
  permission: 'exports.make',
  words: ['audit'],
  names: true,
  component: () => import('./Exports.vue'),
})
