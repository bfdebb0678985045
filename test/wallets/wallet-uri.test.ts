import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WalletKind, WalletUri } from '../../library/src/lightning/wallet/index.ts'
import {
  inlineSecretProblem,
  leastPrivilege,
  parseWalletUri,
} from '../../library/src/lightning/wallet/index.ts'

const file = (path: string): { from: 'file'; path: string } => ({ from: 'file', path })
const hex64 = 'ab'.repeat(32)

function parsed(text: string): WalletUri {
  const uri = parseWalletUri(text)
  if ('problem' in uri) throw new Error(uri.problem)
  if (uri.kind === 'reference') throw new Error('expected no reference')
  return uri
}

function problemOf(text: string): string {
  const uri = parseWalletUri(text)
  if (!('problem' in uri)) throw new Error(`expected a problem of ${text}`)
  expect(uri.problem).not.toContain('hunter2')
  expect(uri.problem).not.toMatch(/[\r\n]/)
  return uri.problem
}

describe('R-WAL-1 a wallet is named by one URI', () => {
  for (const [text, uri] of [
    [
      'lnd://node.example?macaroon=file:/run/pay.macaroon&cert=file:/run/tls.cert',
      {
        kind: 'lnd',
        network: 'bitcoin',
        url: 'https://node.example:8080',
        secret: file('/run/pay.macaroon'),
        certificate: file('/run/tls.cert'),
        privateChannels: false,
      },
    ],
    [
      'lnd://127.0.0.1:10?macaroon=env:M&private=on&tls=off&network=simnet',
      {
        kind: 'lnd',
        network: 'simnet',
        url: 'http://127.0.0.1:10',
        secret: { from: 'env', name: 'M' },
        certificate: undefined,
        privateChannels: true,
      },
    ],
    [
      'cln://node.example:3011/rest/?rune=env:CLN_RUNE&network=signet',
      {
        kind: 'cln',
        network: 'signet',
        url: 'https://node.example:3011/rest',
        secret: { from: 'env', name: 'CLN_RUNE' },
        certificate: undefined,
        socketPath: undefined,
      },
    ],
    [
      'phoenixd://127.0.0.1?password=file:~/.phoenix/password',
      {
        kind: 'phoenixd',
        network: 'bitcoin',
        url: 'http://127.0.0.1:9740',
        secret: file('~/.phoenix/password'),
        certificate: undefined,
      },
    ],
    [
      `nostr+walletconnect://${hex64}?relay=wss%3A%2F%2Frelay.example%2Fv1&relay=ws://127.0.0.1:7000&secret=file:/run/nwc&lud16=me@w.example`,
      {
        kind: 'nwc',
        network: 'bitcoin',
        url: undefined,
        secret: file('/run/nwc'),
        walletPubkey: hex64,
        relays: ['wss://relay.example/v1', 'ws://127.0.0.1:7000'],
      },
    ],
    [
      'lnbits://lnbits.example/sub?key=file:/run/key',
      {
        kind: 'lnbits',
        network: 'bitcoin',
        url: 'https://lnbits.example/sub',
        secret: file('/run/key'),
        certificate: undefined,
      },
    ],
    [
      'btcpay://pay.example/btcpay/AbC123?key=file:/run/key',
      {
        kind: 'btcpay',
        network: 'bitcoin',
        url: 'https://pay.example/btcpay',
        secret: file('/run/key'),
        certificate: undefined,
        storeId: 'AbC123',
      },
    ],
    [
      'charge://charge.example?token=file:/run/token',
      {
        kind: 'charge',
        network: 'bitcoin',
        url: 'https://charge.example:9112',
        secret: file('/run/token'),
        certificate: undefined,
      },
    ],
    [
      'lnurl:alice+shop@w.example?network=signet',
      {
        kind: 'lnurl',
        network: 'signet',
        url: undefined,
        secret: undefined,
        address: 'alice+shop@w.example',
      },
    ],
    [
      'lnurl:https://w.example/pay?id=7&network=regtest&x=1',
      {
        kind: 'lnurl',
        network: 'regtest',
        url: undefined,
        secret: undefined,
        address: 'https://w.example/pay?id=7&x=1',
      },
    ],
    [
      'devnet:/a b/wallet.json?x',
      {
        kind: 'devnet',
        network: 'regtest',
        url: undefined,
        secret: undefined,
        file: '/a b/wallet.json?x',
      },
    ],
    [
      'https://w.example/payinvoice',
      {
        kind: 'http',
        network: 'bitcoin',
        url: 'https://w.example/payinvoice',
        secret: undefined,
        lookupUrl: undefined,
        fields: {},
      },
    ],
    [
      'http://127.0.0.1:4021/pay?token=file:/run/secrets/wallet&network=regtest&lookup=/payments/{hash}&invoice_field=bolt11&preimage=data.preimage&paid=ok&fee=fee_msat&max_fee_field=max_fee',
      {
        kind: 'http',
        network: 'regtest',
        url: 'http://127.0.0.1:4021/pay',
        secret: file('/run/secrets/wallet'),
        lookupUrl: 'http://127.0.0.1:4021/payments/{hash}',
        fields: {
          invoiceField: 'bolt11',
          preimagePath: 'data.preimage',
          paidPath: 'ok',
          feePath: 'fee_msat',
          maxFeeField: 'max_fee',
        },
      },
    ],
    [
      'https://w.example/p?token=env:WALLET_TOKEN&lookup=https://w.example/q?h={hash}',
      {
        kind: 'http',
        network: 'bitcoin',
        url: 'https://w.example/p',
        secret: { from: 'env', name: 'WALLET_TOKEN' },
        lookupUrl: 'https://w.example/q?h={hash}',
        fields: {},
      },
    ],
  ] as const) {
    test(text, () => {
      expect(parseWalletUri(text)).toEqual(uri)
      expect(parseWalletUri(text.replace(/^[a-z+]+/, (scheme) => scheme.toUpperCase()))).toEqual(
        uri,
      )
    })
  }

  for (const [text, problem] of [
    ['', /^expected a wallet URI/],
    ['lnd', /^expected a wallet URI/],
    ['hunter2', /^expected a wallet URI/],
    ['none', /^expected a wallet URI/],
    ['ftp://w.example', /^expected a wallet URI/],
    ['lndd://w.example?macaroon=hunter2', /did you mean lnd\?$/],
    ['phoenix://127.0.0.1?password=hunter2', /did you mean phoenixd\?$/],
    ['hunter2://x', /^expected a wallet URI/],
    ['__proto__:x', /^expected a wallet URI/],
    ['constructor:x', /^expected a wallet URI/],
    ['alice@example.com', /before a Lightning Address write lnurl:/],
    ['/home/me/wallet.json', /before a file that holds one write file:/],
    ['lnd:node.example', /^expected lnd:\/\/HOST:8080\?macaroon=/],
    ['lnd://?macaroon=hunter2', /names no host/],
    ['lnd://:8080?macaroon=hunter2', /names no host/],
    ['lnd://node.example:0?macaroon=hunter2', /port outside/],
    ['lnd://node.example:65536?macaroon=hunter2', /port outside/],
    ['lnd://node.example:8080:1?macaroon=hunter2', /IPv6 address without brackets/],
    ['lnd://::1?macaroon=hunter2', /IPv6 address without brackets/],
    ['lnd://[::g]?macaroon=hunter2', /names no host/],
    ['lnd://256.1.1.1?macaroon=hunter2', /names no host/],
    ['lnd://a b?macaroon=hunter2', /names no host/],
    ['lnd://me:hunter2@node.example', /carries a name or password/],
    ['lnd://node.example/a/../b?macaroon=hunter2', /a path with more than/],
    ['lnd://node.example/%2e%2e?macaroon=hunter2', /a path with more than/],
    ['lnd://node.example//?macaroon=hunter2', /a path with more than/],
    ['lnd://node.example?macaroon=file:/m#hunter2', /a part after #/],
    ['lnd://node.example?macaroon=file:/m\n', /control character/],
    ['lnd://node.example?macaroon=file:/m%00', /control character/],
    ['lnd://node.example?macaroon=%zz', /a % that begins no character/],
    ['lnd://node.example', /lacks macaroon=file:\/path$/],
    ['lnd://node.example?cert=file:/c', /lacks macaroon=/],
    ['cln://node.example', /lacks rune=/],
    ['cln://', /names no host/],
    ['phoenixd://127.0.0.1', /lacks password=/],
    ['lnbits://127.0.0.1', /lacks key=/],
    ['charge://127.0.0.1', /lacks token=/],
    ['btcpay://pay.example?key=file:/k', /names no store/],
    ['btcpay://pay.example/?key=file:/k', /names no store/],
    ['btcpay://pay.example/a-b?key=file:/k', /names no store/],
    ['devnet:', /names no file/],
    ['lnurl:', /^expected lnurl:NAME@HOST/],
    ['lnurl:alice', /^expected lnurl:NAME@HOST/],
    ['lnurl:alice@b@c', /^expected lnurl:NAME@HOST/],
    ['lnurl:ftp://x', /^expected lnurl:NAME@HOST/],
    ['lnurl:https://', /no well-formed URL/],
    ['lnurl:a@b.example?comment=x', /\?comment: is not known here/],
    ['https://', /no well-formed URL/],
    ['https://me:hunter2@w.example/p', /carries a name or password/],
    ['https://w.example/p#hunter2', /a part after #/],
    ['http://w.example/p', /not encrypted/],
    ['http://10.0.0.1/p', /not encrypted/],
    ['https://w.example/p?lookup=/q', /\{hash\} in it, once/],
    ['https://w.example/p?lookup=/{hash}/{hash}', /\{hash\} in it, once/],
    ['https://w.example/p?lookup=https://evil.example/{hash}', /a path of the same server/],
    ['https://w.example/p?lookup=javascript:{hash}', /expected a path, or a URL/],
    ['https://w.example/p?invoice_field=a b', /\?invoice_field: expected a name/],
    ['https://w.example/p?preimage=a[0]', /\?preimage: expected a name/],
    [`https://w.example/${'a'.repeat(9000)}`, /longer than 8192/],
  ] as const) {
    test(`and not by ${JSON.stringify(text.slice(0, 60))}`, () => {
      expect(problemOf(text)).toMatch(problem)
    })
  }

  test('nothing but a wallet or a sentence comes of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const uri = parseWalletUri(text)
        expect('problem' in uri ? uri.problem : uri.kind).toMatch(/./)
      }),
    )
  })
})

describe('R-WAL-2 options', () => {
  for (const [text, problem] of [
    ['lnd://n.example?macarron=hunter2', '?macarron: is not known here; did you mean macaroon?'],
    ['lnd://n.example?certt=file:/c', '?certt: is not known here; did you mean cert?'],
    ['lnd://n.example?netwrok=regtest', '?netwrok: is not known here; did you mean network?'],
    [
      'lnd://n.example?hunter2=1',
      '?…: is not known here; there are macaroon, cert, network, tls, private',
    ],
    [
      'lnd://n.example?rune=hunter2',
      '?rune: is not known here; there are macaroon, cert, network, tls, private',
    ],
    ['lnd://n.example?macaroon=file:/a&macaroon=file:/b', '?macaroon is there twice'],
    ['lnd://n.example?macaroon', '?macaroon is empty'],
    ['lnd://n.example?macaroon=', '?macaroon is empty'],
    [
      'lnd://n.example?macaroon=file:/a&network=mainnet',
      '?network: expected bitcoin, testnet, signet, regtest, simnet',
    ],
    ['lnd://n.example?macaroon=file:/a&tls=no', '?tls: expected on or off'],
    ['lnd://n.example?macaroon=file:/a&private=yes', '?private: expected on or off'],
    ['https://w.example/p?tokn=env:A', '?tokn: is not known here; did you mean token?'],
    ['https://w.example/p?token=env:A&token=env:B', '?token is there twice'],
    ['https://w.example/p?token=', '?token is empty'],
  ] as const) {
    test(`${text}: ${problem}`, () => expect(problemOf(text)).toBe(problem))
  }

  test('are taken as they stand: a plus sign is one, %20 is a space', () => {
    expect(parsed('lnd://n.example?&macaroon=file:/a+b%20c%26d&')).toMatchObject({
      secret: file('/a+b c&d'),
    })
  })
})

describe('R-WAL-3 TLS', () => {
  const own = {
    lnd: 'macaroon',
    cln: 'rune',
    phoenixd: 'password',
    lnbits: 'key',
    charge: 'token',
  } as const
  const near = ['localhost', '127.0.0.1', '127.8.0.1', '[::1]'] as const
  const far = ['node.example', '10.0.0.1', '[fd00::1]', '127.0.0.1.example', '0.0.0.0'] as const
  for (const [kind, secret] of Object.entries(own)) {
    const at = (host: string, more = ''): string => `${kind}://${host}:99?${secret}=file:/s${more}`
    const always = kind === 'lnd' || kind === 'cln'

    test(`${kind}: ${always ? 'always' : 'except on this machine'}, unless told otherwise there`, () => {
      for (const host of near) {
        expect(parsed(at(host)).url).toBe(`${always ? 'https' : 'http'}://${host}:99`)
        expect(parsed(at(host, '&tls=on')).url).toBe(`https://${host}:99`)
        expect(parsed(at(host, '&tls=off')).url).toBe(`http://${host}:99`)
        expect(parsed(at(host, '&cert=file:/c')).url).toBe(`https://${host}:99`)
        expect(problemOf(at(host, '&cert=file:/c&tls=off'))).toMatch(/none to check with tls=off/)
      }
      for (const host of far) {
        expect(parsed(at(host)).url).toBe(`https://${host}:99`)
        expect(problemOf(at(host, '&tls=off'))).toMatch(/only on this machine/)
      }
    })
  }

  for (const [cert, problem] of [
    ['hunter2', /\?cert: expected file:\/path, of a certificate/],
    ['/etc/tls.cert', /\?cert: expected file:\/path/],
    ['file:tls.cert', /\?cert: expected file:\/path/],
  ] as const) {
    test(`cert=${cert} names no certificate`, () => {
      expect(problemOf(`lnd://n.example?macaroon=file:/m&cert=${cert}`)).toMatch(problem)
    })
  }
})

describe('R-WAL-4 host and port', () => {
  for (const [text, url] of [
    ['lnd://n.example?macaroon=file:/s', 'https://n.example:8080'],
    ['lnd://n.example:443?macaroon=file:/s', 'https://n.example:443'],
    ['cln://n.example?rune=file:/s', 'https://n.example:3010'],
    ['phoenixd://n.example?password=file:/s', 'https://n.example:9740'],
    ['charge://n.example?token=file:/s', 'https://n.example:9112'],
    ['lnbits://n.example?key=file:/s', 'https://n.example'],
    ['lnbits://localhost:5000?key=file:/s', 'http://localhost:5000'],
    ['btcpay://n.example/S?key=file:/s', 'https://n.example'],
    ['lnd://NODE.Example/a/b/?macaroon=file:/s', 'https://node.example:8080/a/b'],
    ['lnd://[2001:DB8::1]:10?macaroon=file:/s', 'https://[2001:db8::1]:10'],
    ['phoenixd://[0:0::1]?password=file:/s', 'http://[::1]:9740'],
    ['phoenixd://127.1?password=file:/s', 'http://127.0.0.1:9740'],
  ] as const) {
    test(`${text} is at ${url}`, () => expect(parsed(text).url).toBe(url))
  }
})

describe('R-WAL-5 the socket of Core Lightning', () => {
  test('is named by its path', () => {
    expect(parsed('cln:///home/me/.lightning/a%20b/lightning-rpc?network=regtest')).toEqual({
      kind: 'cln',
      network: 'regtest',
      url: undefined,
      secret: undefined,
      socketPath: '/home/me/.lightning/a b/lightning-rpc',
    })
  })
  for (const [text, problem] of [
    ['cln:///s?rune=hunter2', /\?rune: a socket needs none/],
    ['cln:///s?cert=file:/c', /\?cert: a socket needs none/],
    ['cln:///s?tls=off', /\?tls: a socket needs none/],
    ['cln:////host/s', /^expected cln:/],
    ['cln:///', /^expected cln:/],
    ['cln:///a%00', /control character/],
    ['cln:///%', /a % that begins no character/],
  ] as const) {
    test(`and not by ${text}`, () => expect(problemOf(text)).toMatch(problem))
  }
})

describe('R-WAL-6 Nostr Wallet Connect', () => {
  test('a URI as wallets hand it out carries its secret', () => {
    for (const scheme of [
      'nostr+walletconnect://',
      'nostr+walletconnect:',
      'nostrwalletconnect://',
    ]) {
      const uri = parsed(`${scheme}${hex64.toUpperCase()}?relay=wss://r.example&secret=${hex64}`)
      expect(uri).toMatchObject({ kind: 'nwc', walletPubkey: hex64, relays: ['wss://r.example'] })
      expect(uri.secret).toMatchObject({ from: 'uri', text: hex64 })
    }
  })
  for (const [text, problem] of [
    [`nostr+walletconnect://${hex64}?secret=file:/s`, /lacks relay=/],
    [`nostr+walletconnect://${hex64}?relay=wss://r.example`, /lacks secret=/],
    [`nostr+walletconnect://hunter2?relay=wss://r.example&secret=file:/s`, /64 hex digits/],
    [`nostr+walletconnect://${hex64}?relay=wss://r.example&secret=hunter2`, /or 64 hex digits/],
    [`nostr+walletconnect://${hex64}?relay=ws://r.example&secret=file:/s`, /is not encrypted/],
    [`nostr+walletconnect://${hex64}?relay=https://r.example&secret=file:/s`, /expected wss:/],
    [`nostr+walletconnect://${hex64}?relay=wss://a:hunter2@r.example&secret=file:/s`, /without a/],
    [`nostr+walletconnect://${hex64}?relay=hunter2&secret=file:/s`, /expected wss:/],
    [
      `nostr+walletconnect://${hex64}?${[...'abcdefghi'].map((c) => `relay=wss://${c}.example`).join('&')}&secret=file:/s`,
      /more than 8 relays/,
    ],
    [`nostr+walletconnect://${hex64}?relays=wss://r.example&secret=file:/s`, /did you mean relay/],
  ] as const) {
    test(`not ${text.slice(0, 30)}…${text.slice(85)}`, () => {
      expect(problemOf(text)).toMatch(problem)
    })
  }
})

describe('R-WAL-7 lndconnect', () => {
  const macaroon = Buffer.from('\x02macaroon'.repeat(9), 'latin1').toString('base64url')
  const der = Buffer.alloc(100, 0x30)

  test('carries everything itself: the certificate becomes PEM', () => {
    const text = `lndconnect://n.example:8080?cert=${der.toString('base64url')}&macaroon=${macaroon}&network=testnet`
    const uri = parsed(text)
    expect(uri).toMatchObject({ kind: 'lnd', network: 'testnet', url: 'https://n.example:8080' })
    expect(uri.secret).toMatchObject({ from: 'uri', text: macaroon })
    const { certificate } = uri as WalletUri & { kind: 'lnd' }
    const pem = certificate?.from === 'uri' ? certificate.text : ''
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\w+/=\n]+\n-----END CERTIFICATE-----\n$/)
    const body = pem.split('\n').slice(1, -2).join('')
    expect(Buffer.from(body, 'base64').equals(der)).toBe(true)
  })
  for (const [text, problem] of [
    ['lndconnect://n.example', /lacks macaroon=/],
    ['lndconnect://n.example?macaroon=hunter2!', /\?macaroon: expected base64url/],
    [`lndconnect://n.example?macaroon=${macaroon}&cert=hunter2!`, /\?cert: expected base64url/],
    [`lndconnect://n.example/x?macaroon=${macaroon}`, /^expected lndconnect:/],
    [`lndconnect://n.example?macaroon=${macaroon}&tls=off`, /\?tls: is not known here/],
  ] as const) {
    test(`not ${text.slice(0, 50)}`, () => expect(problemOf(text)).toMatch(problem))
  }
})

describe('R-WAL-8 secrets', () => {
  const at = (macaroon: string): string => `lnd://n.example?macaroon=${macaroon}`
  for (const [given, place] of [
    ['file:/run/a.macaroon', file('/run/a.macaroon')],
    ['file:///run/a.macaroon', file('/run/a.macaroon')],
    ['FILE:/run/a.macaroon', file('/run/a.macaroon')],
    ['file:~/a.macaroon', file('~/a.macaroon')],
    ['env:LND_MACAROON', { from: 'env', name: 'LND_MACAROON' }],
  ] as const) {
    test(`${given} is a place`, () => expect(parsed(at(given)).secret).toEqual(place))
  }
  for (const given of [
    'file:hunter2',
    'file:',
    'file:/',
    'file://host/hunter2',
    'env:',
    'env:1hunter2',
    'env:hunter2-x',
    '/home/hunter2',
    '~/hunter2',
    './hunter2',
    'C:\\hunter2',
    'hunter2 x',
    'hunter2é',
  ]) {
    test(`${given} means a place and names none`, () => {
      expect(problemOf(at(given))).toBe('?macaroon: expected file:/path or env:NAME')
    })
  }

  test('in the URI itself is shown by no inspection and no serialization', () => {
    for (const text of [
      at('hunter2'),
      'phoenixd://127.0.0.1?password=hunter2',
      'https://w.example/p?token=hunter2',
    ]) {
      const uri = parsed(text)
      expect(uri.secret).toMatchObject({ from: 'uri', text: 'hunter2' })
      const shown = [
        inspect(uri, { depth: 9, showHidden: true }),
        JSON.stringify(uri),
        inspect({ ...uri.secret }),
        String(uri.secret),
      ]
      expect(shown.join('\n')).not.toContain('hunter2')
      expect(inlineSecretProblem(uri)).toMatch(/\?\w+: expected file:\/path or env:NAME, so that/)
      expect(inlineSecretProblem(uri)).not.toContain('hunter2')
    }
    expect(inlineSecretProblem(parsed(at('file:/s')))).toBeUndefined()
    expect(inlineSecretProblem(parsed('devnet:/w.json'))).toBeUndefined()
  })
})

describe('R-WAL-9 the whole URI stands elsewhere', () => {
  for (const [text, place] of [
    ['file:/run/wallet', file('/run/wallet')],
    ['file:~/wallet', file('~/wallet')],
    ['env:WALLET', { from: 'env', name: 'WALLET' }],
  ] as const) {
    test(text, () => expect(parseWalletUri(text)).toEqual({ kind: 'reference', place }))
  }
  for (const text of ['file:wallet', 'file:', 'env:a-b', 'env:']) {
    test(`not ${text}`, () => expect(problemOf(text)).toMatch(/^expected file:\/path or env:NAME/))
  }
})

describe('R-WAL-12 least privilege', () => {
  const kinds = Object.keys({
    lnd: 0,
    cln: 0,
    phoenixd: 0,
    nwc: 0,
    lnbits: 0,
    btcpay: 0,
    charge: 0,
    lnurl: 0,
    http: 0,
    devnet: 0,
  } satisfies Record<WalletKind, 0>) as WalletKind[]
  test('each kind has one sentence for each role, which says what to do', () => {
    for (const kind of kinds) {
      for (const role of ['pay', 'receive'] as const) {
        const text = leastPrivilege(kind, role)
        expect(text).toMatch(/^[A-Zp]/)
        expect(text).not.toContain('\n')
      }
    }
  })
  test('no permission of lnd that pays is among those that are paid, nor the other way round', () => {
    const permissions = (role: 'pay' | 'receive'): string[] =>
      leastPrivilege('lnd', role).match(/uri:\S+/g) ?? []
    expect(permissions('receive')).toEqual([
      'uri:/lnrpc.Lightning/AddInvoice',
      'uri:/lnrpc.Lightning/LookupInvoice',
      'uri:/lnrpc.Lightning/SubscribeInvoices',
      'uri:/lnrpc.Lightning/GetInfo',
    ])
    expect(permissions('pay')).toContain('uri:/routerrpc.Router/SendPaymentV2')
    expect(permissions('pay').filter((one) => permissions('receive').includes(one))).toEqual([
      'uri:/lnrpc.Lightning/GetInfo',
    ])
  })
})
