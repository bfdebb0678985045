import { formatAddress, parseAddress, plainAddress } from './ip-address.ts'

/**
 * Who sent a request: the peer, or, where the peer is a trusted proxy, the right-most address of
 * `X-Forwarded-For` that is not one itself. What stands left of it was written by the client and
 * proves nothing.
 *
 * @param peerAddress - Of the connection.
 * @param forwardedForLines - The `X-Forwarded-For` lines, in order. Entries may carry a port.
 * @param isTrusted - Whether an address belongs to a trusted proxy.
 * @returns One spelling for each address. An entry that is no address ends the walk: the proxy that
 *   wrote it is then the last one known.
 */
export function clientAddress(
  peerAddress: string,
  forwardedForLines: readonly string[],
  isTrusted: (address: string) => boolean,
): string {
  let client = plainAddress(peerAddress)
  if (forwardedForLines.length === 0 || !isTrusted(client)) return client
  const entries = forwardedForLines.join(',').split(',')
  for (let i = entries.length - 1; i >= 0; i--) {
    const address = forwardedAddress(entries[i]!)
    if (address === undefined) return client
    client = address
    if (!isTrusted(client)) return client
  }
  return client
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`. */
function forwardedAddress(entry: string): string | undefined {
  const text = entry.trim()
  const [, inBrackets, beforePort] =
    /^(?:\[([^\]]*)\](?::\d{1,5})?|([^:]*):\d{1,5})$/.exec(text) ?? []
  const address = parseAddress(inBrackets ?? beforePort ?? text)
  if (address === undefined) return undefined
  if (inBrackets !== undefined && !inBrackets.includes(':')) return undefined
  return formatAddress(address)
}
