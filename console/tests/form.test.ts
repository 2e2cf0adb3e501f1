import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { effectScope } from 'vue'
import { useForm } from '@/kit/form'
import { Refusal, byField } from '@/kit/problem'
import { speak } from '@/lang'

beforeAll(() => speak('zh'))
beforeEach(() => sessionStorage.clear())

describe('a form', () => {
  it("shows the API's notes beside their fields, in Chinese", async () => {
    const form = useForm({ name: '', rate: '' }, { names: { points_rate_bp: 'rate' } })
    await form.send(() => Promise.reject(new Refusal({ type: '/problems/shape-wrong', errors: { name: ['Missing data for required field.'], points_rate_bp: ['Not a valid integer.'] } }, 422)))
    expect(form.errors.value).toEqual({ name: ['请填写这一项。'], rate: ['须是数字。'] })
    expect(form.refusal.value).toBe('')
  })

  it('says what belongs to no field as one sentence', async () => {
    const form = useForm({ code: '' })
    await form.send(() => Promise.reject(new Refusal({ type: '/problems/shop-code-taken', title: 'Another shop has it.' }, 409)))
    expect(form.refusal.value).toBe('已有商户使用这个编号。')
  })

  it('keeps its key while the network is away and takes another after a success', async () => {
    const form = useForm({ code: '' })
    const keys: string[] = []
    await form.send((_, key) => (keys.push(key), Promise.reject(Refusal.offline())))
    await form.send((_, key) => (keys.push(key), Promise.resolve(1)))
    await form.send((_, key) => (keys.push(key), Promise.resolve(1)))
    expect(keys[0]).toBe(keys[1])
    expect(keys[2]).not.toBe(keys[1])
  })

  it('sends once however often it is tapped', async () => {
    const form = useForm({ code: '' })
    let sent = 0
    const act = () => new Promise<number>((done) => setTimeout(() => done((sent += 1)), 10))
    await Promise.all([form.send(act), form.send(act)])
    expect(sent).toBe(1)
  })

  it('puts back what was typed before the session ended, and forgets it after a success', async () => {
    const first = effectScope()
    first.run(() => {
      useForm({ name: '' }, { draft: 'shop-new' }).values.name = '海底捞'
    })
    first.stop()
    const form = effectScope().run(() => useForm({ name: '' }, { draft: 'shop-new' }))!
    expect([form.restored, form.values.name]).toEqual([true, '海底捞'])
    await form.send(() => Promise.resolve(1))
    expect(effectScope().run(() => useForm({ name: '' }, { draft: 'shop-new' }))!.restored).toBe(false)
  })

  it('reads nested notes by their path', () => {
    expect(byField({ lines: { 0: { name: ['x'] } } })).toEqual({ 'lines.0.name': ['x'] })
  })
})
