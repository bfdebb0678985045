import type { Invoice } from 'satway'
import { isL402Error, L402Error, msat, paymentHash } from 'satway'
import type { PaymentIntent } from 'satway/client'
import { createMemoryLedger } from 'satway/client'
import type { Payer } from 'satway/lightning'
import { describe, expect, test } from 'vitest'
import { createLazyPayer, namingWallet } from './lazy-payer.ts'

const hash = paymentHash(new Uint8Array(32).fill(7))
const invoice = { text: 'lnbcrt1', paymentHash: hash } as Invoice

function wallet(asked: string[]): Payer {
  return {
    network: 'regtest',
    id: 'wallet-1',
    orderLagSeconds: 3,
    pay: async () => {
      asked.push('pay')
      return { status: 'unknown' }
    },
    lookupPayment: async () => {
      asked.push('look up')
      return undefined
    },
  }
}

const intent: PaymentIntent = {
  paymentHash: '07'.repeat(32),
  origin: 'https://api.example',
  host: 'api.example',
  method: 'GET',
  url: 'https://api.example/x',
  target: 'GET /x',
  coverage: undefined,
  hasBody: false,
  scheme: 'L402',
  token: 'dG9rZW4=',
  invoice: 'lnbcrt1',
  amountMsat: msat(70n),
  maxFeeMsat: msat(5n),
  enforces: [],
  decidedBy: 'policy',
  createdAtSeconds: 100,
  leaseUntilSeconds: 200,
  walletId: undefined,
  orderLagSeconds: undefined,
}
const limits = {
  maxTotalMsat: msat(1000n),
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
}
const away = async (): Promise<Payer> => {
  throw new L402Error('NODE_UNAVAILABLE', { reason: 'no wallet file' })
}

describe('R-AGT-48 a wallet is opened when something is to be paid or asked', () => {
  test('and not before: until then it has no name', async () => {
    const asked: string[] = []
    let opened = 0
    const lazy = createLazyPayer('regtest', async () => {
      opened += 1
      return wallet(asked)
    })
    expect({ ...lazy }).toMatchObject({ network: 'regtest' })
    expect('id' in lazy || 'orderLagSeconds' in lazy).toBe(false)
    expect(opened).toBe(0)
    await lazy.lookupPayment(hash)
    await lazy.pay(invoice, { maxFeeMsat: msat(1n) })
    expect(asked).toEqual(['look up', 'pay'])
    expect(lazy).toMatchObject({ id: 'wallet-1', orderLagSeconds: 3 })
  })

  test('one that cannot be opened was told nothing', async () => {
    const lazy = createLazyPayer('regtest', away)
    for (const call of [
      () => lazy.pay(invoice, { maxFeeMsat: msat(1n) }),
      () => lazy.lookupPayment(hash),
    ]) {
      const failed: unknown = await call().catch((error: unknown) => error)
      expect(isL402Error(failed, 'NODE_UNAVAILABLE')).toBe(true)
    }
    await lazy.prepare('07'.repeat(32))
  })

  test('its name is written down with the first payment, before the order', async () => {
    const lazy = createLazyPayer('regtest', async () => wallet([]))
    const ledger = namingWallet(createMemoryLedger(), lazy)
    expect(await ledger.begin(intent, limits)).toMatchObject({ status: 'begun' })
    expect(await ledger.find(intent.paymentHash)).toMatchObject({
      walletId: 'wallet-1',
      orderLagSeconds: 3,
    })
  })

  test('without a wallet that opens, a payment is written down under no name', async () => {
    const ledger = namingWallet(createMemoryLedger(), createLazyPayer('regtest', away))
    expect(await ledger.begin(intent, limits)).toMatchObject({ status: 'begun' })
    expect(await ledger.find(intent.paymentHash)).toMatchObject({ walletId: undefined })
  })
})

test('R-AGT-48 what was written down under no name is not ordered, though the wallet opens by then', async () => {
  const asked: string[] = []
  let opened = 0
  const lazy = createLazyPayer('regtest', async () => {
    opened += 1
    return opened === 1 ? away() : wallet(asked)
  })
  const ledger = namingWallet(createMemoryLedger(), lazy)
  await ledger.begin(intent, limits)
  const given: unknown = await lazy
    .pay(invoice, { maxFeeMsat: msat(1n) })
    .catch((error: unknown) => error)
  expect(isL402Error(given, 'NODE_UNAVAILABLE')).toBe(true)
  expect(asked).toEqual([])

  const again = { ...intent, paymentHash: '08'.repeat(32), target: 'GET /y' }
  expect(await ledger.begin(again, limits)).toMatchObject({ status: 'begun' })
  const other = { text: 'lnbcrt2', paymentHash: paymentHash(new Uint8Array(32).fill(8)) } as Invoice
  await lazy.pay(other, { maxFeeMsat: msat(1n) })
  expect(asked).toEqual(['pay'])
})
