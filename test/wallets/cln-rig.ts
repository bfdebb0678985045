import { msat } from '../../library/src/amount/index.ts'
import type { ClnOptions, ClnWallet } from '../../library/src/lightning/cln/index.ts'
import { createCln } from '../../library/src/lightning/cln/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { ConformanceRig, LookAlike, TestClock } from '../../library/src/testing/index.ts'
import { testClock } from '../../library/src/testing/index.ts'
import { serveCln, serveClnSocket } from '../../library/src/testing/look-alike/cln.ts'
import type { ClnNodeOptions } from '../../library/src/testing/look-alike/cln-node.ts'
import type { RuneMaster } from '../../library/src/testing/look-alike/cln-rune.ts'

export type Transport = 'clnrest' | 'socket'

export type ClnRig = {
  readonly wallet: ClnWallet
  readonly lookAlike: Pick<LookAlike, 'seen' | 'inject' | 'setReachable'>
  /** How the wallet was opened, for another one. */
  readonly options: ClnOptions
  /** Of clnrest. */
  readonly runes: RuneMaster | undefined
  close(): Promise<void>
}

type RigOptions = {
  readonly transport: Transport
  readonly clock?: TestClock
  readonly look?: ClnNodeOptions
  readonly cln?: Partial<ClnOptions>
  /** Of the rune; it allows everything where they are left out. */
  readonly restrictions?: readonly (readonly string[])[]
}

/** A node of the embedded network that speaks as Core Lightning, and a wallet over it. */
export async function openCln(
  node: DevnetNode,
  { transport, clock, look, cln, restrictions }: RigOptions,
): Promise<ClnRig> {
  const time = clock === undefined ? {} : { now: clock.now }
  const served =
    transport === 'clnrest'
      ? await serveCln(node, { ...time, ...look })
      : await serveClnSocket(node, { ...time, ...look })
  const place =
    'runes' in served
      ? { url: served.url, rune: served.runes.mint(restrictions) }
      : { socketPath: served.socketPath }
  const options: ClnOptions = { network: 'regtest', ...time, ...place, ...cln }
  const wallet = createCln(options)
  return {
    wallet,
    lookAlike: served,
    options,
    runes: 'runes' in served ? served.runes : undefined,
    close: async () => {
      wallet.close()
      await served.close()
    },
  }
}

/** Nodes of one embedded network, whose fees are never zero. */
export function createNodes(clock?: TestClock): Readonly<Record<'a' | 'b' | 'c', DevnetNode>> {
  const devnet = createDevnet(clock === undefined ? {} : { now: clock.now })
  const balanceMsat = msat(10_000_000n)
  return {
    a: devnet.addNode('a', { balanceMsat }),
    b: devnet.addNode('b', { balanceMsat }),
    c: devnet.addNode('c', { balanceMsat: msat(0n) }),
  }
}

/** A payer over a look-alike, with every control that there is. */
export async function payerRig(transport: Transport): Promise<ConformanceRig> {
  const clock = testClock()
  const { a, b, c } = createNodes(clock)
  const cln = { orderTimeoutMs: 1500, timeoutMs: 2000 }
  const { wallet, lookAlike, close } = await openCln(a, { transport, clock, cln })
  return {
    payer: wallet.payer,
    payee: c,
    close,
    controls: {
      advance: clock.advance,
      balanceMsat: a.balanceMsat,
      injectFault: (fault) => {
        // The node is asked about the hash first: without an answer no order is given.
        if (fault.kind !== 'unavailable') a.injectFault(fault)
        else lookAlike.inject('look-up', { executed: false, how: { kind: 'reset' } })
      },
      otherPayer: b,
      createHoldInvoice: async (paymentHash, amountMsat) => {
        const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
        return (await c.createHoldInvoice(request)).invoice
      },
      settleHold: c.settleHold,
      cancelHold: c.cancelHold,
      setReachable: lookAlike.setReachable,
    },
  }
}

/** A payee over a look-alike. */
export async function payeeRig(transport: Transport): Promise<ConformanceRig> {
  const clock = testClock()
  const { a, c } = createNodes(clock)
  const { wallet, lookAlike, close } = await openCln(c, { transport, clock })
  return {
    payer: a,
    payee: wallet.payee,
    close,
    controls: { advance: clock.advance, setReachable: lookAlike.setReachable },
  }
}
