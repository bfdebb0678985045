import { afterEach, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  preimage,
} from '../../library/src/invoice/index.ts'
import { createHttpWallet } from '../../library/src/lightning/http-wallet/index.ts'
import type { LookAlike, WireAnswer } from '../../library/src/testing/look-alike/index.ts'
import { serveLookAlike } from '../../library/src/testing/look-alike/index.ts'

const secret = preimage(new Uint8Array(32).fill(5))
const hash = hashPreimage(secret)
const named = { paymentHash: encodeHex(hash) }
const limits = { maxFeeMsat: msat(5000n) } as const
const text = encodeInvoice(
  {
    network: 'regtest',
    amountMsat: msat(21_000n),
    timestampSeconds: Math.floor(Date.now() / 1000),
    paymentHash: hash,
    paymentSecret: new Uint8Array(32).fill(8),
    description: 'tea',
  },
  new Uint8Array(32).fill(1),
)
const invoice = decodeInvoice(text)

const open: LookAlike[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** A wallet that turns the order away, and what it says of it then. */
async function pay(refusal: number, lookUp: WireAnswer | 'reset') {
  const server = await serveLookAlike((request) => ({
    role: request.method === 'POST' ? 'order' : 'look-up',
    carryOut: async () => {
      if (request.method === 'POST') return { status: refusal, body: '' }
      if (lookUp === 'reset') throw new Error('the look-up breaks')
      return lookUp
    },
  }))
  open.push(server)
  if (lookUp === 'reset') {
    server.inject('look-up', { executed: false, how: { kind: 'reset' } })
  }
  const payer = createHttpWallet({
    url: `${server.url}/payinvoice`,
    lookupUrl: `${server.url}/payment/{hash}`,
    network: 'regtest',
    timeoutMs: 2000,
  })
  return await payer.pay(invoice, limits)
}

const json = (status: number, body: object): WireAnswer => ({
  status,
  body: JSON.stringify(body),
})

describe('R-HW-7 an order that was turned away', () => {
  const rejected = { status: 'failed', reason: 'rejected' }
  for (const [what, refusal, lookUp, expected] of [
    ['is on its way', 403, json(200, { ...named, status: 'pending' }), { status: 'unknown' }],
    [
      'was paid, without a proof',
      403,
      json(200, { ...named, isPaid: true }),
      { status: 'unknown' },
    ],
    ['cannot be looked up', 401, 'reset', { status: 'unknown' }],
    ['is looked up at a proxy that breaks', 404, json(502, {}), { status: 'unknown' }],
    ['is not there', 401, json(404, { ...named, status: 'not-found' }), rejected],
    [
      'failed',
      401,
      json(200, { ...named, status: 'failed', reason: 'no-route' }),
      { status: 'failed', reason: 'no-route' },
    ],
    ['is turned away again', 401, json(401, {}), rejected],
    ['is turned away by a page', 403, { status: 403, body: '<html>' }, rejected],
    [
      'has settled',
      405,
      json(200, { ...named, preimage: encodeHex(secret), feeMsat: 7 }),
      { status: 'settled', feeMsat: 7n },
    ],
  ] as const) {
    test(`and ${what}, as a look-up says`, async () => {
      expect(await pay(refusal, lookUp)).toMatchObject(expected)
    })
  }
})

test('R-ADP-9 what a look-up calls failed is not this order, where another process may have tried before', async () => {
  const server = await serveLookAlike((request) => ({
    role: request.method === 'POST' ? 'order' : 'look-up',
    carryOut: async () => json(200, { ...named, status: 'failed' }),
  }))
  open.push(server)
  server.inject('order', { executed: false, how: { kind: 'answer', status: 504, body: '' } })
  const payer = createHttpWallet({
    url: `${server.url}/payinvoice`,
    lookupUrl: `${server.url}/payment/{hash}`,
    network: 'regtest',
    timeoutMs: 2000,
  })
  expect(await payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
  expect(await payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
})
