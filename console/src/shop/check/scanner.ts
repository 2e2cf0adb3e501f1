/** A QR code (or the bar code above a payment code) by the tablet's camera, where the browser can read one. */
interface Detected {
  rawValue: string
}

interface Detector {
  detect: (source: HTMLVideoElement) => Promise<Detected[]>
}

declare const BarcodeDetector: undefined | { new (options: { formats: string[] }): Detector; getSupportedFormats: () => Promise<string[]> }

export async function canScan(): Promise<boolean> {
  if (typeof BarcodeDetector === 'undefined' || !navigator.mediaDevices) return false
  return (await BarcodeDetector.getSupportedFormats().catch((): string[] => [])).includes('qr_code')
}

export type CameraTrouble = 'denied' | 'missing' | 'busy'

/** Watch the camera until a code is seen; the returned function ends it. Throws a CameraTrouble. */
export async function watch(video: HTMLVideoElement, seen: (code: string) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).catch((error: unknown) => {
    const name = error instanceof DOMException ? error.name : ''
    const trouble: CameraTrouble = name === 'NotAllowedError' ? 'denied' : name === 'NotFoundError' ? 'missing' : 'busy'
    throw trouble
  })
  video.srcObject = stream
  await video.play()
  const formats = (await BarcodeDetector!.getSupportedFormats()).filter((one) => one === 'qr_code' || one === 'code_128')
  const detector = new BarcodeDetector!({ formats })
  let on = true
  const look = async (): Promise<void> => {
    if (!on) return
    const found = await detector.detect(video).catch(() => [])
    if (found[0] && on) seen(found[0].rawValue)
    window.setTimeout(() => void look(), 200)
  }
  void look()
  return () => {
    on = false
    stream.getTracks().forEach((track) => track.stop())
    video.srcObject = null
  }
}

/** Two notes up for yes, one low for no; silent where sound is not allowed. */
export function chime(well: boolean): void {
  try {
    const audio = new AudioContext()
    const notes = well ? [660, 990] : [220, 180]
    notes.forEach((pitch, at) => {
      const voice = audio.createOscillator()
      const loudness = audio.createGain()
      voice.frequency.value = pitch
      voice.type = well ? 'sine' : 'square'
      loudness.gain.value = 0.15
      voice.connect(loudness).connect(audio.destination)
      voice.start(audio.currentTime + at * 0.16)
      voice.stop(audio.currentTime + at * 0.16 + 0.14)
    })
    window.setTimeout(() => void audio.close(), 800)
  } catch {
    // a tablet without sound still shows colour and words
  }
}

/** What a QR code of the mini-program, a scanner gun or a clerk gives: the code alone. */
export function codeIn(text: string): string {
  const found = /(?:code=)?([0-9A-Za-z][0-9A-Za-z -]{14,22}[0-9A-Za-z])\s*$/.exec(text.trim())
  return (found?.[1] ?? text).replace(/[\s-]/g, '').toUpperCase()
}
