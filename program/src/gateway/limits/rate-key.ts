import type { Receipt } from 'satway/server'
import { clientNetwork } from 'satway/server'
import type { RateLimitConfig } from '../config/index.ts'

/**
 * Who is counted as one: the token, with everything that was derived from it, or the client's
 * network (IPv4 /24, IPv6 /64). A key of one kind is never a key of the other.
 *
 * @param by - `token` counts who has none by network.
 * @spec gateway.md R-LIM-3, R-LIM-4
 */
export function rateKey(
  by: RateLimitConfig['by'],
  receipt: Receipt | undefined,
  clientAddress: string | undefined,
): string {
  if (by === 'token' && receipt !== undefined) return `token ${receipt.tokenId}`
  return `network ${clientNetwork(clientAddress)}`
}
