/** The names under which frameworks let a header change the method after it was priced. */
const methodOverrides = ['x-http-method-override', 'x-http-method', 'x-method-override']

const credentialScheme = /(?:^|,)\s*(?:L402|LSAT)(?:\s|$)/i
/** `preimage=` in hex: what makes a macaroon in metadata a credential of ours. */
const preimageCaveat = /707265696d6167653d/i

/**
 * Whether a header line of a request is kept from the handler and from whatever is behind it:
 * credentials, which would end in its logs; names that speak for this server (`Satway-…`, also
 * spelled with `_`); and headers that would change the method after it was priced.
 *
 * @param name - In any case.
 * @spec server.md R-SRV-48, R-SRV-49
 */
export function isWithheld(name: string, value: string): boolean {
  switch (name.charCodeAt(0) | 0x20) {
    case 0x61: // a
      return (
        name.length === 13 && name.toLowerCase() === 'authorization' && credentialScheme.test(value)
      )
    case 0x67: // g
      return name.toLowerCase() === 'grpc-metadata-macaroon' && preimageCaveat.test(value)
    case 0x6d: // m
      return name.toLowerCase() === 'macaroon' && preimageCaveat.test(value)
    case 0x73: // s
      return /^satway[-_]/i.test(name)
    case 0x78: // x
      return methodOverrides.includes(name.toLowerCase().replaceAll('_', '-'))
    default:
      return false
  }
}
