import { mount } from '@vue/test-utils'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import DataTable from '@/kit/DataTable.vue'
import { i18n, speak } from '@/lang'
import { codeIn } from '@/shop/check/scanner'

const evil = '<img src=x onerror="alert(1)">\u202Etxet' + '名'.repeat(10_000)

beforeAll(() => speak('zh'))

async function table(load: (query: { cursor?: string; limit: number }) => Promise<{ items: { id: number; name: string }[]; next_cursor?: string | null }>) {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: { template: '<p />' } }] })
  const columns = [{ key: 'name', title: 'office.shops.name' }]
  const mounted = mount(DataTable, { props: { name: 'tested', label: 'x', columns, load, empty: '空' } as never, global: { plugins: [router, i18n] } })
  await new Promise((done) => setTimeout(done, 0))
  return mounted
}

describe('what comes from data', () => {
  it('is shown as text, whatever it holds', async () => {
    const mounted = await table(async () => ({ items: [{ id: 1, name: evil }] }))
    expect(mounted.find('td').text()).toBe(evil)
    expect(mounted.find('img').exists()).toBe(false)
  })

  it('goes forward and back by the cursors of the server', async () => {
    const asked: (string | undefined)[] = []
    const mounted = await table(async ({ cursor }) => {
      asked.push(cursor)
      return { items: [{ id: 1, name: cursor ?? 'first' }], next_cursor: cursor === undefined ? 'second' : null }
    })
    const [back, forward] = mounted.findAll('nav button')
    await forward!.trigger('click')
    await new Promise((done) => setTimeout(done, 0))
    expect(mounted.find('td').text()).toBe('second')
    await back!.trigger('click')
    await new Promise((done) => setTimeout(done, 0))
    expect(asked).toEqual([undefined, 'second', undefined])
  })

  it('says what an empty list would hold', async () => {
    expect((await table(async () => ({ items: [] }))).text()).toContain('空')
  })
})

describe('a member code', () => {
  it('is taken out of what a scanner or a hand gives', () => {
    expect(codeIn('abcd-1234-efgh-5678\n')).toBe('ABCD1234EFGH5678')
    expect(codeIn('https://mall.test/m/demo/?code=ABCD1234EFGH5678')).toBe('ABCD1234EFGH5678')
    expect(codeIn('  ABCD 1234 EFGH 5678 ')).toBe('ABCD1234EFGH5678')
    expect(codeIn('short')).toBe('SHORT')
  })
})
