import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { isPrivateAddress } from '../client/index.ts'
import { L402Error } from '../errors.ts'
import { problem } from './failure.ts'

/** Asks DNS for all addresses of a name, of both families. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/** An untrusted URL leads to this machine or a private network. Nothing was sent there. */
export function privateAddress(url: URL): L402Error {
  return new L402Error('POLICY_REFUSED', {
    reason: 'private-address',
    origin: url.origin,
    hint: 'policy.allowPrivateHosts names hosts where that is meant',
  })
}

/** The host of a URL, where it is an address: without the brackets. */
export function addressOf({ hostname }: URL): string | undefined {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) === 0 ? undefined : address
}

/** Asks the system: the hosts file, then DNS. */
export async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  const { lookup } = await import('node:dns/promises')
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

/**
 * What a socket asks for the addresses to connect to. It asks once for each connection and connects
 * to nothing else, so that no second answer of DNS comes between the check and the connection.
 *
 * @param publicOnly - Refuses a name when any of its addresses is not public: whoever mixes them
 *   hopes that the first is checked and another one used.
 */
export function createLookup(resolve: Resolve, url: URL, publicOnly: boolean): LookupFunction {
  return (hostname, options, callback) => {
    const answer = async (): Promise<readonly string[]> => {
      const addresses = await resolve(hostname)
      if (!Array.isArray(addresses) || addresses.length === 0) throw notFound('has no address')
      for (const address of addresses) {
        if (isIP(address) === 0) throw notFound('leads to something that is no address')
        if (publicOnly && isPrivateAddress(address)) throw privateAddress(url)
      }
      return addresses
    }
    answer().then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }))
        const [first] = found
        if (options.all === true) callback(null, found)
        else callback(null, first!.address, first!.family)
      },
      (error: unknown) => callback(asError(error), ''),
    )
  }
}

function notFound(what: string): Error {
  return problem(`the name ${what}`, { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : notFound('cannot be looked up')
}
