/** Where clients whose address is not known, or is none, are counted together. */
const unknownNetwork = 'unknown'

/**
 * The network that a client is counted under: the /24 of an IPv4 address, the /64 of an IPv6
 * address. One customer of a provider has at least that much, so a smaller unit limits nobody.
 *
 * @param address - An IP address as a socket or a trusted proxy gives it; a zone (`%eth0`) is left
 *   out, and an IPv4 address inside IPv6 (`::ffff:192.0.2.1`) counts as IPv4.
 * @spec server.md R-SRV-36
 */
export function clientNetwork(address: string | undefined): string {
  if (address === undefined || address.length > 64) return unknownNetwork
  const plain = address.split('%', 1)[0]!.toLowerCase()
  const ipv4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(plain)
  if (ipv4 !== null) {
    const parts = ipv4.slice(1).map(Number)
    return parts.every((part) => part <= 255)
      ? `${parts.slice(0, 3).join('.')}.0/24`
      : unknownNetwork
  }
  const groups = ipv6Groups(plain)
  return groups === undefined ? unknownNetwork : `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * The site that a client belongs to: the /48 of an IPv6 address, which is what one customer may be
 * given whole, and otherwise the same as {@link clientNetwork}.
 *
 * @spec server.md R-SRV-36, R-SRV-37
 */
export function clientSite(address: string | undefined): string {
  return siteOf(clientNetwork(address))
}

/** The site of a network that {@link clientNetwork} gave. */
export function siteOf(network: string): string {
  return network.endsWith('::/64') ? `${network.split(':', 3).join(':')}::/48` : network
}

/** The eight groups in their shortest spelling, or `undefined` for what is not IPv6. */
function ipv6Groups(text: string): readonly string[] | undefined {
  // A trailing dotted quad stands for two groups; which ones does not matter to a /64.
  const plain = text.replace(/(^|:)\d{1,3}(?:\.\d{1,3}){3}$/, '$10:0')
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const groups = [...head!, ...(tail ?? [])]
  if (!groups.every((group) => /^[\da-f]{1,4}$/.test(group))) return undefined
  if (tail === undefined ? groups.length !== 8 : groups.length > 7) return undefined
  const zeros = Array.from({ length: 8 - groups.length }, () => '0')
  return [...head!, ...zeros, ...(tail ?? [])].map((group) =>
    Number.parseInt(group, 16).toString(16),
  )
}
