import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  preimage,
} from '../../library/src/invoice/index.ts'
import { publicKeyOf } from '../../library/src/lightning/nostr/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'
import { serveRelay } from '../../library/src/testing/look-alike/relay.ts'
import type { Said, ScriptedWallet } from './nwc-scripted-wallet.ts'
import { scriptWallet, walletKey } from './nwc-scripted-wallet.ts'

const proof = preimage(new Uint8Array(32).fill(5))
const proofHex = encodeHex(proof)
const hash = hashPreimage(proof)
const hashHex = encodeHex(hash)
const nowSeconds = 1_800_000_000
const limits = { maxFeeMsat: msat(5000n) } as const

const invoice: Invoice = decodeInvoice(
  encodeInvoice(
    {
      network: 'regtest',
      amountMsat: msat(21_000n),
      timestampSeconds: nowSeconds,
      paymentHash: hash,
      paymentSecret: new Uint8Array(32).fill(8),
      description: 'tea',
    },
    new Uint8Array(32).fill(1),
  ),
)

const open: ScriptedWallet[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function script(...given: Parameters<typeof scriptWallet>): Promise<ScriptedWallet> {
  const scripted = await scriptWallet(...given)
  open.push(scripted)
  return scripted
}

const failure = (code: unknown): Said => ({ error: { code, message: 'no' }, result: null })
const notFound = failure('NOT_FOUND')
/** A payment as a wallet tells of it. */
const payment = (members: Readonly<Record<string, unknown>>): Said => ({
  error: null,
  result: {
    type: 'outgoing',
    payment_hash: hashHex,
    amount: 21_000,
    fees_paid: 0,
    created_at: nowSeconds,
    ...members,
  },
})
const settled = payment({ state: 'settled', preimage: proofHex, fees_paid: 7 })

/** What the wallet says to the order, and to look-ups from the first to the last, which goes on. */
function saying(order: Said, ...lookUps: Said[]): (method: string) => Said {
  return (method) => {
    if (method === 'pay_invoice') return order
    if (method !== 'lookup_invoice') return failure('NOT_IMPLEMENTED')
    return lookUps.length > 1 ? lookUps.shift() : lookUps[0]
  }
}

describe('R-NWC-3 only a preimage that proves the payment settles it', () => {
  for (const [what, result, feeMsat] of [
    ['the preimage', { preimage: proofHex, fees_paid: 1234 }, 1234n],
    ['the preimage in capitals', { preimage: proofHex.toUpperCase(), fees_paid: 0 }, 0n],
    ['no fee', { preimage: proofHex }, 5000n],
    ['a negative fee', { preimage: proofHex, fees_paid: -1 }, 5000n],
    ['a fee that no number says exactly', { preimage: proofHex, fees_paid: 2 ** 60 }, 5000n],
    ['half a fee', { preimage: proofHex, fees_paid: 0.5 }, 5000n],
  ] as const) {
    test(`settled: ${what}`, async () => {
      const { wallet, asked } = await script(saying({ result }, notFound))
      const outcome = await wallet.payer.pay(invoice, limits)
      expect(outcome).toMatchObject({ status: 'settled', amountMsat: 21_000n, feeMsat })
      expect(asked).toEqual(['lookup_invoice', 'pay_invoice'])
    })
  }
  test('settled: the preimage beside an error', async () => {
    const said = { error: { code: 'INTERNAL', message: '' }, result: { preimage: proofHex } }
    const { wallet } = await script(saying(said, notFound))
    expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
  })
  for (const [what, said] of [
    ['another preimage', { result: { preimage: '00'.repeat(32) } }],
    ['no preimage', { result: {} }],
    ['a cut preimage', { result: { preimage: proofHex.slice(2) } }],
    ['a preimage that is no text', { result: { preimage: [proofHex] } }],
    ['neither result nor error', {}],
    ['null', { result: null, error: null }],
    ['the answer to another method', { result_type: 'get_info', result: { preimage: proofHex } }],
    ['a list', '[]'],
    ['null alone', 'null'],
    ['a text', '"settled"'],
    ['no JSON', '{"result_type":"pay_invoice","result":'],
    ['nothing at all', ''],
  ] as const satisfies readonly (readonly [string, Said])[]) {
    test(`unknown: ${what}`, async () => {
      const { wallet } = await script(saying(said, notFound))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
    })
  }
})

describe('R-NWC-4 what may be under way is unknown until the wallet tells how it ended', () => {
  const codes = ['PAYMENT_FAILED', 'TIMEOUT', 'INTERNAL', 'OTHER', 'RATE_LIMITED', 'NEW_CODE', 7]
  for (const code of codes) {
    test(`${code} alone is unknown`, async () => {
      const { wallet } = await script(saying(failure(code), notFound))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    })
    test(`${code} of a payment that has settled is settled`, async () => {
      const { wallet } = await script(saying(failure(code), notFound, settled))
      const outcome = await wallet.payer.pay(invoice, limits)
      expect(outcome).toMatchObject({ status: 'settled', feeMsat: 7n })
    })
    test(`${code} of a payment that the wallet calls failed has failed`, async () => {
      const said = saying(failure(code), notFound, payment({ state: 'failed' }))
      const { wallet } = await script(said)
      const reason = code === 'PAYMENT_FAILED' ? 'no-route' : 'rejected'
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'failed', reason })
    })
  }
  for (const [what, members, status] of [
    ['pending', { state: 'pending' }, 'unknown'],
    ['expired, which is said of the invoice', { state: 'expired' }, 'unknown'],
    ['accepted', { state: 'accepted' }, 'unknown'],
    ['a state that is not known', { state: 'done' }, 'unknown'],
    ['settled without a preimage', { state: 'settled', preimage: '' }, 'unknown'],
    ['settled with another one', { state: 'settled', preimage: '11'.repeat(32) }, 'unknown'],
    ['failed with the preimage', { state: 'failed', preimage: proofHex }, 'unknown'],
    ['no state, a preimage', { preimage: proofHex, settled_at: nowSeconds }, 'settled'],
    ['no state, a time', { settled_at: nowSeconds }, 'unknown'],
    ['no state', {}, 'unknown'],
    ['no type', { type: undefined, state: 'failed' }, 'unknown'],
    ['SETTLED in capitals', { state: 'SETTLED', preimage: proofHex }, 'settled'],
    ['a paid invoice of its own', { type: 'incoming', state: 'settled' }, 'unknown'],
    ['a held invoice of its own', { type: 'incoming', state: 'accepted' }, 'unknown'],
  ] as const) {
    test(`a look-up says ${what}: ${status}`, async () => {
      const { wallet } = await script(saying(undefined, payment(members)))
      expect((await wallet.payer.lookupPayment(hash))?.status).toBe(status)
    })
  }
  for (const [what, said] of [
    ['another hash', payment({ payment_hash: '33'.repeat(32), state: 'failed' })],
    ['a hash that is none', payment({ payment_hash: 'x', state: 'failed' })],
    ['no result', {}],
    ['an error', failure('INTERNAL')],
    ['an error without a code', { error: {} }],
    ['nonsense', 'null'],
    ['nothing', undefined],
  ] as const satisfies readonly (readonly [string, Said])[]) {
    test(`a look-up that says ${what} tells nothing`, async () => {
      const { wallet } = await script(saying(undefined, said))
      const asked = wallet.payer.lookupPayment(hash)
      await expect(asked).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }
  test('an invoice of its own that nobody paid is no payment', async () => {
    const said = payment({ type: 'incoming', state: 'pending' })
    const { wallet } = await script(saying(undefined, said))
    expect(await wallet.payer.lookupPayment(hash)).toBeUndefined()
  })
})

describe('R-NWC-5 a refusal counts where the wallet knows of no payment', () => {
  const codes = [
    ['INSUFFICIENT_BALANCE', 'insufficient-balance'],
    ['QUOTA_EXCEEDED', 'rejected'],
    ['RESTRICTED', 'rejected'],
    ['UNAUTHORIZED', 'rejected'],
    ['EXPIRED', 'rejected'],
    ['NOT_IMPLEMENTED', 'rejected'],
    ['UNSUPPORTED_ENCRYPTION', 'rejected'],
    ['BAD_REQUEST', 'rejected'],
  ] as const
  for (const [code, reason] of codes) {
    test(`${code}, and no payment: failed`, async () => {
      const { wallet, asked } = await script(saying(failure(code), notFound))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'failed', reason })
      expect(asked).toEqual(['lookup_invoice', 'pay_invoice', 'lookup_invoice'])
      expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'failed', reason })
    })
    test(`${code}, and a payment on its way: unknown`, async () => {
      const said = saying(failure(code), notFound, payment({ state: 'pending' }))
      const { wallet } = await script(said)
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    })
    test(`${code}, and a payment that has settled: settled`, async () => {
      const { wallet } = await script(saying(failure(code), notFound, settled))
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })
    test(`${code}, and no answer: unknown, until there is one`, async () => {
      const { wallet } = await script(
        saying(failure(code), notFound, undefined, undefined, notFound),
      )
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'failed', reason })
    })
  }
  test('a wallet that cannot be asked is believed over one relay', async () => {
    const options = { info: 'pay_invoice' }
    const { wallet, asked } = await script(saying(failure('QUOTA_EXCEEDED')), options)
    const failed = { status: 'failed', reason: 'rejected' }
    expect(await wallet.payer.pay(invoice, limits)).toEqual(failed)
    expect(asked).toEqual(['pay_invoice'])
    expect(await wallet.payer.lookupPayment(hash)).toEqual(failed)
  })
  test('and not over two: it may have taken one order for two', async () => {
    const second = await serveRelay()
    const {
      relay,
      wallet: _,
      ...one
    } = await script(saying(failure('QUOTA_EXCEEDED')), {
      info: 'pay_invoice',
    })
    const wallet = createNwc({
      walletPubkey: publicKeyOf(walletKey) ?? '',
      secret: one.secret,
      relays: [relay.url, second.url],
      network: 'regtest',
      now: () => nowSeconds,
    })
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    wallet.close()
    await second.close()
  })
  test('a wallet that does not tell of payments leaves them unknown', async () => {
    const { wallet } = await script(saying(failure('PAYMENT_FAILED')), { info: 'pay_invoice' })
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
  })
  for (const code of ['NOT_IMPLEMENTED', 'RESTRICTED']) {
    test(`a look-up that is answered ${code} is a wallet that does not tell`, async () => {
      const { wallet } = await script(saying({ result: { preimage: proofHex } }, failure(code)))
      expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })
  }
})

describe('R-NWC-2 what the wallet knows already is not ordered', () => {
  for (const [what, said, status] of [
    ['settled', settled, 'settled'],
    ['on its way', payment({ state: 'pending' }), 'unknown'],
    ['expired on its way', payment({ state: 'expired' }), 'unknown'],
  ] as const) {
    test(`${what}: ${status}`, async () => {
      const { wallet, asked } = await script(saying(undefined, said))
      expect((await wallet.payer.pay(invoice, limits)).status).toBe(status)
      expect(asked).not.toContain('pay_invoice')
    })
  }
  test('what failed is ordered anew', async () => {
    const said = saying({ result: { preimage: proofHex } }, payment({ state: 'failed' }))
    const { wallet } = await script(said)
    expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
  })
  test('without an answer nothing is ordered: NODE_UNAVAILABLE', async () => {
    const { wallet, asked } = await script(saying({ result: { preimage: proofHex } }, undefined))
    const paying = wallet.payer.pay(invoice, limits)
    await expect(paying).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(asked).toEqual(['lookup_invoice'])
  })
})

describe('R-NWC-7 an order that was lost', () => {
  test('may be taken up for six hours', async () => {
    const { wallet } = await script(saying(undefined, notFound))
    expect(wallet.payer.orderLagSeconds).toBe(6 * 3600)
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
  })
  test('has not failed because the attempt before it had', async () => {
    const earlier = payment({ state: 'failed' })
    const { wallet } = await script(saying(undefined, earlier))
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
  })
  test('has failed when the wallet tells of a later attempt', async () => {
    const later = payment({ state: 'failed', created_at: nowSeconds + 1 })
    const { wallet } = await script(saying(undefined, payment({ state: 'failed' }), later))
    const failed = { status: 'failed', reason: 'rejected' }
    expect(await wallet.payer.pay(invoice, limits)).toEqual(failed)
  })
  test('a refusal by the relay is no answer of the wallet', async () => {
    const refuses = (method: string) =>
      method === 'pay_invoice' ? 'rate-limited: slow down' : undefined
    const { wallet } = await script(saying(undefined, notFound), { refuses })
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
  })
  test('and a duplicate is none', async () => {
    const refuses = (method: string) =>
      method === 'lookup_invoice' ? 'duplicate: have it' : undefined
    const { wallet } = await script(saying(undefined, notFound), { refuses })
    const asked = wallet.payer.lookupPayment(hash)
    await expect(asked).rejects.toThrow(/did not answer in time|NODE_UNAVAILABLE/)
  })
})

describe('R-NWC-8 no fee ceiling can be asked for', () => {
  test('a ceiling of 0 is not ordered', async () => {
    const { wallet, asked } = await script(saying({ result: { preimage: proofHex } }, notFound))
    const outcome = await wallet.payer.pay(invoice, { maxFeeMsat: msat(0n) })
    expect(outcome).toEqual({ status: 'failed', reason: 'fee-limit' })
    expect(asked).toEqual([])
  })
  test('another one is not told, and the fee is the one that was paid', async () => {
    const params: unknown[] = []
    const { wallet } = await script((method, given) => {
      if (method !== 'pay_invoice') return notFound
      params.push(given)
      return { result: { preimage: proofHex, fees_paid: 9000 } }
    })
    const outcome = await wallet.payer.pay(invoice, limits)
    expect(outcome).toMatchObject({ status: 'settled', feeMsat: 9000n })
    expect(params).toEqual([{ invoice: invoice.text }])
  })
})

describe('R-NWC-21 what the wallet tells of an invoice', () => {
  for (const [what, said, status] of [
    ['pending', payment({ type: 'incoming', state: 'pending' }), 'open'],
    ['accepted', payment({ type: 'incoming', state: 'accepted' }), 'open'],
    ['no state', payment({ type: 'incoming' }), 'open'],
    ['settled', payment({ type: 'incoming', state: 'settled' }), 'settled'],
    ['no state, a time', payment({ type: 'incoming', settled_at: nowSeconds }), 'settled'],
    ['pending with a time', payment({ type: 'incoming', state: 'pending', settled_at: 5 }), 'open'],
    ['a time of zero', payment({ type: 'incoming', settled_at: 0 }), 'open'],
    ['expired', payment({ type: 'incoming', state: 'expired' }), 'closed'],
    ['failed', payment({ type: 'incoming', state: 'failed' }), 'closed'],
    ['NOT_FOUND', notFound, 'not-found'],
    ['a payment that it made', settled, 'not-found'],
  ] as const) {
    test(`${what}: ${status}`, async () => {
      const { wallet } = await script(saying(undefined, said))
      expect((await wallet.payee.lookupInvoice(hash)).status).toBe(status)
    })
  }
  for (const [what, said] of [
    ['no amount', payment({ type: 'incoming', state: 'settled', amount: undefined })],
    ['half an amount', payment({ type: 'incoming', state: 'settled', amount: 0.5 })],
    ['an inexact amount', payment({ type: 'incoming', state: 'settled', amount: 2 ** 60 })],
    ['another hash', payment({ type: 'incoming', payment_hash: '33'.repeat(32) })],
    ['RESTRICTED', failure('RESTRICTED')],
    ['nonsense', '[]'],
  ] as const satisfies readonly (readonly [string, Said])[]) {
    test(`${what}: NODE_UNAVAILABLE`, async () => {
      const { wallet } = await script(saying(undefined, said))
      const asked = wallet.payee.lookupInvoice(hash)
      await expect(asked).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }
  test('an invoice that was made here, and is told of as a payment, was paid by the wallet itself', async () => {
    const { wallet } = await script((method) =>
      method === 'make_invoice'
        ? { result: { invoice: invoice.text, payment_hash: hashHex } }
        : settled,
    )
    const { expirySeconds } = invoice
    const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds }
    await wallet.payee.createInvoice(request)
    expect((await wallet.payee.lookupInvoice(hash)).status).toBe('settled')
  })
})

describe('R-NWC-20 an invoice that is made', () => {
  const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 3600 }
  test('is asked for in msat', async () => {
    const seen: unknown[] = []
    const { wallet } = await script((_, params) => {
      seen.push(params)
      return { result: { invoice: invoice.text } }
    })
    expect(await wallet.payee.createInvoice(request)).toEqual({ invoice: invoice.text })
    expect(seen).toEqual([{ amount: 21_000, description: 'tea', expiry: 3600 }])
  })
  test('cannot say more than a JSON number does: RangeError, and nothing is asked', async () => {
    const { wallet, asked } = await script(() => undefined)
    const order = { ...request, amountMsat: msat(BigInt(Number.MAX_SAFE_INTEGER) + 1n) }
    await expect(wallet.payee.createInvoice(order)).rejects.toThrow(RangeError)
    expect(asked).toEqual([])
  })
  for (const [what, said, reason] of [
    ['RESTRICTED', failure('RESTRICTED'), /may not make_invoice: give it that permission/],
    ['UNAUTHORIZED', failure('UNAUTHORIZED'), /does not know this connection/],
    ['EXPIRED', failure('EXPIRED'), /has expired: make a new one/],
    ['NOT_IMPLEMENTED', failure('NOT_IMPLEMENTED'), /knows no make_invoice/],
    ['INTERNAL', failure('INTERNAL'), /answered INTERNAL/],
    ['a code that is none', failure('<b>secret</b>'), /answered OTHER/],
    ['no invoice', { result: {} }, /without an invoice/],
    ['an invoice that is none', { result: { invoice: 'lnbcrt1' } }, /cannot be read/],
    ['a number', { result: { invoice: 7 } }, /without an invoice/],
    ['nonsense', '7', /nonsense/],
    ['silence', undefined, /did not answer in time/],
  ] as const satisfies readonly (readonly [string, Said, RegExp])[]) {
    test(`${what}: NODE_UNAVAILABLE, with what to mend`, async () => {
      const { wallet } = await script(() => said)
      const error = await wallet.payee.createInvoice(request).catch((caught: unknown) => caught)
      expect(inspect(error)).toMatch(reason)
      expect(inspect(error)).not.toContain('secret')
    })
  }
  test('of another amount is not sold', async () => {
    const { wallet } = await script(() => ({ result: { invoice: invoice.text } }))
    const order = { ...request, amountMsat: msat(22_000n) }
    await expect(wallet.payee.createInvoice(order)).rejects.toThrow()
  })
})

describe('R-NWC-32 the balance', () => {
  test('is told in msat', async () => {
    const { wallet } = await script(() => ({ result: { balance: 21_000 } }))
    expect(await wallet.balanceMsat()).toBe(21_000n)
  })
  for (const [what, said] of [
    ['a negative one', { result: { balance: -1 } }],
    ['an inexact one', { result: { balance: 2 ** 60 } }],
    ['none', { result: {} }],
    ['an error', failure('RESTRICTED')],
  ] as const satisfies readonly (readonly [string, Said])[]) {
    test(`${what}: NODE_UNAVAILABLE`, async () => {
      const { wallet } = await script(() => said)
      await expect(wallet.balanceMsat()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }
})

test('R-NWC-7 that an earlier attempt failed is remembered, however many payments came after it', async () => {
  let isFirst = true
  const { wallet } = await script(
    (method, params) => {
      if (method === 'lookup_invoice') {
        const isThis = params['payment_hash'] === hashHex
        return isThis ? payment({ state: 'failed' }) : notFound
      }
      const isThis = params['invoice'] === invoice.text
      if (!isThis) return failure('INSUFFICIENT_BALANCE')
      const said = isFirst ? failure('PAYMENT_FAILED') : undefined
      isFirst = false
      return said
    },
    { changes: { orderTimeoutMs: 3000, timeoutMs: 10_000 } },
  )
  expect((await wallet.payer.pay(invoice, limits)).status).toBe('failed')
  expect((await wallet.payer.pay(invoice, limits)).status).toBe('unknown')
  const others = Array.from({ length: 1001 }, (_, i) => otherInvoice(i))
  for (let i = 0; i < others.length; i += 50) {
    await Promise.all(
      others
        .slice(i, i + 50)
        .map((other) => wallet.payer.pay(other, limits).catch(() => undefined)),
    )
  }
  expect(await wallet.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
}, 60_000)

function otherInvoice(i: number): Invoice {
  const secret = new Uint8Array(32)
  new DataView(secret.buffer).setUint32(0, i + 1)
  const text = encodeInvoice(
    {
      network: 'regtest',
      amountMsat: msat(21_000n),
      timestampSeconds: nowSeconds,
      paymentHash: hashPreimage(preimage(secret)),
      paymentSecret: new Uint8Array(32).fill(8),
      description: 'tea',
    },
    new Uint8Array(32).fill(1),
  )
  return decodeInvoice(text)
}
