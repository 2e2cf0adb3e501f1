import { describe, expect, it } from 'vitest'
import { Refusal } from '@/kit/problem'
import { sentenceOf } from '@/kit/said'
import { learnNames, nameOf, namesOf, speak } from '@/lang'

describe('what the server names', () => {
  it('is called by the words in the folder of its noun, in the language in use', async () => {
    await speak('zh')
    await learnNames()
    expect(nameOf('permissions', 'own_sales.read')).toBe('看本店销售')
    expect(nameOf('jobs', 'plates.watch_silence')).toBe('找出忙时没有收款的门店')
    expect(namesOf('subjects')).toContain('plate_alarm')
    await speak('en')
    expect(nameOf('tables', 'shops')).toBe('Shops')
    expect(nameOf('deeds', 'opened the account')).toBe('Opened the account')
  })

  it('keeps its own name without words', () => {
    expect(nameOf('deeds', 'burned the shop')).toBe('burned the shop')
  })
})

describe('a refusal', () => {
  it('is told in Chinese by its noun, in English by the API, or here when the API has no sentence', async () => {
    const closed = new Refusal({ type: '/problems/shop-closed', title: 'This shop has closed.' }, 409)
    const late = new Refusal({ type: 'given-up' }, 409)
    await speak('zh')
    expect(sentenceOf(closed)).toBe('这家商户已停业。')
    expect(sentenceOf(late)).toContain('已放弃')
    await speak('en')
    expect(sentenceOf(closed)).toBe('This shop has closed.')
    expect(sentenceOf(late)).toContain('given up')
  })
})
