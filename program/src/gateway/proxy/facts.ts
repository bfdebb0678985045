import { createHmac, createSecretKey } from 'node:crypto'
import type { Forward } from './forward.ts'

/** Puts `Satway-Timestamp` and `Satway-Signature` at the end of a flat list of headers. */
export type FactSigner = (list: string[], forward: Forward) => void

/**
 * Signs what the upstream is told about a payment, so that it can tell the gateway from anyone else
 * who reaches it.
 *
 * The signature is the HMAC-SHA256, in hex, of these lines with `\n` between: `v1`, the timestamp,
 * method, target as the upstream gets it, token id, payment hash, service, capability, amount in
 * msat. Of a free request the last five are empty.
 *
 * @param key - The secret that the upstream has too, as UTF-8 text.
 * @param now - Seconds since 1970.
 * @spec gateway.md R-FWD-6
 */
export function createFactSigner(key: string, now: () => number): FactSigner {
  // A key object made once: a raw key costs `createHmac` five times as much on Node 24.
  const secret = createSecretKey(Buffer.from(key, 'utf8'))
  return (list, { method, target, receipt }) => {
    const timestamp = String(Math.floor(now()))
    const facts =
      receipt === undefined
        ? '\n\n\n\n'
        : `${receipt.tokenId}\n${receipt.paymentHash}\n${receipt.service}\n${receipt.capability}\n${receipt.amountMsat}`
    const signed = `v1\n${timestamp}\n${method}\n${target}\n${facts}`
    const signature = createHmac('sha256', secret).update(signed, 'latin1').digest('hex')
    list.push('Satway-Timestamp', timestamp, 'Satway-Signature', `v1=${signature}`)
  }
}
