import { X509Certificate } from 'node:crypto'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import { checkServerIdentity } from 'node:tls'

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * How a certificate that was named is held to. The certificate itself is the wallet's whatever names
 * stand in it: that is what a pin means. One that it signed has to be for the name.
 *
 * @param pem - One or more certificates. `undefined`: as the system trusts.
 * @throws {RangeError} for text that is no certificate.
 */
export function pinning(pem: string | undefined): ConnectionOptions {
  if (pem === undefined) return {}
  const pinned = readCertificates(pem)
  return {
    ca: pem,
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      pinned.has(certificate.fingerprint256) ? undefined : checkServerIdentity(host, certificate),
  }
}

/** @returns the fingerprints of all certificates in a PEM text. */
function readCertificates(pem: string): ReadonlySet<string> {
  const blocks = pem.match(pemBlock) ?? []
  if (blocks.length === 0)
    throw new RangeError('certificate: expected PEM, -----BEGIN CERTIFICATE-----')
  try {
    return new Set(blocks.map((block) => new X509Certificate(block).fingerprint256))
  } catch {
    throw new RangeError('certificate: expected a certificate in PEM')
  }
}
