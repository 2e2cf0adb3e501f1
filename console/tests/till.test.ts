import { mount } from '@vue/test-utils'
import { createMemoryHistory, createRouter } from 'vue-router'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Schemas } from '@/kit/client'
import { i18n, speak, words } from '@/lang'
import { person, reasonOf } from '@/office/audit/words'
import Decide from '@/office/refunds/Decide.vue'
import RefundForm from '@/office/orders/RefundForm.vue'
import Charge from '@/shop/charge/Charge.vue'
import CodeBox from '@/shop/CodeBox.vue'
import Pad from '@/shop/Pad.vue'
import Payments from '@/shop/payments/Payments.vue'
import Refund from '@/shop/payments/Refund.vue'

const LINE = { line: 0, shop_id: 7, name: '消费', name_en: 'Purchase', category: '', quantity: 1, list_fen: 50_000, net_fen: 50_000, left_fen: 50_000, takes_benefits: true, earns: true }
const ORDER = { number: '26120101', state: 'paid', kind_title: { zh: '充值', en: 'Recharge' }, total_fen: 50_000, refunded_fen: 0, refundable_fen: 40_000, refunds_as_a_whole: true, lines: [LINE, { ...LINE, line: 1 }], tenders: [], refunds: [], points: null }
const REFUND = {
  number: 'R1', order_number: '26120101', state: 'waiting', amount_fen: 8_000, reason: '退货', asked_by: 'staff:3', asked_by_name: '王芳', decided_by: null, decided_by_name: null, asked_at: '2026-12-01T10:00:00+08:00', given_at: null,
  title: '海底捞', title_en: '海底捞', kind: 'plate', kind_title: { zh: '码牌支付', en: 'Plate' }, shop_id: null, member_id: 12, order_total_fen: 10_000, left_fen: 5_000, can_be_given: false,
  given_by: [{ tender: 'gateway', source_id: null, source: null, title: { zh: '微信支付', en: 'WeChat Pay' }, amount_fen: 8_000 }], gateway_fen: 0, points_fen: 0, points_back: 0, points_taken: 0, became_debt: 0, order_id: 5, payment_refund_id: null,
}

let answers: Record<string, { status?: number; body: unknown }> = {}
const global = { plugins: [i18n], stubs: { RouterLink: { template: '<a><slot /></a>' }, DetailPanel: { template: '<div><slot /><slot name="actions" /></div>' }, Confirm: true } }

beforeAll(async () => {
  ;(window as unknown as { happyDOM: { setURL: (url: string) => void } }).happyDOM.setURL('http://mall.test/office/demo/refunds')
  await speak('zh')
  await words(['audit', 'notices', 'orders', 'refunds', 'staff'])
  const { session } = await import('@/kit/client')
  session.permissions.value = new Set(['orders.approve', 'orders.read'])
}, 60_000)
beforeEach(() => {
  answers = {}
  vi.stubGlobal('fetch', async (request: Request) => {
    const { status = 200, body } = answers[`${request.method} ${new URL(request.url).pathname}`] ?? { status: 404, body: {} }
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' } })
  })
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((done) => setTimeout(done, 5))
}

async function charged(status: number, body: unknown): Promise<string> {
  answers['POST /v1/shop/charges'] = { status, body }
  const page = mount(Charge, { global })
  page.findComponent(Pad).vm.$emit('update:modelValue', 32_000)
  page.findComponent(Pad).vm.$emit('enter')
  await settled()
  page.findComponent(CodeBox).vm.$emit('code', '9'.repeat(18))
  await settled()
  const text = page.text()
  page.unmount()
  return text
}

describe('a charge that is refused', () => {
  it('says how much a pay code pays and what to do above that', async () => {
    const text = await charged(403, { type: '/problems/pin-needed', title: 'Please enter the PIN.', status: 403, is_set: true, limit_fen: 20_000 })
    expect(text).toContain('付款码最多付 ¥200.00，超出的请顾客扫码牌并输入支付密码。')
  })

  it('says that the wallet has too little, and for what it does not know asks for a fresh code', async () => {
    const closed = { ...ORDER, state: 'closed', payment_state: 'failed' }
    expect(await charged(201, { ...closed, payment_refusal: 'payer-balance-short' })).toContain('余额不足，请顾客换一种付款方式。')
    expect(await charged(201, { ...closed, payment_refusal: 'rule-limit' })).toContain('请顾客刷新后再出示')
  })
})

describe('the list of payments', () => {
  it('says everything that paid, and what went back of money and points', async () => {
    const row = { number: '1', kind: 'plate', kind_title: { zh: '码牌支付', en: 'Plate' }, state: 'paid', title: '海底捞', amount_fen: 60_000, refunded_fen: 10_000, channel: 'wechat', paid_by: { zh: '微信支付 + 储值本金 + 积分抵扣', en: '' }, points: 550, points_taken: 92, remark: null, at: '2026-12-01T10:00:00+08:00' }
    answers['GET /v1/shop/payments/day'] = { body: { on: '2026-12-01', count: 1, total_fen: 60_000, refunded_fen: 10_000 } }
    answers['GET /v1/shop/payments'] = { body: { items: [row], next_cursor: null } }
    const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:all(.*)', component: Payments }] })
    const page = mount(Payments, { global: { ...global, plugins: [i18n, router] } })
    await settled()
    const text = page.text()
    for (const words of ['微信支付 + 储值本金 + 积分抵扣', '已退 ¥100.00', '已扣回 92 分', '¥600.00', '¥500.00']) expect(text).toContain(words)
    page.unmount()
  })
})

describe('the form of a refund', () => {
  it('offers only what goes back of an order that goes back as a whole', () => {
    const office = mount(RefundForm, { props: { order: ORDER as unknown as Schemas['OfficeWholeOrder'], left: 40_000 }, global })
    expect(office.text()).toContain('全部 ¥400.00')
    expect(office.text()).not.toContain('¥500.00')
    expect(office.text()).not.toContain('指定金额')
    const shop = mount(Refund, { props: { order: ORDER as unknown as Schemas['ShopOrder'], lines: ORDER.lines, left: 40_000 }, global })
    expect(shop.text()).toContain('只能整单退回')
    expect(shop.text()).not.toContain('指定金额')
    expect(shop.text()).not.toContain('按明细')
  })

  it('names what is left of a line', async () => {
    const order = { ...ORDER, refunds_as_a_whole: false, lines: [{ ...LINE, left_fen: 20_000 }, { ...LINE, line: 1 }, { ...LINE, line: 2, left_fen: 0 }] }
    const shop = mount(Refund, { props: { order: order as unknown as Schemas['ShopOrder'], lines: order.lines, left: 70_000 }, global })
    await shop.findAll('button').find((one) => one.text().includes('按明细'))!.trigger('click')
    const offered = shop.findAll('[role=group] button').map((one) => one.text())
    expect(offered).toEqual(['消费 ¥200.00', '消费 ¥500.00'])
  })
})

describe('the second person', () => {
  it('sees what was bought, of which order, for whom and by whom it was asked for', async () => {
    answers['GET /v1/office/order-refunds/R1'] = { body: { ...REFUND, left_fen: 10_000, can_be_given: true } }
    const panel = mount(Decide, { props: { number: 'R1' }, global })
    await settled()
    for (const words of ['26120101', '海底捞', '码牌支付', '12', '王芳', '微信支付', '¥80.00', '同意退款']) expect(panel.text()).toContain(words)
    expect(panel.text()).not.toContain('员工 3')
  })

  it('is told that it exceeds what is left instead of the button', async () => {
    answers['GET /v1/office/order-refunds/R1'] = { body: REFUND }
    const panel = mount(Decide, { props: { number: 'R1' }, global })
    await settled()
    expect(panel.text()).toContain('现在只剩 ¥50.00 可退')
    expect(panel.findAll('button').map((one) => one.text())).not.toContain('同意退款')
  })
})

describe('the words of moves', () => {
  it('are in the language in use; what a person wrote stays', async () => {
    expect(['paid', 'cancelled', 'late', 'notice 54', '顾客退货'].map(reasonOf)).toEqual(['付款到账', '顾客取消', '到账太晚，原路退回', '钱包通知（54 号）', '顾客退货'])
    expect(person('gateway:wechat')).toBe('微信支付')
  })
})
