import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex, randomBytes } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Invoice, Network } from '../../library/src/invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  preimage,
} from '../../library/src/invoice/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { createLnd } from '../../library/src/lightning/lnd/index.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Member, Regtest } from './network.ts'
import { buyerBalance, paymentsOf } from './node-control.ts'

const maxFeeMsat = satToMsat(100n)

/** What a real node refuses, and what it says about itself. */
export function describeRefusals(network: () => Regtest): void {
  describe('lnd refuses', () => {
    let buyer: LndWallet
    let seller: LndWallet
    let hermit: Member
    const opened: LndWallet[] = []
    beforeAll(async () => {
      buyer = keep(openLnd(network().buyer, 'pay'))
      seller = keep(openLnd(network().seller, 'receive'))
      hermit = await network().addNode('hermit')
    })
    afterAll(() => {
      for (const wallet of opened) wallet.close()
    })
    const keep = (wallet: LndWallet): LndWallet => {
      opened.push(wallet)
      return wallet
    }
    const sell = async (
      payee: LndWallet,
      amountMsat: bigint,
      expirySeconds = 600,
    ): Promise<Invoice> => {
      const order = { amountMsat: msat(amountMsat), description: 'refused', expirySeconds }
      return decodeInvoice((await payee.payee.createInvoice(order)).invoice)
    }
    /** Pays, and checks that no money moved. */
    const refuse = async (payer: LndWallet, invoice: Invoice, feeMsat = maxFeeMsat) => {
      const before = await buyerBalance(network())
      const outcome = await payer.payer.pay(invoice, { maxFeeMsat: feeMsat })
      expect(await buyerBalance(network())).toBe(before)
      return outcome
    }

    test('R-LND-23 to tell its balance to a macaroon that only pays, and tells it to another', async () => {
      const { url, certificate, admin, rest } = network().buyer
      const all = keep(createLnd({ url, certificate, macaroon: admin, network: 'regtest' }))
      type Own = { readonly local_balance: { readonly msat: string } }
      const { local_balance: own } = await rest<Own>('/v1/balance/channels')
      expect(await all.balanceMsat?.()).toBe(BigInt(own.msat))
      expect(await buyer.balanceMsat?.()).toBeUndefined()
    })

    test('R-LN-13 more than the payer has', async () => {
      const balanceMsat = await buyerBalance(network())
      const invoice = await sell(seller, balanceMsat + 1_000_000n)
      expect(await refuse(buyer, invoice)).toEqual({
        status: 'failed',
        reason: 'insufficient-balance',
      })
    })

    test('R-LN-13 a payee without a channel', async () => {
      const invoice = await sell(keep(openLnd(hermit, 'receive')), 1_000n)
      expect(await refuse(buyer, invoice)).toEqual({ status: 'failed', reason: 'no-route' })
    })

    test('R-LN-13 an invoice that has expired, whatever our clock says', async () => {
      const invoice = await sell(seller, 1_000n, 1)
      const { url, pay: macaroon, certificate } = network().buyer
      const past = (): number => invoice.timestampSeconds
      const slow = keep(createLnd({ url, macaroon, certificate, network: 'regtest', now: past }))
      await expect
        .poll(() => Math.floor(Date.now() / 1000), { timeout: 5000 })
        .toBeGreaterThan(invoice.timestampSeconds + 1)
      const expired = { status: 'failed', reason: 'expired' }
      expect(await refuse(slow, invoice)).toEqual(expired)
      expect(await refuse(buyer, invoice)).toEqual(expired)
    })

    test('R-LN-13 an invoice of another network, and sends nothing', async () => {
      for (const other of ['bitcoin', 'testnet', 'signet', 'simnet'] as const) {
        const outcome = await refuse(buyer, strangeInvoice(other))
        expect(outcome).toEqual({ status: 'failed', reason: 'wrong-network' })
      }
    })

    test('R-LN-13 an invoice of the network that it is named for, when it is on another', async () => {
      const { url, pay: macaroon, certificate } = network().buyer
      const misnamed = keep(createLnd({ url, macaroon, certificate, network: 'bitcoin' }))
      const outcome = await refuse(misnamed, strangeInvoice('bitcoin'))
      expect(outcome).toEqual({ status: 'failed', reason: 'wrong-network' })
    })

    test('R-LN-7 a fee above the ceiling, and pays at the ceiling', async () => {
      const invoice = await sell(seller, 100_000n)
      const outcome = await refuse(buyer, invoice, msat(999n))
      // lnd leaves routes out that cost too much, and has no other word for it then.
      expect(outcome).toEqual({ status: 'failed', reason: expect.stringMatching(/no-route|fee-/) })
      const paid = await buyer.payer.pay(invoice, { maxFeeMsat: msat(1_000n) })
      expect(paid).toMatchObject({ status: 'settled', amountMsat: 100_000n, feeMsat: 1_000n })
    })

    test('R-LN-14 an invoice without an amount', async () => {
      expect(await refuse(buyer, strangeInvoice('regtest', undefined))).toMatchObject({
        status: 'failed',
      })
    })

    test('R-LN-8 a second payment of one hash, also from another process', async () => {
      const invoice = await sell(seller, 5_000n)
      const first = await buyer.payer.pay(invoice, { maxFeeMsat })
      expect(first.status).toBe('settled')
      const again = keep(openLnd(network().buyer, 'pay'))
      expect(await refuse(again, invoice)).toEqual(first)
      const hash = encodeHex(invoice.paymentHash)
      const booked = (await paymentsOf(network().buyer)).filter((one) => one.payment_hash === hash)
      expect(booked).toHaveLength(1)
    })
  })

  describe('an lnd that cannot be used says what to mend, and no secret', () => {
    const opened: LndWallet[] = []
    afterAll(() => {
      for (const wallet of opened) wallet.close()
    })
    const open = (change: Partial<Parameters<typeof createLnd>[0]>): LndWallet => {
      const { url, receive: macaroon, certificate } = network().seller
      const wallet = createLnd({ url, macaroon, certificate, network: 'regtest', ...change })
      opened.push(wallet)
      return wallet
    }
    const order = { amountMsat: msat(1_000n), description: '', expirySeconds: 60 }
    /** @returns the reason. */
    const reasonOf = async (work: Promise<unknown>, secret: Uint8Array): Promise<string> => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw new Error('it worked', { cause: error })
      const said = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)} ${error.message}`
      for (const spelling of ['hex', 'base64', 'base64url'] as const) {
        expect(said).not.toContain(Buffer.from(secret).toString(spelling).slice(0, 24))
      }
      return String(error.details['reason'])
    }

    test('R-LN-15 with the macaroon of another node, or none at all', async () => {
      for (const macaroon of [network().hop.receive, new Uint8Array(randomBytes(120))]) {
        let wallet: LndWallet
        try {
          wallet = open({ macaroon })
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          continue
        }
        expect(await reasonOf(wallet.payee.createInvoice(order), macaroon)).toMatch(/macaroon/)
        expect(await reasonOf(wallet.examine(), macaroon)).toMatch(/macaroon/)
      }
    })

    test('R-LN-15 with a macaroon for something else', async () => {
      const { buyer, seller } = network()
      const payer = open({ macaroon: seller.pay })
      expect(await reasonOf(payer.payee.createInvoice(order), seller.pay)).toMatch(/macaroon/)
      const receiver = openLnd(buyer, 'receive')
      opened.push(receiver)
      const { invoice } = await open({}).payee.createInvoice(order)
      const paying = receiver.payer.pay(decodeInvoice(invoice), { maxFeeMsat })
      expect(await reasonOf(paying, buyer.receive)).toMatch(/macaroon/)
    })

    test('R-LN-15 without its certificate, or with that of another', async () => {
      const { receive } = network().seller
      const { certificate: _, ...bare } = { ...network().seller }
      const unpinned = createLnd({ url: bare.url, macaroon: receive, network: 'regtest' })
      opened.push(unpinned)
      for (const wallet of [unpinned, open({ certificate: network().hop.certificate })]) {
        expect(await reasonOf(wallet.payee.createInvoice(order), receive)).toMatch(/certificate/)
      }
    })

    test('R-LN-1 on another network than it is named for', async () => {
      const { receive } = network().seller
      const wallet = open({ network: 'bitcoin' })
      expect(await reasonOf(wallet.payee.createInvoice(order), receive)).toMatch(/regtest/)
    })

    test('R-LN-15 while its wallet is locked, and works once that is open', async () => {
      const hermit = await network().addNode('locked')
      const wallet = openLnd(hermit, 'receive')
      const payer = openLnd(hermit, 'pay')
      opened.push(wallet, payer)
      await hermit.restart({ locked: true })
      expect(await reasonOf(wallet.payee.createInvoice(order), hermit.receive)).toMatch(/locked/)
      const paying = payer.payer.pay(strangeInvoice('regtest'), { maxFeeMsat })
      expect(await reasonOf(paying, hermit.pay)).toMatch(/locked/)
      expect((await wallet.examine()).notReady).toMatch(/locked/)
      await hermit.unlock()
      expect((await wallet.examine()).notReady).toBeUndefined()
      expect((await wallet.payee.createInvoice(order)).invoice).toMatch(/^lnbcrt10n/)
      await hermit.kill()
    })

    test('R-LN-2 and tells what its credential allows', async () => {
      const { receive, pay, admin } = network().seller
      const powersOf = async (macaroon: Uint8Array) => (await open({ macaroon }).examine()).powers
      expect(await powersOf(receive)).toEqual({ receive: true, spend: false, beyond: [] })
      expect(await powersOf(pay)).toEqual({ receive: false, spend: true, beyond: [] })
      const all = await powersOf(admin)
      expect(all).toMatchObject({ receive: true, spend: true })
      expect(all.beyond.length).toBeGreaterThan(2)
    })
  })
}

/** A well-formed invoice of a payee that does not exist. */
function strangeInvoice(network: Network, amountMsat: bigint | undefined = 1_000n): Invoice {
  const request = {
    network,
    amountMsat: amountMsat === undefined ? undefined : msat(amountMsat),
    timestampSeconds: Math.floor(Date.now() / 1000),
    paymentHash: hashPreimage(preimage(randomBytes(32))),
    paymentSecret: randomBytes(32),
    description: 'strange',
  }
  return decodeInvoice(encodeInvoice(request, new Uint8Array(32).fill(1)))
}
