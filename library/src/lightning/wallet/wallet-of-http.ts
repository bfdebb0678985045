import { isL402Error } from '../../errors.ts'
import { unavailable, untilAborted } from '../adapter/index.ts'
import { createHttpWallet } from '../http-wallet/index.ts'
import type { Wallet } from '../index.ts'
import type { HttpWalletUri } from './wallet-uri.ts'

type Fetch = (url: string, init: RequestInit) => Promise<Response>

const patienceMs = 10_000

/**
 * A wallet that takes `POST /payinvoice`. It can be asked whether it is there; what a token of it allows,
 * nobody can tell.
 *
 * @throws {RangeError} for what its adapter refuses.
 */
export function openHttp(
  { url, network, lookupUrl, fields }: HttpWalletUri,
  token: string | undefined,
  given: { readonly fetch?: Fetch | undefined; readonly orderTimeoutMs?: number | undefined },
): Wallet {
  const { fetch = (to, init) => globalThis.fetch(to, init), orderTimeoutMs } = given
  const payer = createHttpWallet({
    url,
    network,
    ...fields,
    fetch,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(lookupUrl !== undefined && { lookupUrl }),
    ...(orderTimeoutMs !== undefined && { timeoutMs: orderTimeoutMs }),
  })
  return {
    kind: 'http',
    network,
    payee: undefined,
    payer,
    examine: async (caller) => ({
      network: undefined,
      notReady: undefined,
      powers: { receive: false, spend: undefined, beyond: [] },
      nowSeconds: await askTheTime(fetch, url, caller),
    }),
    close: () => undefined,
  }
}

/**
 * Whether it is there: an answer of whatever status. Without the token, and no order.
 *
 * @returns what its server says the time is.
 * @throws {L402Error} NODE_UNAVAILABLE
 */
async function askTheTime(
  fetch: Fetch,
  url: string,
  caller: AbortSignal | undefined,
): Promise<number | undefined> {
  const limit = AbortSignal.timeout(patienceMs)
  const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
  try {
    const { body, headers } = await untilAborted(fetch(url, { signal, redirect: 'manual' }), signal)
    await body?.cancel()
    const milliseconds = Date.parse(headers.get('date') ?? '')
    return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
  } catch (error) {
    const refused = isL402Error(error, 'POLICY_REFUSED')
    throw unavailable('the wallet', refused ? 'its address is refused' : 'it cannot be reached')
  }
}
