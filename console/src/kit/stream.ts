/** The live stream (Server-Sent Events), read with the session's token. It resumes after the last message seen, also after a reload. */
import { ref } from 'vue'
import { place, root } from './place'
import { accessToken } from './session'

export interface LiveMessage {
  event: string
  [fact: string]: unknown
}

/** Whether the stream is open; while it is not, pages ask again by themselves. */
export const listening = ref(false)

const SOONEST = 1_000
const LATEST = 15_000
const SILENCE = 40_000 // the stream says something every 15 s
const KEY = `mallbridge.live.${root}`

const listeners = new Set<(message: LiveMessage) => void>()
let running: AbortController | null = null

/** Hear every message; the returned function ends it. The first listener opens the stream, the last one closes it. */
export function listen(hear: (message: LiveMessage) => void): () => void {
  listeners.add(hear)
  if (running === null) void follow((running = new AbortController()))
  return () => {
    listeners.delete(hear)
    if (listeners.size > 0) return
    running?.abort()
    running = null
    listening.value = false
  }
}

async function follow(mine: AbortController): Promise<void> {
  let pause = SOONEST
  while (!mine.signal.aborted) {
    const began = Date.now()
    retry = 0
    try {
      await read(mine)
    } catch {
      // cut, silent, refused or ended with its token: opened again below
    }
    if (mine.signal.aborted) return
    listening.value = false
    pause = Date.now() - began > LATEST ? SOONEST : Math.min(pause * 2, LATEST)
    await wake(Math.max(pause, retry))
  }
}

/** Wait, but not longer than until the network is back. */
function wake(ms: number): Promise<void> {
  return new Promise((done) => {
    const go = (): void => {
      window.clearTimeout(timer)
      window.removeEventListener('online', go)
      done()
    }
    const timer = window.setTimeout(go, ms)
    window.addEventListener('online', go)
  })
}

let origin: string | null = null
let retry = 0 // milliseconds that the stream asked to wait: it gave way to newer ones of the same account

async function address(): Promise<string> {
  if (origin === null) {
    const told = (await (await fetch(`/${place.entrance}/${encodeURIComponent(place.mall)}/settings.json`)).json()) as { live?: string }
    origin = told.live ?? ''
  }
  const last = localStorage.getItem(KEY)
  return `${origin}/v1/live${last ? `?last_event_id=${encodeURIComponent(last)}` : ''}`
}

async function read(mine: AbortController): Promise<void> {
  const token = await accessToken()
  if (token === null) return
  const cut = new AbortController()
  const stop = (): void => cut.abort()
  let timer = window.setTimeout(stop, SILENCE)
  mine.signal.addEventListener('abort', stop)
  window.addEventListener('offline', stop)
  try {
    const answer = await fetch(await address(), { headers: { Authorization: `Bearer ${token}` }, signal: cut.signal, cache: 'no-store' })
    if (!answer.ok || answer.body === null) return
    listening.value = true
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      window.clearTimeout(timer)
      timer = window.setTimeout(stop, SILENCE)
      const pieces = (rest + value).split(/\r?\n\r?\n/)
      rest = pieces.pop() ?? ''
      pieces.forEach(hand)
    }
  } finally {
    window.clearTimeout(timer)
    window.removeEventListener('offline', stop)
    mine.signal.removeEventListener('abort', stop)
  }
}

/** One event of the stream: “id: …”, “data: …”, “retry: …”; a line that begins with a colon says only that the stream lives. */
export function parse(piece: string): { id: string; message: LiveMessage | null; retry: number } {
  const fields: Record<string, string[]> = {}
  for (const line of piece.split(/\r?\n/)) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
    if (name) (fields[name] ??= []).push(value ?? '')
  }
  const id = fields.id?.[0] ?? ''
  const wait = Number(fields.retry?.[0] ?? 0) || 0
  try {
    return { id, message: fields.data ? (JSON.parse(fields.data.join('\n')) as LiveMessage) : null, retry: wait }
  } catch {
    return { id, message: null, retry: wait }
  }
}

function hand(piece: string): void {
  const { id, message, retry: wait } = parse(piece)
  if (wait) retry = wait
  if (id) localStorage.setItem(KEY, id)
  if (message) listeners.forEach((hear) => hear(message))
}
