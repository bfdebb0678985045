import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  admissionOf,
  headerLines,
  openStall,
  paidRequest,
  readBody,
  refusalOf,
  refusedWith,
  request,
} from '../../../test/adapters/stall.ts'
import type { RouteTable } from './index.ts'
import { createRoutes } from './index.ts'
import { capabilityOf, readRoute } from './route-map.ts'

const table: RouteTable = {
  'GET /': 'free',
  'GET /weather': { price: '10 sat' },
  'POST /weather': { price: '20 sat' },
  'GET /weather/:city': { price: '3 sat' },
  'GET /weather/utsjoki': { price: '5 sat' },
  'DELETE /weather/:city': 'free',
  'GET /files/*': { price: '7 sat' },
  '* /open/*': 'free',
  'GET /open/secret': { price: '9 sat' },
  '* /any': { price: '8 sat', capability: 'any' },
}

function open(): {
  ask: (method: string, target: string) => Promise<string>
  stall: ReturnType<typeof openStall>
  routes: ReturnType<typeof createRoutes>
} {
  const stall = openStall()
  const routes = createRoutes(stall.paywall, table)
  const ask = async (method: string, target: string): Promise<string> => {
    const decision = await routes(request({ method, target }))
    if (decision.status === 'admitted') return 'free'
    const { price, code, capability } = readBody(decision.response)
    return decision.response.status === 402 ? `${price} sat ${capability}` : String(code)
  }
  return { ask, stall, routes }
}

describe('R-SRV-54 the most specific pattern decides', () => {
  const { ask } = open()
  for (const [method, target, answer] of [
    ['GET', '/', 'free'],
    ['GET', '/?x=1', 'free'],
    ['HEAD', '/', 'free'],
    ['GET', '/weather', '10 sat get.weather'],
    ['GET', '/weather?city=utsjoki', '10 sat get.weather'],
    ['HEAD', '/weather', '10 sat get.weather'],
    ['POST', '/weather', '20 sat post.weather'],
    ['GET', '/weather/helsinki', '3 sat get.weather.-city'],
    ['GET', '/weather/utsjoki', '5 sat get.weather.utsjoki'],
    ['GET', '/weather/%68elsinki', '3 sat get.weather.-city'],
    ['GET', '/files/%61/b%c3%a4', '7 sat get.files.--'],
    ['GET', '/files/a', '7 sat get.files.--'],
    ['GET', '/files/a/b/c', '7 sat get.files.--'],
    ['GET', '/files/', '7 sat get.files.--'],
    ['PUT', '/open/a', 'free'],
    ['GET', '/open/a/b', 'free'],
    ['GET', '/open/secret', '9 sat get.open.secret'],
    ['PATCH', '/any', '8 sat any'],
  ] as const) {
    test(`${method} ${target}: ${answer}`, async () => {
      expect(await ask(method, target)).toBe(answer)
    })
  }

  test('a token opens the route it was bought for', async () => {
    const { stall, routes } = open()
    const { authorization } = await stall.buy(routes, { target: '/weather' })
    const { receipt } = admissionOf(
      await routes(paidRequest(authorization, { target: '/weather' })),
    )
    expect(receipt?.capability).toBe('get.weather')
    for (const target of ['/weather/helsinki', '/files/a']) {
      expect(refusedWith(await routes(paidRequest(authorization, { target })))).toBe(
        '402 ACCESS_OTHER_RESOURCE',
      )
    }
  })
})

describe('R-SRV-55 what is not listed is refused', () => {
  const { ask, routes } = open()
  for (const target of [
    '/x',
    '/weatherx',
    '/weather/a/b',
    '/weather/',
    '/weather//',
    '/files',
    '/openx',
  ]) {
    test(`${target}`, async () => {
      expect(await ask('GET', target)).toMatch(/REQUEST_NOT_FOUND|REQUEST_AMBIGUOUS/)
    })
  }

  for (const [method, target, allow] of [
    ['PUT', '/weather', 'GET, HEAD, POST'],
    ['POST', '/open/secret', 'GET, HEAD'],
    ['DELETE', '/weather/utsjoki', 'GET, HEAD'],
    ['OPTIONS', '/weather', 'GET, HEAD, POST'],
  ] as const) {
    test(`${method} ${target} is 405, with what is allowed`, async () => {
      const response = refusalOf(await routes(request({ method, target })))
      expect([response.status, readBody(response)['code']]).toEqual([405, 'REQUEST_METHOD'])
      expect(headerLines(response, 'allow')).toEqual([allow])
      expect(headerLines(response, 'content-type')).toEqual(['application/problem+json'])
    })
  }

  test('and never costs an invoice', async () => {
    const { ask, stall } = open()
    await ask('GET', '/x')
    await ask('PUT', '/weather')
    await ask('TRACE', '/weather')
    expect(stall.invoices()).toBe(0)
  })
})

describe('R-SRV-56 a spelling that a framework might take for another route is not found', () => {
  const { ask } = open()
  for (const target of [
    '/WEATHER',
    '/Weather/utsjoki',
    '/weather/UTSJOKI',
    '/weather/utsjoki/',
    '/open/SECRET',
    '/Open/secret',
    '/open/secret/',
  ]) {
    test(`${target}`, async () => {
      expect(await ask('GET', target)).toBe('REQUEST_NOT_FOUND')
    })
  }

  test('what no other route could be taken for is served in any case', async () => {
    expect(await ask('GET', '/weather/Helsinki')).toBe('3 sat get.weather.-city')
    expect(await ask('GET', '/open/README')).toBe('free')
    expect(await ask('GET', '/open/a/')).toBe('free')
  })

  test('no spelling of a priced path is free', async () => {
    const { ask } = open()
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5c',
      '\\',
      ';',
      'open',
      'OPEN',
      'secret',
      'Secret',
      '%73ecret',
      '?',
      '#',
      '//',
      'a',
      '%00',
      '%25',
      ' ',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const target = `/${pieces.join('')}`
        if ((await ask('GET', target)) !== 'free') return
        // Free is what any server, however lenient, would still take for something under /open/, and not for the secret.
        const lenient = new URL(
          decodeURIComponent(target.split(/[?#]/)[0]!),
          'http://host',
        ).pathname.toLowerCase()
        expect(lenient.replace(/\/+$/, '')).not.toBe('/open/secret')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('R-SRV-61 a path that a router could take for another route before it decodes it is refused', () => {
  const { ask } = open()
  for (const [method, target] of [
    ['GET', '/%77eather'],
    ['GET', '/weather/%75tsjoki'],
    ['GET', '/open/%73ecret'],
    ['GET', '/open/%53ecret'],
    ['GET', '/%6Fpen/a'],
    ['POST', '/%77eather?x=/weather'],
    ['PATCH', '/an%79'],
  ] as const) {
    test(`${method} ${target}`, async () => {
      expect(await ask(method, target)).toBe('REQUEST_AMBIGUOUS')
    })
  }

  test('one that is the same route either way is not', async () => {
    expect(await ask('GET', '/weather/a%7eb')).toBe('3 sat get.weather.-city')
    expect(await ask('GET', '/weather/%c3%a4')).toBe('3 sat get.weather.-city')
    expect(await ask('GET', '/nothing/%61')).toBe('REQUEST_NOT_FOUND')
    expect(await ask('PUT', '/weather/%75tsjoki')).toBe('REQUEST_METHOD')
  })

  test('one whose fixed part is written in encoded form is found in both cases of its digits', async () => {
    const { paywall } = openStall()
    const routes = createRoutes(paywall, { 'GET /caf%C3%A9': 'free', 'GET /*': { price: '1 sat' } })
    for (const target of ['/caf%C3%A9', '/caf%c3%a9', '/caf%C3%a9?x=1']) {
      admissionOf(await routes(request({ target })))
    }
  })
})

describe('R-SRV-57 a route that names no capability is given one', () => {
  for (const [key, capability] of [
    ['GET /', 'get'],
    ['* /', 'any'],
    ['POST /v1/decode', 'post.v1.decode'],
    ['GET /Users/:userId', 'get.users.-userid'],
    ['GET /a_b/*', 'get.a-b.--'],
    ['GET /a/', 'get.a'],
    ['GET /v1.2/x~y', 'get.v1.2.x-y'],
  ] as const) {
    test(`${key} sells ${capability}`, () => {
      const route = readRoute(key)
      if (typeof route === 'string') throw new Error(route)
      expect(capabilityOf(route)).toBe(capability)
    })
  }
})

test('R-SRV-58 free is written out, and a free route asks for nothing', async () => {
  const { routes, stall } = open()
  const decision = admissionOf(
    await routes(request({ target: '/', headers: { authorization: 'L402 x' } })),
  )
  expect(decision.receipt).toBeUndefined()
  expect(decision.responseHeaders(() => undefined)).toEqual([])
  const origin = 'https://a.example'
  const cross = admissionOf(await routes(request({ target: '/', headers: { origin } })))
  expect(cross.responseHeaders(() => undefined).map(([name]) => name)).toEqual([
    'Access-Control-Allow-Origin',
    'Access-Control-Expose-Headers',
  ])
  await decision.finish(200)
  expect(stall.told).toEqual([])
})
