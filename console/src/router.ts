/** Every page found in src/office and src/shop; who may not see one is told so, who is not signed in signs in and comes back. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { loadPermissions, may, session } from '@/kit/client'
import { loadMall } from '@/kit/mall'
import type { Page } from '@/kit/page'
import { place, root } from '@/kit/place'
import { Refusal } from '@/kit/problem'
import { learnNames, words } from '@/lang'

const found: Record<'office' | 'shop', Record<string, { default: Page }>> = {
  office: import.meta.glob('./office/*/page.ts', { eager: true }),
  shop: import.meta.glob('./shop/*/page.ts', { eager: true }),
}

/** A page of the desk comes with its words. */
function withWords(path: string, page: Page): Page {
  if (place.entrance === 'shop') return page
  const folders = [path.split('/').at(-2)!, ...(page.words ?? [])]
  return { ...page, component: async () => (await Promise.all([page.component(), words(folders), page.names ? learnNames() : undefined]))[0] }
}

/** The pages of this entrance, in the order of the navigation. */
export const pages: Page[] = Object.entries(found[place.entrance])
  .map(([path, module]) => withWords(path, module.default))
  .sort((a, b) => (a.order ?? 999) - (b.order ?? 999))

export function addressOf(page: Page): string {
  return `${root}/${page.path.replace(/\/?:.*$/, '')}`
}

/** The pages that the role allows and that stand in the navigation. */
export function allowed(): Page[] {
  return pages.filter((one) => one.group !== undefined && may(one.permission))
}

const routes: RouteRecordRaw[] = [
  { path: `${root}/sign-in`, component: () => import('./kit/SignIn.vue'), meta: { open: true } },
  { path: `${root}/password`, component: () => import('./kit/SetPassword.vue'), meta: { open: true } },
  {
    path: root,
    component: () => import('./kit/Layout.vue'),
    children: [
      { path: '', name: 'home', component: () => import('./kit/Home.vue') },
      { path: 'account', name: 'account', component: () => import('./kit/OwnAccount.vue') },
      ...pages.map((one) => ({ path: one.path, component: one.component, meta: { page: one } })),
      { path: ':lost(.*)*', component: () => import('./kit/Lost.vue') },
    ],
  },
  { path: '/:lost(.*)*', component: () => import('./kit/NoMall.vue'), meta: { open: true } },
]

export const router = createRouter({ history: createWebHistory('/'), routes, strict: false })

router.beforeEach(async (to) => {
  if (place.mall === '') return true
  try {
    await loadMall()
    if (to.meta.open) return true
    if (session.signedIn.value && session.permissions.value === null) await loadPermissions()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (!error.ended) return true // the layout shows what is wrong and tries again
  }
  if (!session.signedIn.value && !to.meta.open) return { path: `${root}/sign-in`, query: { back: to.fullPath } }
  if (session.due.value.length > 0 && !to.meta.open && to.name !== 'account') return { name: 'account' }
  return true
})
