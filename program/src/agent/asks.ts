import type { QuotedPrice } from 'satway/client'
import type { QuoteReport } from '../schema/index.ts'
import type { Agent } from './agent.ts'
import { parseHostPattern } from './host-pattern.ts'

/**
 * Why the operator would be asked before a payment that was quoted; `null`: nobody would be. The
 * payment itself is decided anew.
 */
export async function asksFor(agent: Agent, price: QuotedPrice): Promise<QuoteReport['asks']> {
  const { askAboveMsat, newHosts } = agent.policy.current()
  // The agent asks where its policy says from which price on, and nowhere else: R-POL-4.
  if (askAboveMsat === undefined) return null
  if (newHosts === 'ask' && (await isNew(agent, new URL(price.url)))) return 'new-host'
  return price.amountMsat + price.maxFeeMsat > askAboveMsat ? 'amount' : null
}

/** A host that the policy names in full is none. */
async function isNew({ policy, journal }: Agent, url: URL): Promise<boolean> {
  const name = url.hostname.replace(/\.$/, '')
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const isNamed = policy.current().allowHosts?.some((text) => {
    const pattern = parseHostPattern(text)
    const isPort = pattern?.port === undefined || pattern.port === port
    return pattern?.below === false && pattern.hostname === name && isPort
  })
  return isNamed !== true && (await journal?.ledger.paidBefore(name)) === false
}
