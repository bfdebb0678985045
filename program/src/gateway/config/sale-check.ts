import { isL402Error } from 'satway'
import type { Payee } from 'satway/lightning'
import type { Price, RouteTable } from 'satway/server'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'
import type { PriceConfig, SaleConfig } from './config.ts'
import { shown } from './mistakes.ts'
import { explainKey } from './route-key.ts'

/** A route, and how it is sold; `undefined` for one that is free or that could not be read. */
export type SaleEntry = { readonly key: string; readonly sale: SaleConfig | undefined }

export type RouteMistake = {
  /** The key of the route; absent where the mistake is in the table as a whole. */
  readonly key: string | undefined
  readonly member: string | undefined
  readonly message: string
}

/** Nobody asks it for anything: no request is decided here. */
const noPayee: Payee = {
  network: 'regtest',
  createInvoice: () => Promise.reject(new Error('nothing is sold here')),
  lookupInvoice: () => Promise.reject(new Error('nothing is sold here')),
  settlements: () => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: true, value: undefined }),
    }),
  }),
}

/**
 * What the library would refuse of the routes of one service. It is asked itself, so that a check
 * of the configuration and the start of the gateway cannot disagree.
 *
 * @param service - Absent where its name is wrong; that was reported.
 * @spec gateway.md R-CONF-9
 */
export function findRouteMistakes(
  service: string | undefined,
  entries: readonly SaleEntry[],
): readonly RouteMistake[] {
  const mistakes = refusals(service, entries).flatMap((text) => {
    return understand(text, entries, (entry) => refusals(service, [entry]).includes(text))
  })
  return [...mistakes, ...findOtherFreeTiers(entries)]
}

/** What the library says of a table of routes. */
function refusals(service: string | undefined, entries: readonly SaleEntry[]): readonly string[] {
  const paywall = createPaywall({
    service: service ?? 'service',
    payee: noPayee,
    keys: createKeyRing([{ kid: 0, key: new Uint8Array(32).fill(1) }]),
  })
  try {
    createRoutes(paywall, tableOf(entries))
    return []
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    return Object.values(error.details).map(String)
  } finally {
    void paywall.close()
  }
}

function tableOf(entries: readonly SaleEntry[]): RouteTable {
  const functions = new Map<string, Extract<Price, (...input: never) => unknown>>()
  const priceOf = (price: PriceConfig): Price => {
    if (price.kind === 'fixed') return price.amountMsat
    // The library compares functions by identity: one price is one function.
    const terms = termsOf(price)
    const known = functions.get(terms) ?? (() => '1 sat')
    functions.set(terms, known)
    return known
  }
  return Object.fromEntries(
    entries.map(({ key, sale }) => {
      if (sale === undefined) return [key, 'free']
      const { capability, tier, uses, lifetimeSeconds, description } = sale
      return [
        key,
        {
          price: priceOf(sale.price),
          tier,
          lifetimeSeconds,
          ...(capability === undefined ? {} : { capability }),
          ...(uses === undefined ? {} : { uses }),
          ...(description === undefined ? {} : { description }),
        },
      ]
    }),
  )
}

const memberNames: Readonly<Record<string, string>> = { lifetimeSeconds: 'lifetime' }

/** The library's sentences have the form `"GET /x" price: expected …`, the key cut to 64 characters. */
function understand(
  text: string,
  entries: readonly SaleEntry[],
  isOf: (entry: SaleEntry) => boolean,
): readonly RouteMistake[] {
  const match = /^("(?:[^"\\]|\\.)*")(?: ([A-Za-z]+))?: (.*)$/s.exec(text)
  const [, quoted = '""', member, message = ''] = match ?? []
  const cut: unknown = JSON.parse(quoted)
  const alike = match === null ? [] : entries.filter(({ key }) => key.slice(0, 64) === cut)
  const last = alike.at(-1)
  if (last === undefined) {
    return [{ key: undefined, member: undefined, message: text.replace(/^table: /, '') }]
  }
  // Of several that begin alike, it is those that are wrong by themselves, or the last.
  const own = alike.length > 1 ? alike.filter(isOf) : alike
  const name = member === undefined ? undefined : (memberNames[member] ?? member)
  return (own.length > 0 ? own : [last]).map((entry) => ({
    key: entry.key,
    member: name,
    message: inContext(message, name, entry, entries),
  }))
}

function inContext(
  message: string,
  member: string | undefined,
  entry: SaleEntry,
  entries: readonly SaleEntry[],
): string {
  if (message.endsWith('is sold on other terms already')) return explainTerms(entry.key, entries)
  if (member === 'capability' && entry.sale?.capability === undefined) {
    return 'expected a capability: the path is too long to be the name of what is sold'
  }
  return member === undefined ? explainKey(entry.key, message) : message
}

function explainTerms(key: string, entries: readonly SaleEntry[]): string {
  const sale = entries.find((entry) => entry.key === key)?.sale
  const other = entries.find((entry) => entry.sale?.capability === sale?.capability)
  if (sale === undefined || other?.sale === undefined) return 'is sold on other terms already'
  const different = [
    ...(termsOf(sale.price) === termsOf(other.sale.price) ? [] : ['price']),
    ...(sale.tier === other.sale.tier ? [] : ['tier']),
    ...(sale.uses === other.sale.uses ? [] : ['uses']),
    ...(sale.lifetimeSeconds === other.sale.lifetimeSeconds ? [] : ['lifetime']),
    ...(sale.description === other.sale.description ? [] : ['description']),
  ]
  return `is sold by ${shown(other.key)} on other terms (${different.join(', ')}): a token of one would open the other`
}

/** Free requests are counted by capability, so there is one allowance for each. */
function findOtherFreeTiers(entries: readonly SaleEntry[]): readonly RouteMistake[] {
  const first = new Map<string, SaleEntry>()
  return entries.flatMap((entry) => {
    const { key, sale } = entry
    if (sale?.capability === undefined) return []
    const other = first.get(sale.capability)
    if (other === undefined) {
      first.set(sale.capability, entry)
      return []
    }
    const isSame = JSON.stringify(sale.freeTier) === JSON.stringify(other.sale?.freeTier)
    if (isSame) return []
    const message = `has another free tier by ${shown(other.key)}; free requests are counted by capability`
    return [{ key, member: 'capability', message }]
  })
}

/** Two prices are the same if these are. */
function termsOf(price: PriceConfig): string {
  return JSON.stringify(price, (_name, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}
