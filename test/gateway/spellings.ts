import { premiumTargets } from '../adapters/premium-targets.ts'
import type { RawParts } from '../adapters/raw.ts'

/** Those, and what only a server with other routes beside it could take for it. */
const targets: readonly string[] = [
  ...premiumTargets,
  '/free/x/../../premium',
  '/free/%252e%252e/premium',
  '/free/x#/../../premium',
  '/free/x?/../../premium',
]

/** Lines that some server somewhere lets decide what is asked for. */
const lines: readonly (readonly string[])[] = [
  ['X-HTTP-Method-Override: POST'],
  ['X-HTTP-Method-Override: OPTIONS'],
  ['Origin: https://a.example', 'Access-Control-Request-Method: GET'],
  [`Authorization: L402 AgJC:${'0'.repeat(64)}`],
  ['Authorization: Bearer x', `Authorization: L402 AgJC:${'0'.repeat(64)}`],
  ['Host: shop.example', 'Host: other.example'],
  ['Host: other.example'],
  ['Satway-Token-Id: 00', 'Satway-Capability: premium', 'Satway_Token_Id: 00'],
  ['Satway-Target: /premium', 'Satway-Status: 200'],
  ['X-Original-URL: /free/x', 'X-Rewrite-URL: /free/x'],
  ['X-Original-URI: /free/x', 'X-Original-Method: GET', 'X-Original-Host: shop.example'],
  ['X_Original_URI: /free/x', 'X_Original_Method: GET', 'X_Original_Host: shop.example'],
  ['X-Forwarded-Uri: /free/x', 'X-Forwarded-Method: GET', 'X-Forwarded-Host: shop.example'],
  ['X_Forwarded_Uri: /free/x', 'X_Forwarded_Method: GET', 'X_Forwarded_Host: shop.example'],
  ['Connection: X-Original-URI, X-Forwarded-Uri, X-Original-Method', 'X-Original-URI: /free/x'],
  ['Connection: Authorization, Upgrade', 'Upgrade: websocket'],
  ['Connection: X-Forwarded-Method, X-Forwarded-Uri, Host'],
  ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
  ['Content-Type: application/grpc'],
  ['Expect: 100-continue'],
]

/** Requests, none of them paid for, that some server somewhere takes for one of `/premium`. */
export function* unpaidSpellings(): Generator<RawParts> {
  for (const target of targets) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      yield { method, target }
    }
  }
  for (const target of ['/premium', '/Premium/', '/%70remium', '//premium', '/x/../premium']) {
    for (const more of lines) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) yield { method, target, lines: more }
    }
  }
}

/** Whether some application somewhere would serve its `/premium` for this target. */
export function couldBePremium(target: string): boolean {
  let path = target.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/)[0]!
  for (let round = 0; round < 3; round++) {
    path = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  const segments: string[] = []
  for (const part of path.replaceAll('\\', '/').split('/')) {
    const segment = part.split(';')[0]!.trim().toLowerCase()
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments[0]?.startsWith('premium') === true
}
