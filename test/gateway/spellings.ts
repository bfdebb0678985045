import type { RawParts } from '../adapters/raw.ts'

/** Ways to write `/premium` that some server somewhere takes for it. */
const targets: readonly string[] = [
  '/premium',
  '/premium?',
  '/premium?x=1',
  '/premium/',
  '/premium//',
  '/premium/.',
  '/premium/x/..',
  '/premium/%2e',
  '//premium',
  '///premium',
  '/./premium',
  '/x/../premium',
  '/free/../premium',
  '/free/x/../../premium',
  '/free/%2e%2e/premium',
  '/free/.%2e/premium',
  '/free/..%2fpremium',
  '/free/..%5cpremium',
  '/free/..;/premium',
  '/free/..\\premium',
  '/free/%252e%252e/premium',
  '/FREE/../premium',
  '/%2e/premium',
  '/x/%2e%2e/premium',
  '/%2fpremium',
  '/%2Fpremium',
  '/x%2f..%2fpremium',
  '/.%2fpremium',
  '/%5cpremium',
  '/\\premium',
  '\\premium',
  '/premium\\',
  '/premium;x=1',
  '/premium;',
  '/;/premium',
  '/premium%3bx=1',
  '/PREMIUM',
  '/Premium',
  '/premiuM/',
  '/%70remium',
  '/%50REMIUM',
  '/prem%69um',
  '/%2570remium',
  '/%252fpremium',
  '/premium%00',
  '/premium%20',
  '/premium%09',
  '/premium%2f',
  '/premium%3f',
  '/premium%23',
  '/premium#x',
  '/free/x#/../../premium',
  '/#/premium',
  '/premium?#',
  '/free/x?/../../premium',
  'http://other.example/premium',
  'http://shop.example/premium',
  'HTTP://shop.example/premium',
  'http://shop.example//premium',
  'http://user@shop.example/premium',
  'premium',
  '*',
  '/%c0%afpremium',
  '/%e0%80%afpremium',
  '/pr\xe9mium',
  '/premium\x7f',
  '/premium.json',
  '/premium,',
  '/premium%',
  '/premium%2',
  '/premium%zz',
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
