import type { IncomingRequest } from 'satway/server'
import { clientNetwork } from 'satway/server'
import type { FreeTierConfig } from '../config/index.ts'
import type { State } from '../state/index.ts'
import { SharedTerms } from './shared-terms.ts'

type Counter = Pick<State, 'takeFree'>
type Allowance = (request: IncomingRequest) => boolean

const allowances = new SharedTerms<Counter, Allowance>()

/**
 * Makes the free tier of a route: so many requests for each client network (IPv4 /24, IPv6 /64) and
 * window. Clients whose address is not known share one.
 *
 * @param counted - What is counted together: service and capability, or service and route.
 * @returns What `ChargeOptions.allowance` takes, the same for the same terms: asked only for requests without a credential; it
 *   throws what the state throws.
 * @spec gateway.md R-PRC-16, R-PRC-17
 */
export function createAllowance(
  config: FreeTierConfig,
  counted: string,
  state: Counter,
): Allowance {
  const { requests, windowSeconds } = config
  const terms = JSON.stringify([counted, requests, windowSeconds])
  return allowances.of(state, terms, () => ({ clientAddress }) => {
    return state.takeFree(`${counted} ${clientNetwork(clientAddress)}`, requests, windowSeconds)
  })
}
