import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex, randomBytes } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Preimage } from '../../library/src/invoice/index.ts'
import {
  decodeInvoice,
  hashPreimage,
  preimage,
  provesPayment,
} from '../../library/src/invoice/index.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Member, Regtest } from './network.ts'
import type { BookedPayment } from './node-control.ts'
import {
  buyerBalance,
  cancelHold,
  createHold,
  invoicesOf,
  paymentsOf,
  settleHold,
  untilHeld,
} from './node-control.ts'
import type { Purse, PurseOptions } from './purse.ts'
import { openPurse } from './purse.ts'
import { until } from './until.ts'

const amountMsat = satToMsat(1_000n)
const hourSeconds = 3600

/** Payments that are in the middle while somebody waits, or while a node dies. */
export function describeNodeLoss(network: () => Regtest): void {
  const purses: Purse[] = []
  afterEach(async () => {
    for (const purse of purses.splice(0)) await purse.close()
  })
  const open = async (options?: PurseOptions): Promise<Purse> => {
    const purse = await openPurse(network(), network().buyer, options)
    purses.push(purse)
    return purse
  }
  const hold = async () => {
    const secret = preimage(randomBytes(32))
    const hash = hashPreimage(secret)
    const text = await createHold(network().seller, hash, amountMsat, 4 * hourSeconds)
    return { secret, hash, hex: encodeHex(hash), text }
  }
  const booked = async (hex: string): Promise<readonly BookedPayment[]> =>
    (await paymentsOf(network().buyer)).filter(({ payment_hash: hash }) => hash === hex)

  /** Asks until the payment has ended. */
  const reconciled = async (purse: Purse, hex: string) =>
    await until('the payment to end', async () => {
      await purse.client.reconcile()
      const entry = await purse.journal.ledger.find(hex)
      return entry !== undefined && (entry.state === 'settled' || entry.state === 'failed') && entry
    })

  /**
   * Waits until nothing is on its way.
   *
   * @returns Hashes of what lnd calls in flight though no channel holds anything of it. lnd that is
   *   killed between writing an attempt down and sending it leaves that behind, for good
   *   (lightningnetwork/lnd issue 5152): nobody can tell that it will not be paid, so it stays unknown.
   */
  const untilRest = (purse: Purse): Promise<readonly string[]> =>
    until('what is on its way to end', async () => {
      const openHashes = async () =>
        (await purse.client.reconcile())
          .filter(({ state }) => state !== 'settled' && state !== 'failed')
          .map(({ paymentHash }) => paymentHash)
      const first = await openHashes()
      if (first.length === 0) return first
      await buyerBalance(network())
      await pause(1500)
      const second = await openHashes()
      return second.length === first.length && second
    })

  /** One payment in the node's books, its preimage in ours, and the same sum in both. */
  const expectPaidOnce = async (purse: Purse, hex: string, secret: Preimage, before: bigint) => {
    const entry = await reconciled(purse, hex)
    expect(entry.state).toBe('settled')
    expect(entry.preimage).toBe(encodeHex(secret))
    const payments = await booked(hex)
    expect(payments.map(({ status }) => status)).toEqual(['SUCCEEDED'])
    const spentMsat = BigInt(payments[0]!.value_msat) + BigInt(payments[0]!.fee_msat)
    expect(await purse.spent()).toMatchObject({ totalMsat: spentMsat, heldMsat: 0n })
    expect(before - (await buyerBalance(network()))).toBe(spentMsat)
  }

  describe('a payment that is held for an hour', () => {
    for (const [end, then] of [
      ['is paid once when its payee settles', 'settled'],
      ['gives everything back when its payee cancels', 'cancelled'],
    ] as const) {
      test(`R-PAY-34 keeps its money set aside, and ${end}`, async () => {
        const before = await buyerBalance(network())
        const purse = await open({ paymentTimeoutMs: 700 })
        const { secret, hash, hex, text } = await hold()
        await expectUnknown(purse.client.payInvoice(text))
        await untilHeld(network().seller, hash)
        for (let hour = 0; hour < 3; hour++) {
          expect((await purse.client.reconcile()).map(({ state }) => state)).toEqual(['unknown'])
          await expectUnknown(purse.client.payInvoice(text))
          expect((await purse.spent()).heldMsat).toBeGreaterThanOrEqual(amountMsat)
          purse.advance(hourSeconds)
        }
        expect(await booked(hex)).toHaveLength(1)
        if (then === 'settled') {
          await settleHold(network().seller, secret, hash)
          await expectPaidOnce(purse, hex, secret, before)
          return
        }
        await cancelHold(network().seller, hash)
        expect(await reconciled(purse, hex)).toMatchObject({ state: 'failed' })
        expect(await purse.spent()).toMatchObject({ totalMsat: 0n, heldMsat: 0n })
        expect(await buyerBalance(network())).toBe(before)
      })
    }
  })

  describe('a node that is lost in the middle of a payment', () => {
    for (const [who, how] of [
      ['buyer', 'kill'],
      ['buyer', 'stop'],
      ['hop', 'kill'],
      ['seller', 'kill'],
    ] as const) {
      test(`R-PAY-39 ${who} (${how}): paid once, with its preimage, to the msat`, async () => {
        const { seller } = network()
        const before = await buyerBalance(network())
        const purse = await open()
        const { secret, hash, hex, text } = await hold()
        const paying = purse.client.payInvoice(text).then(
          () => 'PAID',
          (error: unknown) => (isL402Error(error) ? error.code : String(error)),
        )
        await untilHeld(seller, hash)
        const node: Member = network()[who]
        await node[how]()
        await node.start()
        await network().untilLinked()
        // The order of a node that is lost cannot be told; that of a live one is still waited for.
        if (who === 'buyer') expect(await paying).toBe('PAYMENT_UNKNOWN')
        await settleHold(seller, secret, hash)
        if (who !== 'buyer') expect(await paying).toBe('PAID')
        await expectPaidOnce(purse, hex, secret, before)
      })
    }

    test('R-PAY-39 R-REG-3 killed at moments of chance: nothing is paid twice, all is accounted for', async () => {
      const { buyer, seller } = network()
      const before = await buyerBalance(network())
      // An order that is lost together with its node may still be on its way until its lease is over.
      const paymentTimeoutMs = 3000
      let purse = await open({ paymentTimeoutMs })
      const payee = openLnd(seller, 'receive')
      const invoices: string[] = []
      const pay = async (text: string): Promise<void> => {
        invoices.push(text)
        await purse.client.payInvoice(text).catch((error: unknown) => {
          const codes = ['PAYMENT_UNKNOWN', 'NODE_UNAVAILABLE', 'PAYMENT_FAILED'] as const
          if (!codes.some((code) => isL402Error(error, code))) throw error
        })
      }
      const isIn = (hashes: readonly string[], text: string): boolean =>
        hashes.includes(encodeHex(decodeInvoice(text).paymentHash))
      // What the node never saw, or failed, is paid now; what it paid is not paid again.
      const payAll = async (texts: readonly string[]): Promise<void> => {
        for (const text of texts) {
          await until('a payment to be made', async () => {
            const paid = await purse.client.payInvoice(text)
            return paid.paymentHash === encodeHex(decodeInvoice(text).paymentHash)
          })
        }
      }
      for (let round = 0; round < 3; round++) {
        const order = { amountMsat: msat(10_000n + BigInt(round)), description: 'chance' }
        const made = await Promise.all(
          Array.from({ length: 10 }, () =>
            payee.payee.createInvoice({ ...order, expirySeconds: 3600 }),
          ),
        )
        const paying = Promise.all(made.map(({ invoice }) => pay(invoice)))
        await pause(randomInt(400))
        await buyer.kill()
        await paying
        await buyer.start()
        await network().untilLinked()
        // The client has died, too: nothing is remembered but what is written down.
        await purses.pop()?.close()
        purse = await open({ paymentTimeoutMs, journalFile: purse.journalFile })
        const stuck = await untilRest(purse)
        await payAll(made.map(({ invoice }) => invoice).filter((text) => !isIn(stuck, text)))
      }
      // What was called in flight for good may have ended with a later start of the node after all.
      const late = await untilRest(purse)
      await payAll(invoices.filter((text) => !isIn(late, text)))
      payee.close()
      const stuck = await untilRest(purse)
      let spentMsat = 0n
      let heldMsat = 0n
      for (const text of invoices) {
        const { paymentHash } = decodeInvoice(text)
        const hex = encodeHex(paymentHash)
        const entry = await purse.journal.ledger.find(hex)
        const [payment, ...others] = await booked(hex)
        expect(others).toEqual([])
        if (stuck.includes(hex)) {
          expect(payment?.status).toBe('IN_FLIGHT')
          heldMsat += (entry?.amountMsat ?? 0n) + (entry?.maxFeeMsat ?? 0n)
          continue
        }
        expect([entry?.state, payment?.status]).toEqual(['settled', 'SUCCEEDED'])
        spentMsat += BigInt(payment?.value_msat ?? '') + BigInt(payment?.fee_msat ?? '')
        const proof = preimage(decodeHex(entry?.preimage ?? ''))
        expect(provesPayment(proof, paymentHash)).toBe(true)
      }
      expect(await purse.spent()).toMatchObject({ totalMsat: spentMsat + heldMsat, heldMsat })
      expect(before - (await buyerBalance(network()))).toBe(spentMsat)
      const received = (await invoicesOf(seller)).filter(
        ({ memo, state }) => memo === 'chance' && state === 'SETTLED',
      )
      expect(received).toHaveLength(invoices.length - stuck.length)
    })
  })
}

async function expectUnknown(paying: Promise<unknown>): Promise<void> {
  await expect(paying).rejects.toMatchObject({ code: 'PAYMENT_UNKNOWN' })
}
