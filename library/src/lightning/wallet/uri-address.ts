import { UriMistake } from './uri-mistake.ts'

/** The parts of a URI that begins `scheme://`. */
export type UriParts = {
  /** Host and port as they were written. */
  readonly authority: string
  readonly path: string
  /** Without its question mark. */
  readonly query: string | undefined
}

/**
 * Takes a URI apart.
 *
 * @param example - How such a URI looks, for the message.
 * @throws {UriMistake}
 */
export function splitUri(text: string, example: string): UriParts {
  const parts = /^[a-z0-9+.-]+:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is.exec(text)
  if (parts === null) throw new UriMistake(`expected ${example}`)
  const [, authority = '', path = '', query, fragment] = parts
  if (fragment !== undefined) throw new UriMistake('has a part after #, which is not sent')
  if (authority.includes('@')) {
    throw new UriMistake('carries a name or password; name the place of the secret with an option')
  }
  return { authority, path, query }
}

/** Where a server is, and whether it is on this machine. */
export type UriServer = {
  /** As it goes into a URL: in lower case, IPv6 in brackets. */
  readonly host: string
  /** `undefined`: none was named. */
  readonly port: number | undefined
  readonly isNear: boolean
}

/**
 * Reads host and port.
 *
 * @throws {UriMistake} for what is none.
 */
export function readServer(authority: string, example: string): UriServer {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(authority)
  if (parts === null) {
    const isBare = authority.includes('[') === false && authority.split(':').length > 2
    throw new UriMistake(
      isBare
        ? 'has an IPv6 address without brackets: write [::1]:8080'
        : `names no host that can be reached: expected ${example}`,
    )
  }
  const [, name = '', digits] = parts
  const port = digits === undefined ? undefined : Number(digits)
  if (port === 0 || (port ?? 1) > 65_535) throw new UriMistake('has a port outside 1 to 65535')
  const host = URL.parse(`https://${name}/`)?.hostname
  if (host === undefined || host === '') {
    throw new UriMistake(`names no host that can be reached: expected ${example}`)
  }
  return { host, port, isNear: isThisMachine(host) }
}

/**
 * Reads the path below which a server answers.
 *
 * @returns without a slash at its end.
 * @throws {UriMistake} for one that would not be sent as it stands.
 */
export function readPrefix(path: string): string {
  const prefix = path.replace(/\/$/, '')
  const segments = prefix.split('/').slice(1)
  const isPlain = segments.every((one) => /^[A-Za-z0-9._~-]+$/.test(one) && !/^\.\.?$/.test(one))
  if (isPlain) return prefix
  throw new UriMistake('has a path with more than letters, digits and . _ ~ - in it')
}

/** @param host - As a URL has it. */
export function isThisMachine(host: string): boolean {
  const name = host.replace(/\.$/, '')
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)
}
