/** Light, dark, or as the device says. */
import { ref } from 'vue'

export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'mallbridge.theme'
export const theme = ref<Theme>((localStorage.getItem(KEY) as Theme | null) ?? 'auto')
/** Changes whenever the colours do: a canvas must be drawn again. */
export const painted = ref(0)

const device = window.matchMedia('(prefers-color-scheme: dark)')

export function isDark(): boolean {
  return theme.value === 'dark' || (theme.value === 'auto' && device.matches)
}

export function wear(wanted: Theme): void {
  theme.value = wanted
  localStorage.setItem(KEY, wanted)
  if (wanted === 'auto') document.documentElement.removeAttribute('data-theme')
  else document.documentElement.setAttribute('data-theme', wanted)
  painted.value += 1
}

device.addEventListener('change', () => {
  painted.value += 1
})
