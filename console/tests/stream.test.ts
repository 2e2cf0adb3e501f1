import { describe, expect, it } from 'vitest'
import { parse } from '@/kit/stream'

describe('the live stream', () => {
  it('gives a message with its id, whatever the line ends', () => {
    expect(parse('id: 17-0\r\ndata: {"event":"payment","amount_fen":3850}')).toEqual({ id: '17-0', message: { event: 'payment', amount_fen: 3850 }, retry: 0 })
  })

  it('remembers where it is before the first message', () => {
    expect(parse('id: 16-4')).toEqual({ id: '16-4', message: null, retry: 0 })
  })

  it('is told how long to wait when it gave way to newer streams', () => {
    expect(parse('retry: 60000')).toEqual({ id: '', message: null, retry: 60_000 })
  })

  it('takes a sign of life, and what it cannot read, for no message', () => {
    expect(parse(': ping')).toEqual({ id: '', message: null, retry: 0 })
    expect(parse('id: 18-0\ndata: {"event":')).toEqual({ id: '18-0', message: null, retry: 0 })
  })
})
