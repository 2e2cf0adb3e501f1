import { beforeAll, describe, expect, it } from 'vitest'
import { count, day, difference, duration, money, percent, when } from '@/kit/formats'
import { speak } from '@/lang'

beforeAll(() => speak('zh'))

describe('numbers and times as people read them', () => {
  it('writes whole fen as yuan, thousands separated, with a true minus', () => {
    expect(money(123_450)).toBe('¥1,234.50')
    expect(money(5)).toBe('¥0.05')
    expect(money(-99_900)).toBe('−¥999.00')
    expect(money(12_345_678_901)).toBe('¥123,456,789.01')
    expect(money(null)).toBe('—')
  })

  it('writes counts, differences and shares', () => {
    expect(count(1_234_567)).toBe('1,234,567')
    expect(difference(50)).toBe('+50')
    expect(difference(-50)).toBe('−50')
    expect(percent(0.375)).toBe('37.5%')
    expect(percent(1)).toBe('100%')
  })

  it("says today and yesterday in the mall's own time", () => {
    const now = new Date('2026-11-22T17:00:00Z') // one in the morning of the 23rd in Shanghai
    expect(when('2026-11-22T16:05:00Z', now)).toBe('今天 00:05')
    expect(when('2026-11-22T15:59:00Z', now)).toBe('昨天 23:59')
    expect(when('2026-11-20T06:05:00Z', now)).toBe('2026-11-20 14:05')
    expect(day('2026-05-01')).toBe('2026-05-01')
  })

  it('says how long in two units', () => {
    expect(duration(3 * 3600 + 5 * 60 + 9)).toBe('3 小时 5 分')
    expect(duration(0)).toBe('0 秒')
  })

  it('speaks English after the switch', async () => {
    await speak('en')
    expect(when('2026-11-22T16:05:00Z', new Date('2026-11-22T17:00:00Z'))).toBe('Today 00:05')
    await speak('zh')
  })
})
