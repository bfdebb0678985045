import type { NodeLink } from '../adapter/index.ts'
import type { WalletFacts, WalletPowers } from '../index.ts'
import { readInfo, says } from './phoenixd-answers.ts'
import { form, isSaid, requireAnswer, requireSense } from './requests.ts'

/** What the full password allows beside paying and being paid. */
const beyond = ['send on chain', 'close channels', 'log in with LNURL'] as const

/** Asks phoenixd how it is, and what the password may do: an order without an invoice tells. */
export async function examinePhoenixd(
  link: NodeLink,
  timeoutMs: number,
  caller: AbortSignal | undefined,
): Promise<WalletFacts> {
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
  const reply = await link.request({ method: 'GET', path: '/getinfo' }, signal)
  const info = requireSense(readInfo(requireAnswer(reply)))
  const spend = await maySpend(link, signal)
  const powers: WalletPowers = { receive: true, spend, beyond: spend === false ? [] : beyond }
  return {
    ...info,
    powers,
    nowSeconds: link.serverSeconds,
  }
}

/** `undefined`: it did not say. */
async function maySpend(link: NodeLink, signal: AbortSignal): Promise<boolean | undefined> {
  const reply = await link.request({ ...form('/payinvoice', {}), repeatable: true }, signal)
  if (isSaid(reply, 400, says.invoiceMissing)) return true
  return isSaid(reply, 401, says.wrongPassword) ? false : undefined
}
