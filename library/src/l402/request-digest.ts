import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import type { CanonicalTarget } from './request-target.ts'

/**
 * Names one request, for the caveat `req`: SHA-256 of `METHOD target`, the target in canonical form
 * with its query. HEAD is written as GET, because it is served and priced as GET.
 *
 * @returns 64 hex digits.
 * @spec caveats.md R-CAV-16
 */
export function requestDigest(method: string, target: CanonicalTarget): string {
  const served = method === 'HEAD' ? 'GET' : method
  return encodeHex(sha256(encodeUtf8(`${served} ${target.path}${target.query}`)))
}
