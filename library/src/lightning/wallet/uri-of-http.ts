import { isThisMachine, splitUri } from './uri-address.ts'
import { UriMistake } from './uri-mistake.ts'
import { readOptions } from './uri-options.ts'
import type { HttpWalletUri } from './wallet-uri.ts'

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
const example = 'https://HOST/payinvoice'
const anyHash = 'f'.repeat(64)

/** `https://HOST/payinvoice`, with options of ours in its query. */
export function readHttpUri(text: string): HttpWalletUri {
  const { query } = splitUri(text, example)
  const url = URL.parse(text)
  if (url === null) throw new UriMistake('is no well-formed URL')
  // The platform reads some spellings otherwise than we do: a backslash, a tab.
  if (url.username !== '' || url.password !== '') throw new UriMistake(`expected ${example}`)
  if (url.protocol !== 'https:' && !isThisMachine(url.hostname)) {
    throw new UriMistake('is not encrypted: use https, or http on this machine')
  }
  const options = readOptions(query, optionNames)
  const fields: Partial<Record<FieldName, string>> = {}
  for (const [name, field] of Object.entries(fieldNames)) {
    const value = options.text(name)
    if (value === undefined) continue
    if (!/^[\w.-]{1,64}$/.test(value)) {
      throw new UriMistake(`?${name}: expected a name, or names with dots`)
    }
    fields[field] = value
  }
  return {
    kind: 'http',
    network: options.network(),
    url: url.origin + url.pathname,
    secret: options.secret('token'),
    lookupUrl: lookupOf(url, options.text('lookup')),
    fields,
  }
}

/** Where payments are looked up: an own URL, or a path of the same server. */
function lookupOf(base: URL, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const parts = text.split('{hash}')
  if (parts.length !== 2) throw new UriMistake('?lookup: expected {hash} in it, once')
  const url = URL.parse(parts.join(anyHash), base.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UriMistake('?lookup: expected a path, or a URL')
  }
  // The token goes there too.
  if (url.origin !== base.origin) {
    throw new UriMistake('?lookup: expected a path of the same server')
  }
  const [before = '', after, ...more] = url.href.split(anyHash)
  if (after === undefined || more.length > 0 || url.href.includes('{hash}')) {
    throw new UriMistake('?lookup: expected {hash} in it, once')
  }
  return `${before}{hash}${after}`
}
