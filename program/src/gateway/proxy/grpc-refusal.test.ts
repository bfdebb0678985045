import { once } from 'node:events'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { connect, constants, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { problemResponse } from 'satway/server'
import { afterEach, describe, expect, test } from 'vitest'
import { grpcRefusal, isGrpc, sendGrpcRefusal } from './grpc-refusal.ts'

const toClose: (() => unknown)[] = []
afterEach(() => {
  for (const close of toClose.splice(0)) close()
})

const headerOf = (name: string, { headers }: ReturnType<typeof grpcRefusal>): string[] =>
  headers.filter(([other]) => other === name).map(([, value]) => value)

describe('R-GRPC-9 what is gRPC', () => {
  for (const [type, expected] of [
    ['application/grpc', true],
    ['application/grpc+proto', true],
    ['application/grpc+json', true],
    ['Application/GRPC', true],
    ['application/grpc;charset=x', true],
    ['application/grpc ; x', true],
    ['application/grpc-web', false],
    ['application/grpc-web+proto', false],
    ['application/grpc-web-text', false],
    ['application/grpcx', false],
    ['text/application/grpc', false],
    ['application/json', false],
    ['', false],
    [undefined, false],
  ] as const) {
    test(`${type}: ${expected}`, () => {
      const headers = type === undefined ? {} : { 'content-type': type }
      expect(isGrpc({ headers })).toBe(expected)
    })
  }
})

describe('R-GRPC-10 a refusal in the form for gRPC', () => {
  for (const [status, expected] of [
    [400, '3'],
    [401, '16'],
    [402, '13'],
    [403, '7'],
    [404, '12'],
    [405, '12'],
    [408, '4'],
    [413, '8'],
    [421, '12'],
    [429, '8'],
    [431, '8'],
    [500, '13'],
    [502, '14'],
    [503, '14'],
    [504, '4'],
    [418, '2'],
  ] as const) {
    test(`HTTP ${status} is gRPC ${expected}`, () => {
      const refusal = grpcRefusal({ status, headers: [], body: '' })
      expect(refusal.status).toBe(200)
      expect(headerOf('grpc-status', refusal)).toEqual([expected])
      expect(headerOf('content-type', refusal)).toEqual(['application/grpc'])
    })
  }

  test('402 says `payment required` whatever its body says, and keeps every challenge', () => {
    const refusal = grpcRefusal({
      status: 402,
      headers: [
        ['Content-Type', 'application/problem+json'],
        ['WWW-Authenticate', 'L402 macaroon="AA", invoice="lnbc1"'],
        ['WWW-Authenticate', 'LSAT macaroon="AA", invoice="lnbc1"'],
        ['Cache-Control', 'no-store'],
        ['Access-Control-Allow-Origin', '*'],
        ['Content-Length', '7'],
      ],
      body: '{"title":"Pay.","code":"ACCESS_PAYMENT_REQUIRED"}',
    })
    expect(refusal.headers).toEqual([
      ['content-type', 'application/grpc'],
      ['grpc-status', '13'],
      ['grpc-message', 'payment required'],
      ['WWW-Authenticate', 'L402 macaroon="AA", invoice="lnbc1"'],
      ['WWW-Authenticate', 'LSAT macaroon="AA", invoice="lnbc1"'],
      ['Cache-Control', 'no-store'],
    ])
  })

  test('others say code and title, and when to come back', () => {
    const refusal = grpcRefusal(problemResponse('UPSTREAM_UNAVAILABLE', { cors: true }))
    expect(headerOf('grpc-message', refusal)[0]).toMatch(/^UPSTREAM_UNAVAILABLE: \w/)
    const names = refusal.headers.map(([name]) => name.toLowerCase())
    expect(names).toContain('retry-after')
    expect(names).not.toContain('access-control-allow-origin')
  })

  for (const [name, body, expected] of [
    ['percent signs and other bytes', '{"title":"50 % für\\nalle"}', '50 %25 f%C3%BCr%0Aalle'],
    ['no JSON', '<p>no', 'Forbidden'],
    ['JSON that is no problem', '[1]', 'Forbidden'],
    ['JSON null', 'null', 'Forbidden'],
    ['members of other types', '{"title":1,"code":{}}', 'Forbidden'],
    ['an empty body', '', 'Forbidden'],
  ] as const) {
    test(`its message with ${name}`, () => {
      const refusal = grpcRefusal({ status: 403, headers: [], body })
      expect(headerOf('grpc-message', refusal)).toEqual([expected])
    })
  }
})

describe('R-GRPC-10 it is sent in one frame', () => {
  async function ask(
    answer: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  ): Promise<{ headers: Record<string, unknown>; isOnly: boolean; body: string }> {
    const server = createServer(answer)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    toClose.push(
      () => client.destroy(),
      () => server.close(),
    )
    const stream = client.request({ ':method': 'POST', 'content-type': 'application/grpc' })
    stream.end('message')
    const [headers, flags] = await once(stream, 'response')
    let body = ''
    stream.on('data', (part) => {
      body += String(part)
    })
    await once(stream, 'end')
    return { headers, isOnly: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, body }
  }

  const peer = { address: '192.0.2.7', isEncrypted: false }
  const refusal = {
    status: 402,
    headers: [
      ['WWW-Authenticate', 'L402 macaroon="AA"'],
      ['WWW-Authenticate', 'LSAT macaroon="AA"'],
    ],
    body: '{"title":"Pay."}',
  } as const

  test('without a body, the challenges in its head', async () => {
    const { headers, isOnly, body } = await ask((request, response) => {
      sendGrpcRefusal({ request, response, peer }, refusal)
    })
    expect(headers).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '13',
      'grpc-message': 'payment required',
      'www-authenticate': 'L402 macaroon="AA", LSAT macaroon="AA"',
    })
    expect(isOnly).toBe(true)
    expect(body).toBe('')
  })

  test('after a head was sent it is too late, and nothing happens', async () => {
    const { headers, body } = await ask((request, response) => {
      response.writeHead(200)
      sendGrpcRefusal({ request, response, peer }, refusal)
      response.end('ok')
    })
    expect(headers['grpc-status']).toBeUndefined()
    expect(body).toBe('ok')
  })
})
