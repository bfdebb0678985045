import { randomBytes } from 'node:crypto'
import { paymentHash } from 'satway'
import type { Payee } from 'satway/lightning'
import type { Upstream } from '../proxy/index.ts'
import type { State } from '../state/index.ts'
import type { Check } from './health.ts'

/** Looks up an invoice that cannot exist: a wallet that knows nothing of it is well. */
export function walletCheck(payee: Payee): Check {
  return {
    name: 'wallet',
    check: async (signal) => {
      const { status } = await payee.lookupInvoice(paymentHash(randomBytes(32)), signal)
      if (status === 'not-found') return { ok: true, detail: `answers, ${payee.network}` }
      return { ok: false, detail: 'knows an invoice that was never made' }
    },
  }
}

/** Writes and reads one row. */
export function storeCheck(state: Pick<State, 'probe'>): Check {
  return {
    name: 'store',
    check: async () => {
      state.probe()
      return { ok: true, detail: 'writes and reads' }
    },
  }
}

export function upstreamCheck(service: string, upstream: Pick<Upstream, 'probe'>): Check {
  return { name: `upstream:${service}`, check: (signal) => upstream.probe(signal) }
}

/** @param status - Of the fleet. One worker that is ready serves. */
export function workersCheck(
  status: () => { readonly wanted: number; readonly ready: number },
): Check {
  return {
    name: 'workers',
    check: async () => {
      const { wanted, ready } = status()
      return { ok: ready > 0, detail: `${ready} of ${wanted} ready` }
    },
  }
}
