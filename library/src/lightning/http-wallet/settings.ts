import type { Network } from '../../invoice/index.ts'
import { isThisMachine, requireMs, requireNetwork } from '../adapter/index.ts'
import type { HttpWalletOptions } from './http-wallet.ts'
import type { AnswerPaths } from './wallet-answer.ts'

/** Options that were checked. */
export type Settings = {
  readonly url: string
  readonly lookupUrl: string | undefined
  readonly network: Network
  readonly headers: Readonly<Record<string, string>>
  readonly invoiceField: string
  readonly maxFeeField: string | undefined
  readonly paths: AnswerPaths
  readonly timeoutMs: number
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

/** @throws {RangeError} that names the option and not its value, which may be a secret. */
export function readOptions(options: HttpWalletOptions): Settings {
  const { lookupUrl } = options
  if (lookupUrl !== undefined && !String(lookupUrl).includes('{hash}')) {
    throw new RangeError('lookupUrl: expected {hash} in it')
  }
  const invoiceField = options.invoiceField ?? 'invoice'
  const { maxFeeField } = options
  if (!isName(invoiceField)) throw new RangeError('invoiceField: expected the name of a member')
  if (maxFeeField !== undefined && (!isName(maxFeeField) || maxFeeField === invoiceField)) {
    throw new RangeError('maxFeeField: expected the name of another member')
  }
  return {
    url: readUrl(options.url, 'url'),
    lookupUrl: lookupUrl === undefined ? undefined : readUrl(lookupUrl, 'lookupUrl'),
    network: requireNetwork(options.network),
    headers: readHeaders(options.headers ?? {}),
    invoiceField,
    maxFeeField,
    paths: {
      preimage: readPath(options.preimagePath, 'preimagePath'),
      paid: readPath(options.paidPath, 'paidPath'),
      fee: readPath(options.feePath, 'feePath'),
    },
    timeoutMs: requireMs('timeoutMs', options.timeoutMs, 60_000),
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
  }
}

/** The text as it was given: `{hash}` would not survive a URL. */
function readUrl(text: string, name: string): string {
  const url = URL.parse(String(text).replaceAll('{hash}', '0'.repeat(64)))
  if (url === null) throw new RangeError(`${name}: expected an absolute URL`)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isThisMachine(url))
  if (!isSafe) throw new RangeError(`${name}: expected https, or http on this machine`)
  if (url.username !== '' || url.password !== '') {
    throw new RangeError(`${name}: expected no user name or password; put them into headers`)
  }
  return String(text)
}

function readHeaders(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return { accept: 'application/json', ...Object.fromEntries(new Headers({ ...given })) }
  } catch {
    throw new RangeError('headers: expected names and values that can be sent')
  }
}

function readPath(text: string | undefined, name: string): readonly string[] | undefined {
  if (text === undefined) return undefined
  const path = String(text).split('.')
  if (path.length > 8 || !path.every(isName)) {
    throw new RangeError(`${name}: expected names with dots between, such as data.preimage`)
  }
  return path
}

function isName(text: unknown): boolean {
  return typeof text === 'string' && text !== '' && text.length <= 64
}
