import type { WalletOptions } from '../adapter/index.ts'
import { createPayee, inTime, readWalletOptions, requireMs } from '../adapter/index.ts'
import type { Payee, Wallet } from '../index.ts'
import { readAddress } from './address.ts'
import { Origins } from './origins.ts'
import { PayService } from './pay-service.ts'

export type LnurlOptions = WalletOptions & {
  /** A Lightning Address, `alice@example.com`, or an `lnurl1…`, or the https URL behind it. */
  readonly address: string
  /** How often an invoice that waits is asked about at first, in ms. Default 2000. */
  readonly pollMs?: number
}

export type LnurlWallet = Wallet & { readonly payee: Payee }

/** Begins what errors say. */
const kind = 'lnurl'

/**
 * Whoever a Lightning Address belongs to, as one who is paid: LNURL-pay (LUD-06, LUD-16) at a service
 * that tells what was paid (LUD-21). It needs no credential and can spend nothing.
 *
 * The service decides what an invoice says beside its amount: description and expiry are its own. It holds
 * or forwards the money, and its word counts; but only with a preimage that hashes to the payment hash.
 *
 * @throws {RangeError} for an option that is not as its type says.
 * @spec wallets.md R-LNU-1 to R-LNU-11
 */
export function createLnurl(options: LnurlOptions): LnurlWallet {
  const url = readAddress(options.address)
  const { network, timeoutMs, now } = readWalletOptions(options)
  const pollMs = requireMs('pollMs', options.pollMs, 2000)
  const origins = new Origins(url)
  const service = new PayService({ kind, url, origins, timeoutMs, now })

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      decidesItself: new Set(['description', 'expiry']),
      create: service.create,
      lookUp: service.lookUp,
      tellsTime: false,
      pollMs,
      timeoutMs,
      now,
    }),
    payer: undefined,
    examine: (signal) =>
      inTime(kind, timeoutMs, signal, async (limit) => {
        await service.ask(limit)
        return {
          network: undefined,
          notReady: undefined,
          powers: { receive: true, spend: false, beyond: [] },
          nowSeconds: origins.serverSeconds,
        }
      }),
    close: () => origins.close(),
  }
}
