/** ECharts, only the parts in use, in the colours of the tokens. Loaded when a chart is first shown. */
import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

/** A role of colour of the tokens. */
export type Tone = 'accent' | 'gain' | 'warn' | 'stop' | 'text-soft'

export interface Shown {
  kind: 'bar' | 'line'
  labels: readonly string[]
  series: readonly { name: string; values: readonly (number | null)[]; tone?: Tone }[]
  stacked: boolean
  text: (value: number | null) => string
}

export interface Drawn {
  show: (shown: Shown) => void
  dispose: () => void
}

const PALETTE: readonly Tone[] = ['accent', 'warn', 'text-soft', 'gain', 'stop']

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

export function chart(element: HTMLElement): Drawn {
  const drawn = init(element, undefined, { renderer: 'canvas' })
  const observer = new ResizeObserver(() => drawn.resize())
  observer.observe(element)
  return {
    show: (shown) => drawn.setOption(option(shown), true),
    dispose: () => {
      observer.disconnect()
      drawn.dispose()
    },
  }
}

function option(shown: Shown): Record<string, unknown> {
  const text = { color: token('--text-soft'), fontSize: 16 }
  const line = { lineStyle: { color: token('--line') } }
  // Half a receipt is no step of an axis.
  const whole = shown.series.every((one) => one.values.every((value) => value === null || Number.isInteger(value)))
  return {
    animationDuration: window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 300,
    color: shown.series.map((one, at) => token(`--${one.tone ?? PALETTE[at % PALETTE.length]}`)),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 16 },
    aria: { enabled: false },
    grid: { left: 8, right: 8, top: shown.series.length > 1 ? 40 : 16, bottom: 8, containLabel: true },
    legend: shown.series.length > 1 ? { top: 0, textStyle: { ...text, color: token('--text') } } : undefined,
    // Rich text is drawn on the canvas: a tooltip of HTML would need style attributes, which the page's policy forbids.
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      backgroundColor: token('--surface-raised'),
      borderColor: token('--line'),
      textStyle: { color: token('--text'), fontSize: 16 },
      valueFormatter: (value: unknown) => shown.text(typeof value === 'number' ? value : null),
    },
    xAxis: { type: 'category', data: [...shown.labels], axisLabel: text, axisLine: line, axisTick: { show: false } },
    yAxis: { type: 'value', min: (range: { min: number }) => Math.min(0, range.min), minInterval: whole ? 1 : 0, axisLabel: text, splitLine: line },
    series: shown.series.map((one) => ({
      name: one.name,
      type: shown.kind,
      data: [...one.values],
      stack: shown.stacked ? 'all' : undefined,
      barMaxWidth: 40,
      showSymbol: one.values.length < 40,
    })),
  }
}
