import type { Network } from 'satway'
import { networkNames } from './policy-rules.ts'
import { unknownName } from './settings-rules.ts'

/** A wallet as somebody named it. Nothing of it was opened or read. */
export type WalletUri =
  | { readonly kind: 'none' }
  /** The file by which a process of the embedded network is reached. */
  | { readonly kind: 'devnet'; readonly file: string }
  /** A wallet that pays what it is sent. */
  | {
      readonly kind: 'http'
      /** Without the options that are ours. */
      readonly url: string
      readonly network: Network
      readonly token: SecretPlace | undefined
      readonly lookupUrl: string | undefined
      /** What else the adapter is told, by its own names. */
      readonly fields: Readonly<Partial<Record<FieldName, string>>>
    }

/** Where a secret is. It never stands in the URI itself: that ends in files, lists and histories. */
export type SecretPlace =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }

/** Parts of an answer and of an order, and how they are called in the URI. */
const fieldNames = {
  invoice_field: 'invoiceField',
  max_fee_field: 'maxFeeField',
  preimage: 'preimagePath',
  paid: 'paidPath',
  fee: 'feePath',
} as const
type FieldName = (typeof fieldNames)[keyof typeof fieldNames]

const optionNames = ['token', 'network', 'lookup', ...Object.keys(fieldNames)]
const maxLength = 2048
const expected = 'expected devnet:FILE, https://…/payinvoice, or none'

/**
 * Reads a wallet URI.
 *
 * @returns the wallet, or what is wrong, in words that repeat no part which may be a secret.
 * @spec agent.md R-AGT-10
 */
export function parseWalletUri(text: string): WalletUri | { readonly problem: string } {
  if (text === 'none') return { kind: 'none' }
  if (text.length > maxLength) return wrong(`is longer than ${maxLength} characters`)
  const devnet = /^devnet:(.*)$/s.exec(text)?.[1]
  if (devnet === '') return wrong('names no file after devnet:')
  if (devnet !== undefined) return { kind: 'devnet', file: devnet }
  if (!/^https?:\/\//i.test(text)) return wrong(expected)
  const url = URL.parse(text)
  if (url === null) return wrong('is no well-formed URL')
  return readHttpWallet(url)
}

function readHttpWallet(url: URL): WalletUri | { readonly problem: string } {
  if (url.username !== '' || url.password !== '') {
    return wrong('carries a name or password; use ?token=file:/path or ?token=env:NAME')
  }
  if (url.hash !== '') return wrong('has a part after #, which is not sent')
  if (!isConfidential(url)) return wrong('is not encrypted: use https, or http on this machine')
  const options = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    if (!optionNames.includes(name))
      return wrong(`?${cut(name)}: ${unknownName(name, optionNames)}`)
    if (options.has(name)) return wrong(`?${name} is there twice`)
    if (value === '') return wrong(`?${name} is empty`)
    options.set(name, value)
  }

  const token = options.get('token')
  const secret = token === undefined ? undefined : secretPlace(token)
  if (token !== undefined && secret === undefined) {
    return wrong(
      '?token: expected file:/path or env:NAME, so that the secret itself stands nowhere',
    )
  }
  const network = networkNames.find((name) => name === (options.get('network') ?? 'bitcoin'))
  if (network === undefined) return wrong(`?network: expected ${networkNames.join(', ')}`)
  const lookupUrl = lookupOf(url, options.get('lookup'))
  if (typeof lookupUrl === 'object') return lookupUrl
  const fields: Partial<Record<FieldName, string>> = {}
  for (const [name, field] of Object.entries(fieldNames)) {
    const value = options.get(name)
    if (value === undefined) continue
    if (!/^[\w.-]{1,64}$/.test(value)) return wrong(`?${name}: expected a name, or names with dots`)
    fields[field] = value
  }
  const bare = url.origin + url.pathname
  return { kind: 'http', url: bare, network, token: secret, lookupUrl, fields }
}

/** Where payments are looked up: an own URL, or a path of the same server. */
function lookupOf(
  base: URL,
  text: string | undefined,
): string | undefined | { readonly problem: string } {
  if (text === undefined) return undefined
  const parts = text.split('{hash}')
  if (parts.length !== 2) return wrong('?lookup: expected {hash} in it, once')
  const url = URL.parse(parts.join(anyHash), base.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return wrong('?lookup: expected a path, or a URL')
  }
  // The token goes there too.
  if (url.origin !== base.origin) return wrong('?lookup: expected a path of the same server')
  const [before = '', after, ...more] = url.href.split(anyHash)
  if (after === undefined || more.length > 0 || url.href.includes('{hash}')) {
    return wrong('?lookup: expected {hash} in it, once')
  }
  return `${before}{hash}${after}`
}

const anyHash = 'f'.repeat(64)

function secretPlace(text: string): SecretPlace | undefined {
  const file = /^file:((?:\/|~\/).+)$/s.exec(text)?.[1]
  if (file !== undefined) return { from: 'file', path: file }
  const name = /^env:([A-Za-z_]\w{0,127})$/.exec(text)?.[1]
  return name === undefined ? undefined : { from: 'env', name }
}

function isConfidential(url: URL): boolean {
  if (url.protocol === 'https:') return true
  const name = url.hostname.replace(/\.$/, '')
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

function wrong(problem: string): { readonly problem: string } {
  return { problem }
}

/** A name that is wrong may be a secret that was put in the wrong place. */
function cut(name: string): string {
  return /^[a-z_]{1,20}$/i.test(name) ? name : '…'
}
