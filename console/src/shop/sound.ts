/** The tablet's voice: a ring for money, a low one for trouble, and the sum spoken where the browser can. Browsers stay silent until touched. */
import { ref } from 'vue'
import { language } from '@/lang'

const KEY = 'mallbridge.voice'

/** Whether the tablet can be heard; believed until the browser has had time to say otherwise. */
export const heard = ref(true)
/** Whether sums are spoken. */
export const speaks = ref(localStorage.getItem(KEY) !== 'no')

const SAYS = 1_000 // what is allowed to sound without a touch begins to run a moment after it is made

let audio: AudioContext | null = null

/** Find out whether this browser lets the tablet ring already. */
export function listen(): void {
  if (audio) return
  const look = () => (heard.value = audio?.state === 'running')
  try {
    audio = new AudioContext()
    audio.onstatechange = look
  } catch {
    // A browser without sound says so like a silent one.
  }
  window.setTimeout(look, SAYS)
}

/** Called at a touch: from then on the tablet may ring. */
export async function unlock(): Promise<void> {
  listen()
  await audio?.resume().catch(() => undefined)
}

const RINGS = {
  money: [
    [784, 0],
    [988, 0.14],
    [1319, 0.28],
  ],
  back: [
    [660, 0],
    [494, 0.18],
  ],
  alarm: [
    [220, 0],
    [180, 0.2],
    [220, 0.4],
    [180, 0.6],
  ],
} as const

/** Ring; silent where sound is not allowed: colour and words say the same. */
export function ring(what: keyof typeof RINGS): void {
  if (audio === null || audio.state !== 'running') return
  for (const [pitch, at] of RINGS[what]) {
    const voice = audio.createOscillator()
    const loudness = audio.createGain()
    voice.frequency.value = pitch
    voice.type = what === 'alarm' ? 'square' : 'triangle'
    loudness.gain.setValueAtTime(what === 'alarm' ? 0.25 : 0.4, audio.currentTime + at)
    loudness.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + 0.35)
    voice.connect(loudness).connect(audio.destination)
    voice.start(audio.currentTime + at)
    voice.stop(audio.currentTime + at + 0.36)
  }
}

/** Speak a sentence after the ring. */
export function speak(sentence: string): void {
  if (!speaks.value || !heard.value || !('speechSynthesis' in window)) return
  const said = new SpeechSynthesisUtterance(sentence)
  said.lang = language.value === 'zh' ? 'zh-CN' : 'en-US'
  window.speechSynthesis.cancel()
  window.speechSynthesis.speak(said)
}

export function setSpeaks(on: boolean): void {
  speaks.value = on
  localStorage.setItem(KEY, on ? 'yes' : 'no')
}
