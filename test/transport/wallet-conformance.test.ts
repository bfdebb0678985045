import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { createHttpWallet } from '../../library/src/lightning/http-wallet/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import { payerConformance, testClock } from '../../library/src/testing/index.ts'
import { startLookAlike } from './look-alike-wallet.ts'
import { closedPort } from './raw-server.ts'

/** A look-alike wallet before a node whose fees are never zero. */
async function createRig(): Promise<ConformanceRig> {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const node = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const otherPayer = devnet.addNode('other', { balanceMsat: msat(10_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const wallet = await startLookAlike(node)
  /** A wallet that cannot be reached refuses the connection: nothing listens at this port. */
  let refusals = 0
  const nowhere = `http://127.0.0.1:${await closedPort()}/`
  const payer = createHttpWallet({
    url: wallet.url,
    lookupUrl: wallet.lookupUrl,
    maxFeeField: 'maxFeeMsat',
    network: 'regtest',
    fetch: (url, init) => {
      // One refusal is for the next order; the question before it is answered.
      const isRefused = refusals > 1 || (refusals === 1 && init.method === 'POST')
      if (!isRefused) return fetch(url, init)
      refusals--
      return fetch(nowhere, init)
    },
  })
  return {
    payer,
    payee,
    close: wallet.close,
    controls: {
      advance: clock.advance,
      balanceMsat: node.balanceMsat,
      injectFault: (fault) => {
        if (fault.kind === 'unavailable') refusals = 1
        else node.injectFault(fault)
      },
      otherPayer,
      createHoldInvoice: async (paymentHash, amountMsat) => {
        const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
        return (await payee.createHoldInvoice(request)).invoice
      },
      settleHold: payee.settleHold,
      cancelHold: payee.cancelHold,
      setReachable: (reachable) => {
        refusals = reachable ? 0 : Number.POSITIVE_INFINITY
      },
    },
  }
}

describe('R-HW-1 the HTTP wallet conforms as a payer', () => {
  for (const { name, run } of payerConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
})
