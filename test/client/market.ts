import type { Msat } from '../../library/src/amount/index.ts'
import { satToMsat } from '../../library/src/amount/index.ts'
import type { Client, ClientOptions, PolicyOptions } from '../../library/src/client/index.ts'
import { createClient } from '../../library/src/client/index.ts'
import type { Details } from '../../library/src/errors.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Devnet, DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'

/** A buyer's and a seller's node, and a clock that only the test moves. */
export type Market = {
  readonly devnet: Devnet
  readonly buyer: DevnetNode
  readonly payee: DevnetNode
  readonly now: () => number
  advance(seconds: number): void
  /** What has left the buyer's node, fees included. */
  spentMsat(): Msat
  client(options?: Partial<ClientOptions>): Client
}

const startMsat = satToMsat(1_000_000n)

export const openPolicy: PolicyOptions = { maxPaymentMsat: '1000 sat', maxTotalMsat: '100000 sat' }

export function openMarket(): Market {
  let seconds = 1_900_000_000
  const now = (): number => seconds
  const devnet = createDevnet({ now })
  const buyer = devnet.addNode('buyer', { balanceMsat: startMsat })
  const payee = devnet.addNode('seller', { balanceMsat: startMsat })
  return {
    devnet,
    buyer,
    payee,
    now,
    advance: (by) => {
      seconds += by
    },
    spentMsat: () => (startMsat - buyer.balanceMsat()) as Msat,
    client: (options = {}) => createClient({ policy: openPolicy, payer: buyer, now, ...options }),
  }
}

/** What a call threw, as far as a caller may look at it. */
export async function thrownBy(
  call: Promise<unknown>,
): Promise<{ readonly code: string; readonly details: Details; readonly error: unknown }> {
  try {
    await call
  } catch (error) {
    if (isL402Error(error)) return { code: error.code, details: error.details, error }
    return { code: error instanceof Error ? error.name : String(error), details: {}, error }
  }
  throw new Error('expected the call to throw')
}
