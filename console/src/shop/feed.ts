/** What came in while this tablet is on: each payment rings once, whichever way it was heard of. An alarm about the plate stays until answered. */
import { ref, shallowRef } from 'vue'
import { api, ask } from '@/kit/client'
import { money } from '@/kit/formats'
import { root } from '@/kit/place'
import { Refusal } from '@/kit/problem'
import { listen, listening, type LiveMessage } from '@/kit/stream'
import { t } from '@/lang'
import { ring, speak } from './sound'

export interface Rung {
  kind: 'payment' | 'refund'
  number: string
  amount: number
  remark: string | null
  points: number | null
  count: number | null
  total: number | null
  at: Date
}

export interface Alarm {
  about: string
  minutes: number | null
  finding: string | null
  at: number
}

const FRESH = 120_000 // an older one is shown, and not rung: it was missed while the tablet was away
const SHOWN = 12_000
const KEY = `mallbridge.alarm.${root}`

/** The newest one, for a while, over every page. */
export const newest = shallowRef<Rung | null>(null)
/** How many rang while another was still shown. */
export const more = ref(0)
/** Grows with everything heard: a list looks again. */
export const heardOf = ref(0)
export const alarm = shallowRef<Alarm | null>(JSON.parse(localStorage.getItem(KEY) ?? 'null') as Alarm | null)

const UNTIL = `mallbridge.rung.${root}`

const rung = new Set<string>()
let timer = 0

/** Until when payments have rung on this tablet; one that is asked for later and is newer was missed. */
function until(): number {
  const kept = Number(localStorage.getItem(UNTIL))
  if (kept > 0) return kept
  localStorage.setItem(UNTIL, String(Date.now()))
  return Date.now()
}

const ASK = 5_000

/** Begin to listen; while the stream is away the newest payments are asked for instead. The returned function ends both. */
export function startFeed(): () => void {
  const end = listen(hear)
  until()
  const timer = window.setInterval(() => listening.value || document.hidden || void askNewest(), ASK)
  return () => {
    end()
    window.clearInterval(timer)
  }
}

async function askNewest(): Promise<void> {
  try {
    const page = await ask(api.GET('/v1/shop/payments', { params: { query: { limit: 10 } } }))
    if (page.items.every((one) => rung.has(`payment:${one.number}`) || Date.parse(one.at) <= until())) return
    found(page.items, await ask(api.GET('/v1/shop/payments/day')))
    heardOf.value += 1
  } catch (error) {
    if (!(error instanceof Refusal)) throw error // the bar above the page says that the network is away
  }
}

function hear(message: LiveMessage): void {
  if (message.event === 'payment') payment(message)
  else if (message.event === 'refund') refund(message)
  else if (message.event === 'plate_alarm') setAlarm(alarmOf(message))
  else if (message.event === 'plate_alarm_over' && alarm.value?.about === message.about) setAlarm(null)
}

function payment(message: LiveMessage): void {
  const at = new Date(String(message.at))
  heardOf.value += 1
  show({
    kind: 'payment',
    number: String(message.number),
    amount: Number(message.amount_fen),
    remark: (message.remark as string | null) ?? null,
    points: (message.points as number | null) ?? null,
    count: Number(message.count),
    total: Number(message.total_fen),
    at,
  })
}

function refund(message: LiveMessage): void {
  heardOf.value += 1
  show({
    kind: 'refund',
    number: String(message.refund),
    amount: Number(message.amount_fen),
    remark: null,
    points: null,
    count: null,
    total: null,
    at: new Date(),
  })
}

/** A payment that a list shows and that was not heard of: the stream was away. */
export function found(payments: readonly { number: string; amount_fen: number; remark: string | null; points: number | null; at: string }[], day: { count: number; total_fen: number }): void {
  const heard = until()
  for (const one of [...payments].reverse()) {
    if (Date.parse(one.at) <= heard) continue
    show({ kind: 'payment', number: one.number, amount: one.amount_fen, remark: one.remark, points: one.points, count: day.count, total: day.total_fen, at: new Date(one.at) })
  }
}

function show(one: Rung): void {
  const key = `${one.kind}:${one.number}`
  if (rung.has(key)) return
  rung.add(key)
  if (one.kind === 'payment') localStorage.setItem(UNTIL, String(Math.max(until(), one.at.getTime())))
  if (Date.now() - one.at.getTime() > FRESH) return
  more.value = newest.value === null ? 0 : more.value + 1
  newest.value = one
  window.clearTimeout(timer)
  timer = window.setTimeout(hide, SHOWN)
  ring(one.kind === 'payment' ? 'money' : 'back')
  speak(words(one))
}

function words(one: Rung): string {
  if (one.kind === 'refund') return t('shop.payments.spokenRefund', { amount: spoken(one.amount) })
  return t('shop.payments.spoken', { amount: spoken(one.amount), n: one.count, total: spoken(one.total ?? 0) })
}

function spoken(fen: number): string {
  return money(fen).replace(/[^0-9.]/g, '').replace(/\.00$/, '')
}

export function hide(): void {
  newest.value = null
  more.value = 0
}

function alarmOf(message: LiveMessage): Alarm {
  return { about: String(message.about), minutes: (message.minutes as number | undefined) ?? null, finding: (message.finding as string | undefined) ?? null, at: Date.now() }
}

function setAlarm(next: Alarm | null): void {
  alarm.value = next
  if (next === null) localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, JSON.stringify(next))
  if (next) {
    ring('alarm')
    speak(t(`shop.payments.alarm.${next.about}`))
  }
}

/** Somebody at the till has looked. */
export function answerAlarm(): void {
  setAlarm(null)
}
