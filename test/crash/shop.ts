import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { PaymentHash } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import { createDevnet, serveWallet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee } from '../../library/src/lightning/index.ts'
import { protect } from '../../library/src/middleware/node-http/index.ts'
import type { Gate } from '../../library/src/server/index.ts'
import { createKeyRing, createPaywall } from '../../library/src/server/index.ts'

/** What the judge knows about one item: from the network's own books, not from a client's word. */
export type Sale = { readonly settledHashes: readonly string[]; readonly delivered: number }

/** A network, a wallet that other processes pay with, and a shop that sells every path once. */
export type World = {
  readonly origin: string
  readonly walletFile: string
  /** What has left the buyer's node, fees included. */
  spentMsat(): Msat
  sale(item: string): Promise<Sale>
  /**
   * Lets a part of the payments go wrong from now on: 0 to 1. What stays on its way ends soon, one way
   * or the other.
   */
  setTrouble(share: number): void
  close(): Promise<void>
}

const startMsat = satToMsat(100_000_000n)

/** `p50-a` costs 50 sat, everything else 10. */
function priceOf(item: string): string {
  const [, sat = '10'] = /^p(\d{1,4})-/.exec(item) ?? []
  return `${sat} sat`
}

/** @param folder - Where the wallet's address is written for the buyers. */
export async function openWorld(folder: string): Promise<World> {
  const devnet = createDevnet()
  const buyer = devnet.addNode('buyer', { balanceMsat: startMsat })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const walletFile = join(folder, 'wallet.json')
  const wallet = await serveWallet(buyer, { file: walletFile })
  const invoices = new Map<string, PaymentHash[]>()
  const delivered = new Map<string, number>()
  const underWay = new Set<PaymentHash>()
  let trouble = 0

  const timer = setInterval(() => {
    for (const hash of underWay) {
      try {
        buyer.resolvePayment(hash, randomInt(2) === 0 ? 'settle' : 'fail')
        underWay.delete(hash)
      } catch {
        // It is not ordered yet.
      }
    }
  }, 50)

  const payee: Payee = {
    ...seller,
    createInvoice: async (order) => {
      const made = await seller.createInvoice(order)
      const { paymentHash } = decodeInvoice(made.invoice)
      const hashes = invoices.get(order.description) ?? []
      invoices.set(order.description, [...hashes, paymentHash])
      if (Math.random() < trouble) {
        const kind = randomInt(5)
        if (kind === 0) buyer.injectFault({ kind: 'timeout', settleAfterMs: 60 }, paymentHash)
        if (kind === 1) buyer.injectFault({ kind: 'hang' }, paymentHash)
        if (kind === 2) buyer.injectFault({ kind: 'duplicate' }, paymentHash)
        if (kind === 3) buyer.injectFault({ kind: 'fail', reason: 'no-route' }, paymentHash)
        if (kind === 4) {
          buyer.injectFault({ kind: 'in-flight' }, paymentHash)
          underWay.add(paymentHash)
        }
      }
      return made
    },
  }

  const paywall = createPaywall({
    service: 'crash',
    payee,
    keys: createKeyRing([{ kid: 1, key: new Uint8Array(32).fill(7) }]),
    issuance: {
      burst: 1e6,
      perMinute: 1e6,
      globalBurst: 1e6,
      globalPerMinute: 1e6,
    },
  })
  const gates = new Map<string, Gate>()
  const gateOf = (item: string): Gate => {
    const gate =
      gates.get(item) ??
      // Limited, so that every buyer gets an invoice of his own: two payments would be two.
      paywall.charge({
        price: priceOf(item),
        capability: item,
        uses: 1000,
        description: item,
      })
    gates.set(item, gate)
    return gate
  }

  const server = createServer((request, response) => {
    const item = (request.url ?? '').slice('/item/'.length)
    if (!/^[a-z0-9.-]{1,40}$/.test(item)) {
      response.writeHead(404).end()
      return
    }
    void protect(gateOf(item), () => {
      delivered.set(item, (delivered.get(item) ?? 0) + 1)
      response.end(`item ${item}`)
    })(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${port}`,
    walletFile,
    spentMsat: () => msat(startMsat - buyer.balanceMsat()),
    sale: async (item) => {
      const settledHashes: string[] = []
      for (const hash of invoices.get(item) ?? []) {
        const { status } = await seller.lookupInvoice(hash)
        if (status === 'settled') settledHashes.push(encodeHex(hash))
      }
      return { settledHashes, delivered: delivered.get(item) ?? 0 }
    },
    setTrouble: (share) => {
      trouble = share
    },
    close: async () => {
      clearInterval(timer)
      await paywall.close()
      await wallet.close()
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
    },
  }
}
