import type { WalletFacts, WalletPowers } from '../index.ts'
import type { NwcLink } from './nwc-link.ts'
import { whyNot } from './refusals.ts'
import { readNetwork } from './wallet-messages.ts'

/** What a connection may be allowed beyond paying and being paid, for people. */
const beyond: Readonly<Record<string, string>> = {
  pay_keysend: 'pay a node without an invoice',
  multi_pay_invoice: 'pay several invoices with one request',
  multi_pay_keysend: 'pay several nodes without an invoice',
  pay: 'pay whatever a payment link says',
  sign_message: 'sign messages with the key of the node',
  create_connection: 'make further connections to the wallet',
  list_transactions: 'read all payments',
  get_balance: 'read the balance',
  get_budget: 'read the budget',
  make_hold_invoice: 'make invoices that can be held',
  settle_hold_invoice: 'settle what is held',
  cancel_hold_invoice: 'cancel what is held',
}

/** Whatever pays, whatever it pays with; and what makes connections that pay. */
const paying = /^(?:(?:multi_)?pay(?:_\w+)?|create_connection)$/i
/** What is about being paid, and what only tells. */
const harmless: ReadonlySet<string> = new Set([
  'get_info',
  'make_invoice',
  'lookup_invoice',
  'notifications',
  'sign_message',
  'list_transactions',
  'get_balance',
  'get_budget',
  'make_hold_invoice',
  'settle_hold_invoice',
  'cancel_hold_invoice',
])
/** Errors that say no more than that this question is not answered. */
const noMatter: ReadonlySet<string> = new Set(['NOT_IMPLEMENTED', 'RESTRICTED'])

/**
 * Asks how the wallet is and what the connection may do.
 *
 * @throws {L402Error} NODE_UNAVAILABLE
 * @spec wallets.md R-NWC-30, R-NWC-31
 */
export async function examine(link: NwcLink, signal: AbortSignal): Promise<WalletFacts> {
  const method = 'get_info'
  const reply = await link.ask(method, {}, 'question', signal)
  const isOpen = reply.kind === 'answered' && (reply.code === undefined || noMatter.has(reply.code))
  if (!isOpen) throw whyNot(reply, method)
  const { methods } = await link.info(signal)
  return {
    network: readNetwork(reply.result['network']),
    notReady: undefined,
    powers: powersOf(listOf(reply.result['methods']) ?? methods),
    nowSeconds: reply.atSeconds,
  }
}

function powersOf(methods: ReadonlySet<string> | undefined): WalletPowers {
  if (methods === undefined) return { receive: undefined, spend: undefined, beyond: [] }
  const others = [...methods].filter(
    (method) => method !== 'pay_invoice' && !harmless.has(method) && !Object.hasOwn(beyond, method),
  )
  return {
    receive: methods.has('make_invoice') && methods.has('lookup_invoice'),
    spend: spends(methods),
    beyond: [
      ...Object.keys(beyond)
        .filter((method) => methods.has(method))
        .map((method) => beyond[method]!),
      ...others.map((method) => `call ${shown(method)}`),
    ],
  }
}

/** @returns `undefined` where there is a method that is not known here. */
function spends(methods: ReadonlySet<string>): boolean | undefined {
  const names = [...methods]
  if (names.some((method) => paying.test(method))) return true
  return names.every((method) => harmless.has(method)) ? false : undefined
}

/** What a wallet calls a method, for people. */
function shown(method: string): string {
  return method.slice(0, 40).replace(/[^\w.]/g, '?')
}

/** What this very connection may do, which the info event of an older wallet does not say. */
function listOf(value: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  return new Set(value.filter((one) => typeof one === 'string'))
}
