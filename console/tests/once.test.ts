import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const account = { id: 1, login: 'cafe', name: '店员', role: 'shop_clerk', shop_id: 7 }
const PAID = { number: '26120100', state: 'paid', payment_state: 'paid', total_fen: 6_000, points: 60, tenders: [] }

type Reply = 'cut' | 'unfinished' | { status: number; body: unknown }

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' } })
}

/** The API answers acts of value as listed, the last one for ever; the keys they came with are kept. */
async function fresh(...replies: Reply[]) {
  vi.resetModules()
  ;(window as unknown as { happyDOM: { setURL: (url: string) => void } }).happyDOM.setURL('http://mall.test/shop/demo/charge')
  const { keep } = await import('@/kit/session')
  keep({ access_token: 'access', refresh_token: 'refresh', expires_in: 900, account })
  const keys: string[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const key = request.headers.get('Idempotency-Key')
    if (key === null) return json({}, 404)
    const reply = replies[Math.min(keys.length, replies.length - 1)]!
    keys.push(key)
    if (reply === 'cut') throw new TypeError('network error')
    if (reply === 'unfinished') return json({ type: '/problems/request-unfinished', title: 'Unfinished.', status: 409 }, 409)
    return json(reply.body, reply.status)
  })
  return { keys, client: await import('@/kit/client'), problem: await import('@/kit/problem') }
}

beforeEach(() => {
  localStorage.clear()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const CHARGE = { auth_code: '130000000000000000', purchase: { kind: 'charge' as const, amount_fen: 6_000, excluded_fen: 0 } }

describe('an act of value', () => {
  it('is asked about with its own key until its answer comes', async () => {
    const { client, keys } = await fresh('cut', 'unfinished', 'unfinished', { status: 201, body: PAID })
    const charged = client.ask(client.api.POST('/v1/shop/charges', { params: { header: { 'Idempotency-Key': 'one-key-of-mine' } }, body: CHARGE }))
    await vi.advanceTimersByTimeAsync(1)
    expect(client.askingAgain.value).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await charged).number).toBe('26120100')
    expect(keys).toEqual(Array(4).fill('one-key-of-mine'))
    expect(client.askingAgain.value).toBe(0)
  })

  it('is asked about with growing pauses that come to an end, and is unknown then', async () => {
    const { client, keys, problem } = await fresh('unfinished')
    const charged = client.ask(client.api.POST('/v1/shop/charges', { params: { header: { 'Idempotency-Key': 'one-key-of-mine' } }, body: CHARGE })).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(600_000)
    const refusal = (await charged) as InstanceType<typeof problem.Refusal>
    expect([refusal.type, refusal.unknown, keys.length]).toEqual(['request-unfinished', true, 6])
  })

  it('keeps its key while the outcome is unknown and takes another after an outcome', async () => {
    const { problem } = await fresh('cut')
    const { once } = await import('@/kit/once')
    const run = once()
    const keys: string[] = []
    const answers = [problem.Refusal.answerLost(), new problem.Refusal({ type: 'request-unfinished' }, 409), new problem.Refusal({ type: 'order-paid' }, 409), null]
    for (const answer of answers) await run((key) => (keys.push(key), answer ? Promise.reject(answer) : Promise.resolve())).catch(() => undefined)
    expect(keys[0]).toBe(keys[1])
    expect(keys[1]).toBe(keys[2])
    expect(keys[3]).not.toBe(keys[2])
  })
})

describe('the card of a charge', { timeout: 30_000 }, () => {
  async function page(...replies: Reply[]) {
    const { keys } = await fresh(...replies)
    const { mount } = await import('@vue/test-utils')
    const { speak, i18n } = await import('@/lang')
    await speak('zh')
    const Charge = (await import('@/shop/charge/Charge.vue')).default
    const CodeBox = (await import('@/shop/CodeBox.vue')).default
    const Pad = (await import('@/shop/Pad.vue')).default
    const wrapper = mount(Charge, { global: { plugins: [i18n] } })
    wrapper.findComponent(Pad).vm.$emit('update:modelValue', 6_000)
    wrapper.findComponent(Pad).vm.$emit('enter')
    await vi.advanceTimersByTimeAsync(1)
    wrapper.findComponent(CodeBox).vm.$emit('code', CHARGE.auth_code)
    await vi.advanceTimersByTimeAsync(1)
    return { wrapper, keys }
  }

  it('never says that nothing was taken while the charge runs, and is put right when the payment arrives', async () => {
    const { wrapper, keys } = await page('cut', 'unfinished', 'unfinished', 'unfinished', { status: 201, body: PAID })
    const seen: string[] = []
    for (let second = 0; second < 40; second += 1) {
      seen.push(wrapper.text())
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(seen[0]).toContain('还不知道结果')
    expect(seen.join()).not.toContain('没有扣款')
    expect(seen.join()).not.toContain('没有收成')
    expect(wrapper.text()).toContain('收款成功')
    expect(new Set(keys).size).toBe(1)
  })

  it('asks with the same key when the clerk asks again, and when the tablet hears of a payment', async () => {
    const { wrapper, keys } = await page(...Array<Reply>(8).fill('unfinished'), { status: 201, body: PAID })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(wrapper.text()).toContain('请不要重新收款')
    expect(keys.length).toBe(6)
    const { heardOf } = await import('@/shop/feed')
    heardOf.value += 1
    await vi.advanceTimersByTimeAsync(60_000)
    expect(wrapper.text()).toContain('收款成功')
    expect(new Set(keys).size).toBe(1)
  })

  it('says that nothing was taken when the wallet refused', async () => {
    const { wrapper } = await page({ status: 201, body: { ...PAID, state: 'closed', payment_state: 'failed' } })
    expect(wrapper.text()).toContain('没有扣款')
  })
})
