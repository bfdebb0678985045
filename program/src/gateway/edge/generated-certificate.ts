import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { KeyPair } from './certificate-file.ts'

const dayMs = 86_400_000
const lifeMs = 365 * dayMs
/** Clocks differ: it is valid from a little earlier on. */
const leewayMs = 3_600_000

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/**
 * Makes a certificate that its own key signs, for a year. Whoever connects has to be given it.
 *
 * @param names - Host names and IP addresses. The first one names it.
 * @param nowMs - Milliseconds since 1970.
 */
export async function generateCertificate(
  names: readonly string[],
  nowMs: number = Date.now(),
): Promise<KeyPair> {
  // Both take their time to load, and few listeners need them.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [names[0] ?? 'localhost'] }],
    notBefore: new Date(nowMs - leewayMs),
    notAfter: new Date(nowMs + lifeMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
    ],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { certificate: certificate.toString('pem'), key: pem(key) }
}

/** 16 bytes, of which the first is from 1 to 127: a positive number in its shortest form. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x01
  return bytes.toString('hex')
}

function pem(key: Buffer): string {
  const lines = key.toString('base64').match(/.{1,64}/g)!
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n')
}
