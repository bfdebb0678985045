import type {
  Nip47Notification,
  Nip47Transaction,
  NWCWalletServiceRequestHandler,
} from '@getalby/sdk/nwc'
import { NWCClient, NWCWalletService, NWCWalletServiceKeyPair } from '@getalby/sdk/nwc'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { createSigner, publicKeyOf, signEvent } from '../../library/src/lightning/nostr/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'
import { serveNwc } from '../../library/src/testing/look-alike/nwc.ts'
import { serveRelay } from '../../library/src/testing/look-alike/relay.ts'

const plenty = msat(20_000_000n)
const limits = { maxFeeMsat: msat(50_000n) } as const
const walletSecret = '21'.repeat(32)
const clientSecret = '43'.repeat(32)
const endings: (() => Promise<void> | void)[] = []
beforeEach(() => {
  // The SDK tells the console of every error, also of those that are meant.
  for (const way of ['error', 'warn'] as const) vi.spyOn(console, way).mockReturnValue(undefined)
})
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
  vi.restoreAllMocks()
})

function createNodes(): { readonly node: DevnetNode; readonly peer: DevnetNode } {
  const devnet = createDevnet()
  const node = devnet.addNode('wallet', { balanceMsat: plenty })
  const peer = devnet.addNode('peer', { balanceMsat: plenty })
  return { node, peer }
}

async function invoiceOf(node: DevnetNode): Promise<Invoice> {
  const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
  return decodeInvoice((await node.createInvoice(request)).invoice)
}

/** A wallet of the SDK over a node. */
function handlerOf(node: DevnetNode): NWCWalletServiceRequestHandler {
  const fail = (code: string) => ({ result: undefined, error: { code, message: code } })
  const about = (invoice: Invoice, more: Partial<Nip47Transaction>): Nip47Transaction => ({
    type: 'incoming',
    state: 'pending',
    invoice: invoice.text,
    description: invoice.description ?? '',
    description_hash: '',
    preimage: '',
    payment_hash: encodeHex(invoice.paymentHash),
    amount: Number(invoice.amountMsat),
    fees_paid: 0,
    settled_at: 0,
    created_at: invoice.timestampSeconds,
    expires_at: invoice.timestampSeconds + invoice.expirySeconds,
    ...more,
  })
  const known = new Map<string, Invoice>()
  return {
    getInfo: async () => ({
      result: {
        alias: node.name,
        color: '#000000',
        pubkey: encodeHex(node.nodeId),
        network: 'regtest',
        block_height: 1,
        block_hash: '',
        methods: ['get_info', 'get_balance', 'make_invoice', 'lookup_invoice', 'pay_invoice'],
      },
      error: undefined,
    }),
    getBalance: async () => ({ result: { balance: Number(node.balanceMsat()) }, error: undefined }),
    makeInvoice: async ({ amount, description = '', expiry = 3600 }) => {
      const request = { amountMsat: msat(BigInt(amount)), description, expirySeconds: expiry }
      const invoice = decodeInvoice((await node.createInvoice(request)).invoice)
      known.set(encodeHex(invoice.paymentHash), invoice)
      return { result: about(invoice, {}), error: undefined }
    },
    payInvoice: async ({ invoice: text }) => {
      const invoice = decodeInvoice(text)
      known.set(encodeHex(invoice.paymentHash), invoice)
      const outcome = await node.pay(invoice, limits)
      if (outcome.status !== 'settled') return fail('PAYMENT_FAILED')
      const preimage = encodeHex(outcome.preimage)
      return { result: { preimage, fees_paid: Number(outcome.feeMsat) }, error: undefined }
    },
    lookupInvoice: async ({ payment_hash: hashHex = '' }) => {
      const invoice = known.get(hashHex)
      if (invoice === undefined) return fail('NOT_FOUND')
      const hash = paymentHash(decodeHex(hashHex))
      const incoming = await node.lookupInvoice(hash)
      if (incoming.status !== 'not-found') {
        const more =
          incoming.status === 'settled'
            ? ({ state: 'settled', settled_at: incoming.settledAtSeconds } as const)
            : {}
        return { result: about(invoice, more), error: undefined }
      }
      const outgoing = await node.lookupPayment(hash)
      const isSettled = outgoing?.status === 'settled'
      const more = isSettled
        ? ({ state: 'settled', preimage: encodeHex(outgoing.preimage) } as const)
        : ({ state: outgoing?.status === 'unknown' ? 'pending' : 'failed' } as const)
      return { result: about(invoice, { type: 'outgoing', ...more }), error: undefined }
    },
  }
}

for (const encryption of ['nip44_v2', 'nip04'] as const) {
  describe(`R-NWC-1 our adapter and the wallet service of the SDK, by ${encryption}`, () => {
    const connect = async () => {
      const { node, peer } = createNodes()
      const relay = await serveRelay()
      endings.push(relay.close)
      const clientPubkey = publicKeyOf(decodeHex(clientSecret)) ?? ''
      const keys = new NWCWalletServiceKeyPair(walletSecret, clientPubkey)
      const service = new NWCWalletService({ relayUrls: [relay.url] })
      endings.push(() => service.close())
      endings.push(await service.subscribe(keys, handlerOf(node)))
      if (encryption === 'nip44_v2') {
        await service.publishWalletServiceInfoEvent(
          walletSecret,
          ['get_info', 'get_balance', 'make_invoice', 'lookup_invoice', 'pay_invoice'],
          [],
        )
      } else {
        const content = 'get_info get_balance make_invoice lookup_invoice pay_invoice'
        const info = { kind: 13_194, created_at: 1_800_000_000, tags: [], content }
        relay.publish(signEvent(info, createSigner(decodeHex(walletSecret))))
      }
      const wallet = createNwc({
        walletPubkey: keys.walletPubkey,
        secret: clientSecret,
        relays: [relay.url],
        network: 'regtest',
        pollMs: 50,
      })
      endings.push(wallet.close)
      return { node, peer, wallet, relay }
    }

    test('pay', async () => {
      const { peer, wallet, relay } = await connect()
      const invoice = await invoiceOf(peer)
      const outcome = await wallet.payer.pay(invoice, limits)
      expect(outcome).toMatchObject({ status: 'settled', amountMsat: 21_000n, feeMsat: 1002n })
      expect(await wallet.payer.lookupPayment(invoice.paymentHash)).toEqual(outcome)
      const request = relay.published.find(({ kind }) => kind === 23_194)
      expect(request?.tags).toContainEqual(['encryption', encryption])
    })
    test('are told that a payment failed', async () => {
      const { node, peer, wallet } = await connect()
      node.injectFault({ kind: 'fail', reason: 'no-route' })
      const outcome = await wallet.payer.pay(await invoiceOf(peer), limits)
      expect(outcome).toEqual({ status: 'failed', reason: 'no-route' })
    })
    test('leave unknown what is on its way', async () => {
      const { node, peer, wallet } = await connect()
      node.injectFault({ kind: 'in-flight' })
      const invoice = await invoiceOf(peer)
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      node.resolvePayment(invoice.paymentHash, 'settle')
      const found = await wallet.payer.lookupPayment(invoice.paymentHash)
      expect(found?.status).toBe('settled')
    })
    test('are paid', async () => {
      const { peer, wallet } = await connect()
      const stream = wallet.payee.settlements(new AbortController().signal)
      const request = { amountMsat: msat(21_001n), description: 'tea ☕', expirySeconds: 77 }
      const { invoice: text } = await wallet.payee.createInvoice(request)
      const invoice = decodeInvoice(text)
      expect((await wallet.payee.lookupInvoice(invoice.paymentHash)).status).toBe('open')
      await peer.pay(invoice, limits)
      for await (const { amountMsat } of stream) {
        expect(amountMsat).toBe(21_001n)
        break
      }
      expect((await wallet.payee.lookupInvoice(invoice.paymentHash)).status).toBe('settled')
    })
    test('examine and read the balance', async () => {
      const { wallet } = await connect()
      const facts = await wallet.examine()
      expect(facts).toMatchObject({
        network: 'regtest',
        powers: { receive: true, spend: true, beyond: ['read the balance'] },
      })
      expect(await wallet.balanceMsat()).toBe(plenty)
    })
  })

  describe(`R-NWC-1 the client of the SDK and our look-alike, by ${encryption}`, () => {
    const connect = async () => {
      const { node, peer } = createNodes()
      const lookAlike = await serveNwc(node, { speaks: [encryption] })
      endings.push(lookAlike.close)
      const client = new NWCClient({ nostrWalletConnectUrl: lookAlike.uri })
      endings.push(() => client.close())
      return { node, peer, lookAlike, client }
    }

    test('pay and look up', async () => {
      const { peer, client } = await connect()
      const invoice = await invoiceOf(peer)
      const paid = await client.payInvoice({ invoice: invoice.text })
      expect(paid.fees_paid).toBe(1002)
      const hash = encodeHex(invoice.paymentHash)
      expect(await client.lookupInvoice({ payment_hash: hash })).toMatchObject({
        type: 'outgoing',
        state: 'settled',
        preimage: paid.preimage,
        payment_hash: hash,
      })
      await expect(client.lookupInvoice({ payment_hash: '00'.repeat(32) })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })
    test('are paid and notified', async () => {
      const { peer, client } = await connect()
      const told: Nip47Notification[] = []
      const stop = await client.subscribeNotifications((one) => told.push(one))
      endings.push(stop)
      const made = await client.makeInvoice({ amount: 21_000, description: 'tea', expiry: 600 })
      await new Promise((resolve) => setTimeout(resolve, 200))
      await peer.pay(decodeInvoice(made.invoice), limits)
      await expect.poll(() => told.length).toBe(1)
      expect(told[0]).toMatchObject({
        notification_type: 'payment_received',
        notification: { state: 'settled', payment_hash: made.payment_hash, amount: 21_000 },
      })
    })
    test('read what it says of itself', async () => {
      const { client } = await connect()
      expect(await client.getWalletServiceInfo()).toMatchObject({
        encryptions: [encryption],
        notifications: ['payment_received'],
      })
      expect(await client.getInfo()).toMatchObject({ network: 'regtest' })
      expect(await client.getBalance()).toEqual({ balance: Number(plenty) })
    })
  })
}

describe('R-NWC-1 a connection of the SDK', () => {
  test('is read by it as our look-alike hands it out', async () => {
    const { node } = createNodes()
    const lookAlike = await serveNwc(node, { relays: 2 })
    endings.push(lookAlike.close)
    expect(NWCClient.parseWalletConnectUrl(lookAlike.uri, true)).toEqual({
      walletPubkey: lookAlike.walletPubkey,
      relayUrls: lookAlike.relays.map(({ url }) => url),
      secret: lookAlike.secret,
    })
  })
})
