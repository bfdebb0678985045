import { isThisMachine } from '../adapter/index.ts'
import { decodeLnurlText } from './bech32-text.ts'

const maxLength = 2048

/**
 * Reads who is to be paid: a Lightning Address (LUD-16), an `lnurl1…` (LUD-01), an `lnurlp://…` (LUD-17),
 * or the URL itself; with `lightning:` before it or without.
 *
 * @returns the URL to ask.
 * @throws {RangeError} that says what is wrong.
 */
export function readAddress(given: string): URL {
  const text = String(given)
    .trim()
    .replace(/^lightning:/i, '')
  if (text.length > maxLength) throw wrong(`expected at most ${maxLength} characters`)
  if (text.includes('@') && !text.includes('/')) return urlOfAddress(text)
  if (!/^lnurl1/i.test(text)) return requirePayUrl(text)
  const url = decodeLnurlText(text)
  if (url === undefined) throw wrong('the checksum of the lnurl1… is wrong: it was mistyped or cut')
  return requirePayUrl(url)
}

/** @spec LUD-16 */
function urlOfAddress(text: string): URL {
  const [, name, domain] = /^([a-z0-9._+-]{1,64})@([a-z0-9.:[\]-]{1,253})$/i.exec(text) ?? []
  const host = domain === undefined ? null : URL.parse(`https://${domain}`)
  if (name === undefined || host === null || host.pathname !== '/') {
    throw wrong('expected a Lightning Address, such as alice@example.com')
  }
  const scheme = isThisMachine(host) ? 'http' : 'https'
  return requirePayUrl(`${scheme}://${domain}/.well-known/lnurlp/${name.toLowerCase()}`)
}

function requirePayUrl(text: string): URL {
  const plain = text.replace(/^lnurlp:(\/\/)?/i, 'https://')
  let url = URL.parse(plain)
  if (url === null) throw wrong('expected a Lightning Address, an lnurl1…, or an https URL')
  if (plain !== text && isThisMachine(url)) url = new URL(plain.replace(/^https/, 'http'))
  const tag = url.searchParams.get('tag')
  if (tag !== null && tag !== 'payRequest') throw wrong('it is for something else than being paid')
  const problem = problemOf(url)
  if (problem !== undefined) throw wrong(problem)
  url.hash = ''
  return url
}

/**
 * What is wrong with a URL that the service names, or that was named for it.
 *
 * @returns `undefined` for one that may be asked.
 */
export function problemOf(url: URL): string | undefined {
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isThisMachine(url))
  if (!isSafe) return 'expected https'
  if (url.username !== '' || url.password !== '') return 'expected no user name and no password'
  if (/\.onion\.?$/i.test(url.hostname)) return 'onion services are not reached from here'
  return undefined
}

function wrong(reason: string): RangeError {
  return new RangeError(`address: ${reason}`)
}
