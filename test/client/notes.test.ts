import { describe, expect, test } from 'vitest'
import type { Note, Receipts } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { hashHex, startSeller } from './seller.ts'

function book(): { readonly notes: Note[]; readonly receipts: Receipts } {
  const notes: Note[] = []
  const receipts: Receipts = {
    note: async (note) => {
      notes.push(note)
    },
  }
  return { notes, receipts }
}

async function openShop(answer?: Parameters<typeof startSeller>[0]['answer']) {
  const market = openMarket()
  const seller = await startSeller({ ...market, ...(answer === undefined ? {} : { answer }) })
  const { notes, receipts } = book()
  return { market, seller, notes, receipts }
}

describe('R-RCT-1 R-RCT-4 a call that was refused', () => {
  test('is noted with what was asked for, without its query, and with what is known', async () => {
    const { market, seller, notes, receipts } = await openShop()
    const policy = { ...openPolicy, approve: () => false }
    const client = market.client({ receipts, policy })
    const call = client.fetch(`${seller.origin}/data/x?key=secret#part`, {
      method: 'POST',
      body: 'secret',
    })
    expect((await thrownBy(call)).code).toBe('POLICY_REFUSED')
    expect(notes).toEqual([
      {
        kind: 'refused',
        atSeconds: market.now(),
        method: 'POST',
        origin: seller.origin,
        path: '/data/x',
        code: 'POLICY_REFUSED',
        reason: 'declined',
        amountMsat: 10_000n,
        paymentHash: hashHex(seller.sold[0]!),
      },
    ])
  })

  for (const [name, options, init, code, reason, amountMsat] of [
    [
      'a host',
      { policy: { ...openPolicy, denyHosts: ['127.0.0.1'] } },
      {},
      'POLICY_REFUSED',
      'host',
    ],
    [
      'a limit',
      { policy: { ...openPolicy, perDayMsat: '1 sat' } },
      {},
      'BUDGET_EXCEEDED',
      'per-day',
      10_000n,
    ],
    ['a price', {}, { l402: { maxCostMsat: '1 sat' } }, 'BUDGET_EXCEEDED', 'per-call', 10_000n],
    ['pay: false', {}, { l402: { pay: false } }, 'POLICY_REFUSED', 'no-pay'],
    ['the policy', { policy: () => ({}) as never }, {}, 'POLICY_REFUSED', 'policy'],
  ] as const satisfies readonly (readonly unknown[])[]) {
    test(`by ${name} is noted with its reason`, async () => {
      const { market, seller, notes, receipts } = await openShop()
      await thrownBy(market.client({ receipts, ...options }).fetch(`${seller.origin}/data`, init))
      expect(notes).toMatchObject([{ kind: 'refused', path: '/data', code, reason, amountMsat }])
    })
  }

  test('after a redirect is noted where it was refused', async () => {
    const { market, notes, receipts } = await openShop()
    const client = market.client({
      receipts,
      fetch: async () =>
        new Response('', { status: 302, headers: { location: 'http://10.0.0.1/in?side' } }),
    })
    await thrownBy(client.fetch('https://a.test/start'))
    expect(notes).toMatchObject([
      { reason: 'private-address', origin: 'http://10.0.0.1', path: '/in', method: 'GET' },
    ])
  })

  test('is noted for a bare invoice, and for text that is none', async () => {
    const { market, seller, notes, receipts } = await openShop()
    const client = market.client({ receipts })
    const sold = await seller.sell()
    await thrownBy(client.payInvoice(sold.invoice))
    await thrownBy(client.payInvoice('nonsense'))
    expect(notes).toMatchObject(
      [
        {
          kind: 'refused',
          method: 'PAY',
          origin: expect.stringMatching(/^lightning:0[23]/),
          path: hashHex(sold),
          code: 'POLICY_REFUSED',
          reason: 'invoices',
          paymentHash: hashHex(sold),
        },
        { kind: 'refused', method: 'PAY', origin: 'lightning:', path: '', code: /^INVOICE_/ },
      ].map((note) => ({ ...note, code: expect.stringMatching(note.code) })),
    )
  })

  test('is not noted when it was none: what is free, what failed, what nobody could reach', async () => {
    const { market, seller, notes, receipts } = await openShop()
    const client = market.client({ receipts })
    await client.fetch(`${seller.origin}/free`)
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    await thrownBy(client.fetch(`${seller.origin}/data`))
    market.buyer.injectFault({ kind: 'in-flight' })
    await thrownBy(client.fetch(`${seller.origin}/data`))
    await thrownBy(client.fetch('http://127.0.0.1:1/'))
    await client.quote(`${seller.origin}/other`)
    expect(notes).toEqual([])
  })
})

describe('R-RCT-2 what was bought', () => {
  test('is noted as delivered with the status, once', async () => {
    const { market, seller, notes, receipts } = await openShop()
    const client = market.client({ receipts })
    await (await client.fetch(`${seller.origin}/data`)).text()
    await (await client.fetch(`${seller.origin}/data`)).text()
    expect(notes).toEqual([
      {
        kind: 'delivered',
        atSeconds: market.now(),
        origin: seller.origin,
        paymentHash: hashHex(seller.sold[0]!),
        status: 200,
      },
    ])
  })

  for (const [name, reply, status] of [
    ['refused', { status: 401 }, 401],
    ['left open', { status: 503 }, 503],
    ['not answered', { raw: (response) => response.destroy() }, undefined],
  ] as const satisfies readonly (readonly [
    string,
    Awaited<ReturnType<Seller['serve']>>,
    unknown,
  ])[]) {
    test(`and ${name} is noted as not delivered (${status})`, async () => {
      const { market, seller, notes, receipts } = await openShop((request, by) =>
        request.headers.authorization === undefined ? by.serve(request) : reply,
      )
      const client = market.client({ receipts })
      await client.fetch(`${seller.origin}/data`).catch(() => undefined)
      expect(notes).toEqual([
        {
          kind: 'not-delivered',
          atSeconds: market.now(),
          origin: seller.origin,
          paymentHash: hashHex(seller.sold[0]!),
          status,
        },
      ])
    })
  }

  test('and came late is noted both times', async () => {
    let isBroken = true
    const { market, seller, notes, receipts } = await openShop((request, by) =>
      isBroken && request.headers.authorization !== undefined ? { status: 500 } : by.serve(request),
    )
    const client = market.client({ receipts })
    await client.fetch(`${seller.origin}/data`)
    isBroken = false
    expect(await (await client.fetch(`${seller.origin}/data`)).text()).toBe('paid /data')
    expect(notes.map(({ kind }) => kind)).toEqual(['not-delivered', 'delivered'])
  })

  test('and is resumed is noted as delivered', async () => {
    const { market, seller, notes, receipts } = await openShop()
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    const client = market.client({ receipts, ledger, tokens })
    market.buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    const { error } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(await (await client.resume(error)).text()).toBe('paid /data')
    expect(notes.map(({ kind }) => kind)).toEqual(['delivered'])
  })
})

describe('R-RCT-3 a note that fails', () => {
  for (const [name, note] of [
    ['rejects', async () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
  ] as const) {
    test(`(${name}) changes nothing`, async () => {
      const { market, seller } = await openShop()
      const client = market.client({ receipts: { note } })
      expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
      const denied = market.client({
        receipts: { note },
        policy: { ...openPolicy, denyHosts: ['127.0.0.1'] },
      })
      const { details } = await thrownBy(denied.fetch(`${seller.origin}/data`))
      expect(details['reason']).toBe('host')
    })
  }

  test('R-PAY-20 is no reason to take anything for receipts', () => {
    const { client } = openMarket()
    for (const receipts of [{}, null, 'receipts.jsonl', () => undefined]) {
      expect(() => client({ receipts: receipts as never })).toThrow(/receipts/)
    }
  })
})
