import { page } from '@/kit/page'

/** One member's record; it has no place in the navigation, because one comes to it from a search. */
export default page({
  path: 'members/:number(\\d+)',
  title: 'office.member.title',
  permission: 'members.read',
  words: ['members', 'merges'],
  component: () => import('./Member.vue'),
})
