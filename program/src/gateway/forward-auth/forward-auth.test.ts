import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Decision, IncomingRequest } from 'satway/server'
import { afterEach, describe, expect, test } from 'vitest'
import type { ForwardAuthOptions } from './forward-auth.ts'
import { createForwardAuth } from './forward-auth.ts'

type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: string }

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** An endpoint on loopback, asked with the header lines as they are given. */
async function open(options: Partial<ForwardAuthOptions>): Promise<{
  ask: (lines: readonly string[]) => Promise<Answer>
  start: (lines: readonly string[]) => ReturnType<typeof send>
  asked: IncomingRequest[]
  /** Resolves when the connection of the last question is seen to be closed. */
  closed: () => Promise<unknown>
}> {
  const asked: IncomingRequest[] = []
  const { decide = async () => admitted() } = options
  const answer = createForwardAuth({
    mode: 'nginx',
    isTrusted: (address) => address === '127.0.0.1' || address.startsWith('10.'),
    ...options,
    decide: (request) => {
      asked.push(request)
      return decide(request)
    },
  })
  let last: Promise<unknown> = Promise.resolve()
  const server = createServer((request, response) => {
    last = once(response, 'close')
    const address = request.socket.remoteAddress ?? ''
    answer({ request, response, peer: { address, isEncrypted: false } })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const start = (lines: readonly string[]): ReturnType<typeof send> => {
    // A flat list: a record would join lines of one name.
    const headers = [
      'Host',
      'satway',
      ...lines.flatMap((line) => line.split(/: (.*)/s).slice(0, 2)),
    ]
    return send({ port, host: '127.0.0.1', path: '/anything', headers, agent: false })
  }
  const ask = async (lines: readonly string[]): Promise<Answer> => {
    const outgoing = start(lines)
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return { status: response.statusCode, headers: response.headers, body }
  }
  return { ask, start, asked, closed: () => last }
}

function admitted(parts: Partial<Extract<Decision, { status: 'admitted' }>> = {}): Decision {
  return {
    status: 'admitted',
    route: 'GET /x',
    target: { path: '/x', query: '?q=1' },
    waived: undefined,
    receipt: undefined,
    responseHeaders: () => [],
    isCounted: false,
    finish: async () => undefined,
    ...parts,
  }
}

function refused(
  status: number,
  headers: readonly (readonly [string, string])[] = [],
  body = '',
): Decision {
  return { status: 'refused', response: { status, headers, body }, refusal: undefined }
}

const nginxLines = [
  'X-Original-Method: POST',
  'X-Original-URI: /x?q=1',
  'X-Original-Host: api.example.com',
  'X-Original-Client: 192.0.2.7',
]
const forwardLines = [
  'X-Forwarded-Method: POST',
  'X-Forwarded-Uri: /x?q=1',
  'X-Forwarded-Host: api.example.com',
  'X-Forwarded-For: 192.0.2.7',
]
const both = [
  { mode: 'nginx' as const, lines: nginxLines, others: forwardLines },
  { mode: 'forward' as const, lines: forwardLines, others: nginxLines },
]

describe.each(both)('the endpoint for $mode', ({ mode, lines, others }) => {
  test('R-FA-2 decides the request that the proxy tells of, with the headers of its client', async () => {
    const { ask, asked } = await open({ mode })
    expect((await ask([...lines, 'X-Size: large', 'X-Size: small'])).status).toBe(200)
    const [request] = asked
    expect(request).toMatchObject({ method: 'POST', target: '/x?q=1', clientAddress: '192.0.2.7' })
    expect(request?.headerLines('host')).toEqual(['api.example.com'])
    expect(request?.headerLines('x-size')).toEqual(['large', 'small'])
    expect(request?.headerLines('authorization')).toEqual([])
  })

  test('R-FA-2 does not believe the headers that another proxy would set', async () => {
    const { ask, asked } = await open({ mode })
    const spoofed = others.map((line) => line.replace(/: .*/, ': /free'))
    expect((await ask([...lines, ...spoofed])).status).toBe(200)
    expect(asked[0]).toMatchObject({ method: 'POST', target: '/x?q=1' })
    expect((await ask(others)).status).toBe(400)
    expect(asked).toHaveLength(1)
  })

  test.each(lines)('R-FA-3 decides nothing where %s is missing or there twice', async (line) => {
    const { ask, asked } = await open({ mode })
    const missing = await ask(lines.filter((other) => other !== line))
    expect(missing.status).toBe(400)
    expect(missing.body).toContain(line.split(':')[0]!.toLowerCase())
    expect((await ask([...lines, line])).status).toBe(400)
    expect((await ask([line.replace(/: .*/, ': /free'), ...lines])).status).toBe(400)
    expect(asked).toEqual([])
  })

  test('R-FA-1 answers nobody but trusted proxies', async () => {
    const { ask, asked } = await open({ mode, isTrusted: () => false })
    const answer = await ask(lines)
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'REQUEST_BLOCKED' })
    expect(asked).toEqual([])
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['198.51.100.1, 192.0.2.7', '192.0.2.7'],
    ['198.51.100.1, 192.0.2.7, 10.0.0.1, 10.0.0.2', '192.0.2.7'],
    ['10.0.0.1,10.0.0.2', '10.0.0.1'],
    ['nonsense, ', ''],
  ])('R-FA-4 of the addresses %s the client is %s', async (list, client) => {
    const { ask, asked } = await open({ mode })
    await ask([...lines.slice(0, 3), `${lines[3]!.split(':')[0]}: ${list}`])
    expect(asked[0]?.clientAddress).toBe(client)
  })

  test('R-FA-5 says what was bought and which target was judged', async () => {
    const receipt = {
      tokenId: 'aa'.repeat(32),
      paymentHash: 'bb'.repeat(32),
      amountMsat: 1500n as never,
      service: 'weather',
      capability: 'forecast',
      tier: 0,
      validUntilSeconds: 1,
      soldUntilSeconds: 1,
    }
    const responseHeaders = () => [['Cache-Control', 'private']] as const
    const { ask } = await open({ mode, decide: async () => admitted({ receipt, responseHeaders }) })
    const { status, headers, body } = await ask(lines)
    expect([status, body]).toEqual([200, ''])
    expect(headers).toMatchObject({
      'satway-target': '/x?q=1',
      'satway-token-id': 'aa'.repeat(32),
      'satway-payment-hash': 'bb'.repeat(32),
      'satway-service': 'weather',
      'satway-capability': 'forecast',
      'satway-amount-msat': '1500',
      'cache-control': 'private',
    })
  })

  test('R-FA-5 says of a free request that nothing was bought, in so many words', async () => {
    const { ask } = await open({ mode })
    expect((await ask(lines)).headers).toMatchObject({
      'satway-token-id': '',
      'satway-payment-hash': '',
      'satway-service': '',
      'satway-capability': '',
      'satway-amount-msat': '',
    })
  })

  test('R-FA-9 counts a use when it answers, and not when the proxy has left before', async () => {
    const finished: (number | undefined)[] = []
    let release: () => void = () => undefined
    const left = new Promise<void>((resolve) => {
      release = resolve
    })
    const decision = admitted({
      isCounted: true,
      finish: async (status) => {
        finished.push(status)
      },
    })
    const { ask, start, asked, closed } = await open({
      mode,
      decide: async (request) => {
        if (request.headerLines('x-wait').length > 0) await left
        return decision
      },
    })
    await ask(lines)
    expect(finished).toEqual([200])

    const outgoing = start([...lines, 'X-Wait: yes'])
    outgoing.on('error', () => undefined)
    outgoing.end()
    while (asked.length < 2) await new Promise(setImmediate)
    outgoing.destroy()
    await closed()
    release()
    while (finished.length < 2) await new Promise(setImmediate)
    expect(finished).toEqual([200, undefined])
  })

  test('R-FA-12 answers 503 when a decision fails, and tells the operator', async () => {
    const told: unknown[] = []
    const { ask } = await open({
      mode,
      decide: async () => {
        throw new Error('out of order')
      },
      onFailure: (error) => told.push(error),
    })
    const { status, headers, body } = await ask(lines)
    expect(mode === 'nginx' ? headers['satway-status'] : String(status)).toBe('503')
    expect(headers['retry-after']).toBe('5')
    expect(`${body}${String(headers['satway-problem'])}`).not.toContain('out of order')
    expect(told.map(String)).toEqual(['Error: out of order'])
  })
})

test('R-FA-12 serves nobody when it cannot even say why', async () => {
  const decide = async () => admitted({ target: { path: '/x\n', query: '' } })
  const { ask } = await open({ decide })
  await expect(ask(nginxLines)).rejects.toThrow(/hang up|reset/)
  await expect(ask(nginxLines)).rejects.toThrow(/hang up|reset/)
})

describe('a refusal', () => {
  const headers = [
    ['WWW-Authenticate', 'L402 macaroon="T", invoice="I"'],
    ['WWW-Authenticate', 'LSAT macaroon="T", invoice="I"'],
    ['Content-Type', 'application/problem+json'],
  ] as const

  test('R-FA-6 is 401 to nginx, with status, body and each header in one line', async () => {
    const decide = async () => refused(402, headers, '{"title":"Zahlung nötig"}')
    const { ask } = await open({ mode: 'nginx', decide })
    const answer = await ask(nginxLines)
    expect([answer.status, answer.body]).toEqual([401, ''])
    expect(answer.headers).toMatchObject({
      'satway-status': '402',
      'satway-problem': '{"title":"Zahlung n\\u00f6tig"}',
      'www-authenticate': 'L402 macaroon="T", invoice="I", LSAT macaroon="T", invoice="I"',
    })
    expect(answer.headers['content-type']).toBeUndefined()
  })

  test('R-FA-14 is itself to Caddy and Traefik, every line of it', async () => {
    const { ask } = await open({ mode: 'forward', decide: async () => refused(402, headers, '{}') })
    const answer = await ask(forwardLines)
    expect([answer.status, answer.body]).toEqual([402, '{}'])
    expect(answer.headers['www-authenticate']).toBe(
      'L402 macaroon="T", invoice="I", LSAT macaroon="T", invoice="I"',
    )
    expect(answer.headers['content-type']).toBe('application/problem+json')
  })

  test('R-FA-8 is never a 2xx: an answered preflight is 401 to nginx and 405 to the others', async () => {
    const decide = async () => refused(204, [['Access-Control-Allow-Origin', '*']])
    const toNginx = await (await open({ mode: 'nginx', decide })).ask(nginxLines)
    expect([toNginx.status, toNginx.headers['satway-status']]).toEqual([401, '204'])
    expect(toNginx.headers['satway-problem']).toBeUndefined()
    const toOthers = await (await open({ mode: 'forward', decide })).ask(forwardLines)
    expect(toOthers.status).toBe(405)
    expect(JSON.parse(toOthers.body)).toMatchObject({ code: 'REQUEST_METHOD' })
  })
})
