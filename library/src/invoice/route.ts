import { concatBytes } from '../bytes/index.ts'
import type { RouteHop } from './invoice.ts'
import { malformed } from './refusal.ts'

const hopBytes = 51
const nodeIdBytes = 33
const shortChannelIdBytes = 8
const feeBaseAt: number = nodeIdBytes + shortChannelIdBytes

/** The most hops that fit in one field `r`. */
export const maxHops: number = Math.floor(639 / hopBytes)

/**
 * Reads the hops of one field `r`, 51 bytes each.
 *
 * @throws {L402Error} INVOICE_MALFORMED unless the bytes are one or more whole hops.
 * @spec invoice.md R-INV-14
 */
export function readRoute(bytes: Uint8Array): readonly RouteHop[] {
  if (bytes.length === 0 || bytes.length % hopBytes !== 0) throw malformed('length of a route')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const hops: RouteHop[] = []
  for (let at = 0; at < bytes.length; at += hopBytes) {
    hops.push({
      nodeId: bytes.slice(at, at + nodeIdBytes),
      shortChannelId: bytes.slice(at + nodeIdBytes, at + feeBaseAt),
      feeBaseMsat: view.getUint32(at + feeBaseAt),
      feeProportionalMillionths: view.getUint32(at + feeBaseAt + 4),
      cltvExpiryDelta: view.getUint16(at + feeBaseAt + 8),
    })
  }
  return hops
}

/** The bytes of one field `r`. The inverse of {@link readRoute}. */
export function bytesOfRoute(hops: readonly RouteHop[]): Uint8Array {
  return concatBytes(...hops.map(bytesOfHop))
}

function bytesOfHop(hop: RouteHop): Uint8Array {
  const bytes = new Uint8Array(hopBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(hop.nodeId)
  bytes.set(hop.shortChannelId, nodeIdBytes)
  view.setUint32(feeBaseAt, hop.feeBaseMsat)
  view.setUint32(feeBaseAt + 4, hop.feeProportionalMillionths)
  view.setUint16(feeBaseAt + 8, hop.cltvExpiryDelta)
  return bytes
}
