import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const account = { id: 1, login: 'admin', name: '管理员', role: 'administrator', shop_id: null }

function tokens(name: string, seconds = 900) {
  return { access_token: `access-${name}`, refresh_token: `refresh-${name}`, expires_in: seconds, account }
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
}

async function fresh() {
  vi.resetModules()
  return { session: await import('@/kit/session'), client: await import('@/kit/client') }
}

beforeEach(() => {
  ;(window as unknown as { happyDOM: { setURL: (url: string) => void } }).happyDOM.setURL('http://mall.test/office/demo/today')
  localStorage.clear()
})
afterEach(() => vi.unstubAllGlobals())

describe('a session', () => {
  it('renews once for calls made at the same time', async () => {
    const { session, client } = await fresh()
    session.keep(tokens('old', 1))
    let renewals = 0
    const seen: string[] = []
    vi.stubGlobal('fetch', async (input: Request | string) => {
      const url = typeof input === 'string' ? input : input.url
      if (url.endsWith('/staff-tokens')) {
        renewals += 1
        await new Promise((done) => setTimeout(done, 20))
        return json(tokens('new'))
      }
      seen.push((input as Request).headers.get('Authorization') ?? '')
      return json({ account, permissions: [] })
    })
    await Promise.all([1, 2, 3].map(() => client.ask(client.api.GET('/v1/office/me'))))
    expect(renewals).toBe(1)
    expect(seen).toEqual(['Bearer access-new', 'Bearer access-new', 'Bearer access-new'])
  })

  it('takes what another tab has renewed instead of using the refresh token twice', async () => {
    const { session } = await fresh()
    session.keep(tokens('old'))
    const key = Object.keys(localStorage).find((name) => name.startsWith('mallbridge.office'))!
    localStorage.setItem(key, JSON.stringify({ access: 'access-theirs', refresh: 'r', ends: Date.now() + 900_000, account }))
    const spoken = vi.fn()
    vi.stubGlobal('fetch', spoken)
    expect(await session.renew('access-old')).toBe('access-theirs')
    expect(spoken).not.toHaveBeenCalled()
  })

  it('tries a refused call again with new tokens, body and all', async () => {
    const { session, client } = await fresh()
    session.keep(tokens('old'))
    const bodies: string[] = []
    vi.stubGlobal('fetch', async (input: Request | string) => {
      if (typeof input === 'string') return json(tokens('new'))
      bodies.push(await input.text())
      return input.headers.get('Authorization') === 'Bearer access-new' ? json({ id: 1 }, 201) : json({ type: '/problems/token-invalid', title: '', status: 401 }, 401)
    })
    await client.ask(client.api.POST('/v1/office/sites', { body: { code: 'A', name: '一号楼' } }))
    expect(bodies).toEqual([bodies[1], bodies[1]])
    expect(JSON.parse(bodies[0]!)).toEqual({ code: 'A', name: '一号楼' })
  })

  it('is told when it has ended for good', async () => {
    const { session, client } = await fresh()
    session.keep(tokens('old', 1))
    vi.stubGlobal('fetch', async () => json({ type: '/problems/token-reused', title: '', status: 401 }, 401))
    await expect(client.ask(client.api.GET('/v1/office/me'))).rejects.toMatchObject({ status: 401 })
    expect(session.session.signedIn.value).toBe(false)
    expect(client.ended.value).toBe(true)
  })

  it('keeps the session when the network is away', async () => {
    const { session, client } = await fresh()
    session.keep(tokens('good'))
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch')
    })
    await expect(client.ask(client.api.GET('/v1/office/me'))).rejects.toMatchObject({ offline: true })
    expect(session.session.signedIn.value).toBe(true)
    expect(client.reachable.value).toBe(false)
  })
})
