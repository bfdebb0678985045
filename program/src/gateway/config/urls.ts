import { canonicalTarget, isL402Error } from 'satway'
import { isLoopback } from './addresses.ts'
import { expected } from './units.ts'

const maxUrlLength = 2048

/**
 * Reads the address of an upstream: http or https, a host, maybe a port and a path. No user, no
 * query, no fragment. A last slash of the path is left out.
 *
 * @throws {Expectation} without the URL, which may hold a password by mistake.
 * @spec gateway.md R-CONF-14
 */
export function readUpstreamUrl(value: unknown): URL {
  const form = 'the URL of an upstream, such as http://127.0.0.1:3000'
  const url = readUrl(value, form)
  if (/[?#]/.test(String(value))) expected(`${form}; without a query or fragment`)
  const path = /^https?:\/\/[^/]*(.*)$/i.exec(String(value))?.[1] ?? ''
  const prefix = path.replace(/\/$/, '')
  if (prefix !== '' && !isCanonicalPath(prefix)) {
    expected(`${form}; its path in the spelling that is forwarded: no //, no dot segments`)
  }
  url.pathname = prefix
  return url
}

/**
 * Reads a URL that the gateway asks by itself. No user and no fragment; a query may be there.
 *
 * @throws {Expectation}
 */
export function readServiceUrl(value: unknown, form: string): string {
  readUrl(value, form)
  if (String(value).includes('#')) expected(`${form}; without a fragment`)
  return String(value)
}

/** Whether what is sent there can be read on the way. */
export function isOpenToOthers(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(hostOf(url)) && !url.hostname.endsWith('.onion')
}

/** Without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** The port in the URL, or that of its scheme. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** Whether a path is spelled as it is matched and forwarded. */
export function isCanonicalPath(path: string): boolean {
  try {
    const target = canonicalTarget(path)
    return target.path === path && target.query === ''
  } catch (error) {
    if (isL402Error(error, 'REQUEST_AMBIGUOUS')) return false
    throw error
  }
}

/**
 * Reads the beginning of a path: `/v1`. Absolute and canonical, without a last slash, a query, a
 * host or a pattern.
 *
 * @throws {Expectation}
 * @spec gateway.md R-CONF-15
 */
export function readPathPrefix(value: unknown): string {
  const form = 'the beginning of a path, such as /v1'
  if (typeof value !== 'string' || value.length > 1000) expected(form)
  if (!value.startsWith('/')) expected(`${form}; from the first / on, without a host`)
  if (/[?#]/.test(value)) expected(`${form}; without a query or fragment`)
  if (value !== '/' && value.endsWith('/')) expected(`${form}; without the last /`)
  if (/\/:|\*/.test(value)) expected(`${form}; without :name and *`)
  if (!isCanonicalPath(value)) {
    expected(`${form}; in its canonical spelling: no //, no dot segments, no needless %`)
  }
  return value
}

/** Reads a path with or without a query, to be asked of an upstream. */
export function readHealthPath(value: unknown): string {
  const form = 'a path, such as /health'
  if (typeof value !== 'string' || value.length > 1000 || !value.startsWith('/')) expected(form)
  const [path = ''] = value.split('?', 1)
  if (!isCanonicalPath(path) || /[^\x21-\x7e]|#/.test(value)) expected(form)
  return value
}

function readUrl(value: unknown, form: string): URL {
  if (typeof value !== 'string' || value.length > maxUrlLength) expected(form)
  if (!/^https?:\/\//i.test(value)) expected(`${form}; http or https`)
  // The URL class overlooks tabs and turns backslashes; what it would mend is a mistake here.
  if (/[^\x21-\x7e]|\\/.test(value) || !URL.canParse(value)) expected(form)
  const url = new URL(value)
  if (/^https?:\/\/[^/?#]*@/i.test(value)) expected(`${form}; without a user or password`)
  if (url.port === '0') expected(`${form}; port 0 is nobody's`)
  return url
}
