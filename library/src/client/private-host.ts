import { bareHostname } from './host.ts'
import { isPrivateAddress, parseIPv4 } from './private-address.ts'

/** Names that are never of the public internet, and all below them. */
const privateNames = /(^|\.)(localhost|local|internal|home\.arpa)$/

/**
 * Whether a URL names this machine or a private network, by its text alone: an address that is not
 * public, or a name that ends in `localhost`, `local`, `internal` or `home.arpa`. A name that DNS
 * leads there is not seen.
 *
 * @spec client.md R-PAY-54
 */
export function isPrivateHost(url: URL): boolean {
  const hostname = bareHostname(url)
  // A URL writes every IPv4 address as four decimal numbers, however it was spelt.
  if (hostname.startsWith('[')) return isPrivateAddress(hostname.slice(1, -1))
  if (parseIPv4(hostname) !== undefined) return isPrivateAddress(hostname)
  return privateNames.test(hostname)
}
