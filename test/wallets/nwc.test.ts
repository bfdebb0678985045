import { describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { NwcOptions, NwcWallet } from '../../library/src/lightning/nwc/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
  testClock,
} from '../../library/src/testing/index.ts'
import type { NwcLookAlike, NwcLookAlikeOptions } from '../../library/src/testing/look-alike/nwc.ts'
import { serveNwc } from '../../library/src/testing/look-alike/nwc.ts'

type World = {
  readonly clock: ReturnType<typeof testClock>
  /** Behind the look-alike. */
  readonly node: DevnetNode
  readonly other: DevnetNode
  readonly peer: DevnetNode
  readonly wallet: NwcWallet
  readonly lookAlike: NwcLookAlike
  readonly close: () => Promise<void>
}

const plenty: Msat = msat(20_000_000n)

async function createWorld(
  options: NwcLookAlikeOptions = {},
  changes: Partial<NwcOptions> = {},
): Promise<World> {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const node = devnet.addNode('wallet', { balanceMsat: plenty })
  const other = devnet.addNode('other', { balanceMsat: plenty })
  const peer = devnet.addNode('peer', { balanceMsat: plenty })
  const lookAlike = await serveNwc(node, { now: clock.now, ...options })
  const wallet = createNwc({
    walletPubkey: lookAlike.walletPubkey,
    secret: lookAlike.secret,
    relays: lookAlike.relays.map(({ url }) => url),
    network: 'regtest',
    now: clock.now,
    pollMs: 20,
    ...changes,
  })
  const close = async (): Promise<void> => {
    wallet.close()
    await lookAlike.close()
  }
  return { clock, node, other, peer, wallet, lookAlike, close }
}

function speaking(options: NwcLookAlikeOptions) {
  return {
    asPayer: async (): Promise<ConformanceRig> => {
      const { clock, node, other, peer, wallet, lookAlike, close } = await createWorld(options)
      return {
        payer: wallet.payer,
        payee: peer,
        close,
        controls: {
          advance: clock.advance,
          balanceMsat: node.balanceMsat,
          injectFault: (fault) => {
            // No wallet says that it did not take an order: it is asked before, and does not answer.
            if (fault.kind !== 'unavailable') node.injectFault(fault)
            else lookAlike.inject('look-up', { executed: false, how: { kind: 'reset' } })
          },
          otherPayer: other,
          createHoldInvoice: async (paymentHash, amountMsat) => {
            const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
            return (await peer.createHoldInvoice(request)).invoice
          },
          settleHold: peer.settleHold,
          cancelHold: peer.cancelHold,
          setReachable: lookAlike.setReachable,
        },
      }
    },
    asPayee: async (): Promise<ConformanceRig> => {
      const { clock, peer, wallet, lookAlike, close } = await createWorld(options)
      return {
        payer: peer,
        payee: wallet.payee,
        close,
        controls: { advance: clock.advance, setReachable: lookAlike.setReachable },
      }
    },
  }
}

for (const [what, options] of [
  ['NIP-44', {}],
  ['NIP-04', { speaks: ['nip04'] }],
  ['the tag v of older drafts', { speaks: 'v' }],
  ['over two relays', { relays: 2 }],
  ['over a relay that asks who we are', { relay: { asksWho: true } }],
  ['without notifications', { notifications: [] }],
] as const satisfies readonly (readonly [string, NwcLookAlikeOptions])[]) {
  const { asPayer, asPayee } = speaking(options)
  describe(`a wallet that speaks ${what} conforms as a payer`, () => {
    const saysInstead = { 'already-paid': 'rejected' } as const
    for (const { name, run } of payerConformance(asPayer, { saysInstead })) {
      test(name, async () => expect(await run()).toBeUndefined())
    }
  })
  describe(`a wallet that speaks ${what} conforms as a payee`, () => {
    for (const { name, run } of payeeConformance(asPayee)) {
      test(name, async () => expect(await run()).toBeUndefined())
    }
  })
}

describe('whatever goes wrong with an order is told as it is', () => {
  const createRig = async () => {
    const { node, peer, wallet, lookAlike, close } = await createWorld(
      {},
      { timeoutMs: 1500, orderTimeoutMs: 3000 },
    )
    return { payer: wallet.payer, node, payee: peer, lookAlike, close }
  }
  for (const { name, run } of orderFaultCases(createRig)) {
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }
})

describe('whatever goes wrong with an invoice is told as it is', () => {
  const createRig = async () => {
    const { wallet, lookAlike, close } = await createWorld({}, { timeoutMs: 1000 })
    return { payee: wallet.payee, lookAlike, close }
  }
  for (const { name, run } of invoiceFaultCases(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
})
