import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { isPrivateAddress } from '../../library/src/client/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { alphabet, encodeBech32 } from '../../library/src/invoice/bech32.ts'
import { decodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import {
  isPublicAddress,
  lookUpPublic,
} from '../../library/src/lightning/adapter/public-address.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee, Settlement } from '../../library/src/lightning/index.ts'
import { readAddress } from '../../library/src/lightning/lnurl/address.ts'
import { decodeLnurlText } from '../../library/src/lightning/lnurl/bech32-text.ts'
import type { LnurlOptions } from '../../library/src/lightning/lnurl/index.ts'
import { createLnurl } from '../../library/src/lightning/lnurl/index.ts'
import { isAtService, templateOf } from '../../library/src/lightning/lnurl/verify-urls.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import { invoiceFaultCases, payeeConformance, testClock } from '../../library/src/testing/index.ts'
import { serveLookAlike } from '../../library/src/testing/look-alike/index.ts'
import type { LnurlLookAlikeOptions } from '../../library/src/testing/look-alike/lnurl.ts'
import {
  invoiceOfHash,
  lnurlMetadata,
  recordPreimages,
  serveLnurl,
} from '../../library/src/testing/look-alike/lnurl.ts'

const limits = { maxFeeMsat: msat(100_000n) } as const
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type WorldOptions = Partial<LnurlLookAlikeOptions> & {
  readonly wallet?: Partial<LnurlOptions>
}

async function createWorld({ wallet: changes, ...options }: WorldOptions = {}) {
  const clock = testClock()
  const { random, preimageOf } = recordPreimages()
  const devnet = createDevnet({ now: clock.now, random })
  const payer = devnet.addNode('payer', { balanceMsat: msat(1_000_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const lookAlike = await serveLnurl(payee, { preimageOf, ...options })
  closers.push(lookAlike.close)
  const connect = (more: Partial<LnurlOptions> = {}) => {
    const wallet = createLnurl({
      address: lookAlike.address,
      network: 'regtest',
      timeoutMs: 300,
      pollMs: 50,
      now: clock.now,
      ...changes,
      ...more,
    })
    closers.push(wallet.close)
    return wallet
  }
  const wallet = connect()
  const close = async (): Promise<void> => {
    wallet.close()
    await lookAlike.close()
  }
  return { clock, payer, node: payee, lookAlike, wallet, connect, close }
}

async function makeInvoice(payee: Payee, amountMsat: Msat = msat(21_000n)) {
  const request = { amountMsat, description: 'tea', expirySeconds: 600 }
  return decodeInvoice((await payee.createInvoice(request)).invoice)
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.catch((caught: unknown) => caught)
  if (!isL402Error(error, 'NODE_UNAVAILABLE'))
    throw new Error(`expected NODE_UNAVAILABLE: ${error}`)
  return error.details['reason']
}

describe('R-LNU-1 a Lightning Address conforms as a payee', () => {
  const decidesItself = new Set(['description', 'expiry'] as const)
  for (const verify of ['hash', 'id'] as const) {
    const createRig = async (): Promise<ConformanceRig> => {
      const { clock, payer, lookAlike, wallet, close } = await createWorld({
        verify,
        minSendable: 1,
        maxSendable: 200_000_000,
      })
      const controls = { advance: clock.advance, setReachable: lookAlike.setReachable }
      return { payer, payee: wallet.payee, controls, close }
    }
    // Without the hash in its URLs nobody can ask about what another process made, or nobody.
    const differs: Readonly<Record<string, string>> =
      verify === 'hash'
        ? {}
        : { 'R-LN-4 a hash never issued is not found': 'carry no payment hash' }
    for (const { name, run } of payeeConformance(createRig, { decidesItself })) {
      test(`${name}, with ${verify} in the verify URL`, async () => {
        const differently = differs[name]
        if (differently === undefined) expect(await run()).toBeUndefined()
        else await expect(run()).rejects.toThrow(differently)
      })
    }
  }

  for (const { name, run } of invoiceFaultCases(async () => {
    const { wallet, lookAlike, close } = await createWorld()
    return { payee: wallet.payee, lookAlike, close }
  })) {
    test(name, run)
  }

  test('and pays nothing', async () => {
    expect((await createWorld()).wallet.payer).toBeUndefined()
  })
})

/** Eight bits each to five. */
function toWords(text: string): Uint8Array {
  const bits = [...Buffer.from(text, 'utf8')].map((byte) => byte.toString(2).padStart(8, '0'))
  const fives = bits.join('').match(/.{1,5}/g) ?? []
  return Uint8Array.from(fives, (five) => Number.parseInt(five.padEnd(5, '0'), 2))
}

/** Of LUD-01. */
const example =
  'LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS'
const exampleUrl =
  'https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df'

describe('R-LNU-2 an address', () => {
  for (const [text, url] of [
    ['alice@example.com', 'https://example.com/.well-known/lnurlp/alice'],
    [' Alice+tea@Example.COM ', 'https://example.com/.well-known/lnurlp/alice+tea'],
    ['lightning:a.b-c_d@example.com:8443', 'https://example.com:8443/.well-known/lnurlp/a.b-c_d'],
    ['alice@localhost:3000', 'http://localhost:3000/.well-known/lnurlp/alice'],
    ['alice@[::1]:3000', 'http://[::1]:3000/.well-known/lnurlp/alice'],
    [example, exampleUrl],
    [example.toLowerCase(), exampleUrl],
    [`LIGHTNING:${example}`, exampleUrl],
    ['lnurlp://example.com/x?y=1', 'https://example.com/x?y=1'],
    ['lnurlp:example.com/x', 'https://example.com/x'],
    ['lnurlp://127.0.0.1:3000/x', 'http://127.0.0.1:3000/x'],
    ['https://example.com/x?tag=payRequest#f', 'https://example.com/x?tag=payRequest'],
    ['http://127.0.0.1:3000/x', 'http://127.0.0.1:3000/x'],
  ] as const) {
    test(`${text.slice(0, 50)} is asked at ${url}`, () => {
      expect(readAddress(text).href).toBe(url)
    })
  }

  for (const [text, reason] of [
    ['', 'expected a Lightning Address, an lnurl1…, or an https URL'],
    ['alice', 'expected a Lightning Address, an lnurl1…, or an https URL'],
    ['@example.com', 'expected a Lightning Address, such as alice@example.com'],
    ['a lice@example.com', 'expected a Lightning Address, such as alice@example.com'],
    ['alice@exa mple.com', 'expected a Lightning Address, such as alice@example.com'],
    ['alice@example.com?x=1', 'expected a Lightning Address, such as alice@example.com'],
    ['alice@bob@example.com', 'expected a Lightning Address, such as alice@example.com'],
    ['alice@hidden.onion', 'onion services are not reached from here'],
    ['http://example.com/x', 'expected https'],
    ['ftp://example.com/x', 'expected https'],
    ['https://u:p@example.com/x', 'expected no user name and no password'],
    [exampleUrl.replace('?q', '?tag=login&q'), 'it is for something else than being paid'],
    [`${example.slice(0, -1)}Q`, 'the checksum of the lnurl1… is wrong: it was mistyped or cut'],
    [`l${example.slice(1)}`, 'the checksum of the lnurl1… is wrong: it was mistyped or cut'],
    [`https://example.com/${'x'.repeat(2048)}`, 'expected at most 2048 characters'],
  ] as const) {
    test(`${text.slice(0, 50)} is none: ${reason}`, () => {
      expect(() => createLnurl({ address: text })).toThrow(new RangeError(`address: ${reason}`))
    })
  }

  for (const [what, changes, option] of [
    ['no network', { network: 'main' as never }, 'network'],
    ['a time that is none', { timeoutMs: 0 }, 'timeoutMs'],
    ['a pace that is none', { pollMs: Number.NaN }, 'pollMs'],
  ] as const) {
    test(`${what} is a RangeError that names the option`, () => {
      expect(() => createLnurl({ address: 'alice@example.com', ...changes })).toThrow(`${option}: `)
    })
  }

  test('bech32 of any URL is read, in both cases, and none with one letter changed', () => {
    fc.assert(
      fc.property(fc.webUrl(), fc.nat(), fc.nat(30), (url, at, by) => {
        const text = encodeBech32({ prefix: 'lnurl', words: toWords(url) })
        expect(decodeLnurlText(text)).toBe(url)
        expect(decodeLnurlText(text.toUpperCase())).toBe(url)
        const place = 6 + (at % (text.length - 6))
        const letter = alphabet[(alphabet.indexOf(text[place]!) + 1 + by) % 32]!
        const changed = text.slice(0, place) + letter + text.slice(place + 1)
        expect(decodeLnurlText(changed)).toBeUndefined()
      }),
    )
  })

  test('bech32 is read as BIP 173 has it', () => {
    expect(decodeLnurlText(example)).toBe(exampleUrl)
    for (const text of ['lnurl1', 'lnurl1qqqqqq', 'lnbc1xxx', example.replace('Q', 'b'), '']) {
      expect(decodeLnurlText(text)).toBeUndefined()
    }
  })
})

describe('R-LNU-3 R-ADP-27 only public hosts are asked', () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
    '2001:0:a00:1::1',
    '2001:db8::1',
    'localhost',
    '',
  ]) {
    test(`${address || 'nothing'} is not public`, () =>
      expect(isPublicAddress(address)).toBe(false))
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00::1']) {
    test(`${address} is public`, () => expect(isPublicAddress(address)).toBe(true))
  }

  test('the list is the one of the client', () => {
    const ipv6 = fc
      .tuple(fc.constantFrom(0x2001, 0x2002, 0x2a00, 0x3fff, 0, 0x64, 0xfe80), fc.ipV6())
      .map(([first, text]) =>
        text.includes('.') ? text : text.replace(/^[0-9a-f]*/i, first.toString(16)),
      )
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), ipv6), (address) => {
        // It looks into addresses that carry others, none of which anybody announces.
        if (/^(::|0|64|2001:0?:|2001:0:|2002)/i.test(address)) return
        expect(isPublicAddress(address)).toBe(!isPrivateAddress(address))
      }),
      { numRuns: 5000 },
    )
  })

  test('a name that leads to this machine is not connected to', async () => {
    const answer = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      lookUpPublic('localhost', { all: true }, (error) => resolve(error))
    })
    expect(answer?.code).toBe('EPRIVATE')
    const wallet = createLnurl({ address: 'https://10.0.0.1/x', timeoutMs: 300 })
    expect(await reasonOf(wallet.examine())).toBe(
      'lnurl: it is on this machine or in a private network, and not asked',
    )
  })

  for (const [what, callback, reason] of [
    ['of another scheme', 'ftp://example.com/', 'its callback is refused: expected https'],
    ['in the clear', 'http://example.com/', 'its callback is refused: expected https'],
    [
      'with a password',
      'https://a:b@example.com/',
      'its callback is refused: expected no user name and no password',
    ],
    [
      'at an onion service',
      'https://hidden.onion/',
      'its callback is refused: onion services are not reached from here',
    ],
  ] as const) {
    test(`a callback ${what} is refused`, async () => {
      const { wallet } = await createWorld({
        change: (answer, to) => (to === 'offer' ? { ...answer, callback } : answer),
      })
      expect(await reasonOf(makeInvoice(wallet.payee))).toBe(`lnurl: ${reason}`)
    })
  }

  test('a callback in a private network is not asked, whoever names it', async () => {
    const { wallet } = await createWorld({
      change: (answer, to) =>
        to === 'offer' ? { ...answer, callback: 'https://192.168.1.1/' } : answer,
    })
    expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
      'lnurl: it is on this machine or in a private network, and not asked',
    )
  })

  test('a redirect is not followed', async () => {
    const { wallet, lookAlike } = await createWorld()
    const how = { kind: 'redirect', location: `${lookAlike.url}/.well-known/lnurlp/alice` } as const
    lookAlike.inject('other', { executed: false, how })
    expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
      'lnurl: it sends elsewhere (307): name the address that it sends to',
    )
  })
})

describe('R-LNU-4 an order', () => {
  test('keeps the query of the callback, and adds the amount in msat', async () => {
    const { wallet, lookAlike } = await createWorld()
    await makeInvoice(wallet.payee, msat(21_001n))
    expect(lookAlike.orders).toEqual(['of=alice&amount=21001'])
  })

  test('outside what the service takes is a RangeError that says what it takes', async () => {
    const { wallet, lookAlike } = await createWorld({ minSendable: 2000, maxSendable: 5000 })
    for (const amount of [1999n, 5001n]) {
      await expect(makeInvoice(wallet.payee, msat(amount))).rejects.toThrow(
        new RangeError('amountMsat: the service takes 2000 to 5000 msat'),
      )
    }
    expect(lookAlike.orders).toEqual([])
    for (const amount of [2000n, 5000n]) await makeInvoice(wallet.payee, msat(amount))
  })

  test('asks what is offered once a minute, not for each invoice', async () => {
    const { wallet, lookAlike } = await createWorld()
    for (let i = 0; i < 3; i++) await makeInvoice(wallet.payee)
    expect(lookAlike.seen.filter(({ role }) => role === 'other').length).toBe(1)
  })

  test('of another amount than was asked for is not sold', async () => {
    const { wallet, node } = await createWorld({
      change: (answer, to) => (to === 'order' ? { ...answer, pr: other } : answer),
    })
    const request = { amountMsat: msat(20_000n), description: '', expirySeconds: 600 }
    const other = (await node.createInvoice(request)).invoice
    expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
      'lnurl: it made an invoice of another amount than was asked for',
    )
  })
})

/** What a service offers, and what is wrong with it. */
const offers: readonly (readonly [what: string, changes: Readonly<Record<string, unknown>>])[] = [
  ['another tag', { tag: 'withdrawRequest' }],
  ['no tag', { tag: undefined }],
  ['no callback', { callback: undefined }],
  ['a callback that is no URL', { callback: '/callback' }],
  ['a callback that is too long', { callback: `https://example.com/${'x'.repeat(2048)}` }],
  ['metadata that are no text', { metadata: [['text/plain', 'x']] }],
  ['a minimum above the maximum', { minSendable: 2, maxSendable: 1 }],
  ['half an msat', { minSendable: 1.5 }],
  ['less than nothing', { minSendable: -1 }],
  ['more than a number can hold', { maxSendable: 2 ** 60 }],
]

describe('R-LNU-5 an offer that is not as LUD-06 has it', () => {
  for (const [what, changes] of offers) {
    test(what, async () => {
      const { wallet } = await createWorld({
        change: (answer, to) => (to === 'offer' ? { ...answer, ...changes } : answer),
      })
      expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
        'lnurl: there is nobody to be paid there: it did not answer as LUD-06 says',
      )
    })
  }

  test('an address that the service does not have', async () => {
    const { connect, lookAlike } = await createWorld()
    const wallet = connect({ address: lookAlike.address.replace('alice', 'bob') })
    expect(await reasonOf(wallet.examine())).toBe('lnurl: it refused')
  })
})

describe('R-LNU-6 the description', () => {
  const described = async (texts: readonly string[]) => {
    let at = 0
    const world = await createWorld({
      change: (answer, to) => {
        if (to !== 'order') return answer
        const pr = invoiceOfHash(texts[Math.min(at++, texts.length - 1)] ?? '', 21_000n)
        const hash = encodeHex(decodeInvoice(pr).paymentHash)
        return { ...answer, pr, verify: `${world.lookAlike.url}/lnurlp/verify/${hash}` }
      },
    })
    return world
  }

  test('is the hash of the metadata', async () => {
    const { wallet } = await described([lnurlMetadata])
    expect((await makeInvoice(wallet.payee)).amountMsat).toBe(21_000n)
  })

  test('of something else is not sold', async () => {
    const { wallet } = await described(['something else'])
    expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
      'lnurl: its invoice has the description hash of something else',
    )
  })

  test('may have changed since the service was asked: it is asked anew', async () => {
    const { wallet, lookAlike } = await described([lnurlMetadata, 'something else', lnurlMetadata])
    await makeInvoice(wallet.payee)
    await makeInvoice(wallet.payee)
    expect(lookAlike.seen.filter(({ role }) => role === 'other').length).toBe(2)
    expect(lookAlike.orders.length).toBe(3)
  })
})

describe('R-LNU-7 a verify URL', () => {
  const withVerify = (verify: unknown) =>
    createWorld({ change: (answer, to) => (to === 'order' ? { ...answer, verify } : answer) })

  for (const verify of ['none', 'null'] as const) {
    test(`that is not there (${verify}): no invoice is sold, and the reason is told`, async () => {
      const { wallet } = await createWorld({ verify })
      const error = await makeInvoice(wallet.payee).catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        details: {
          refused: true,
          reason:
            'lnurl: it gives no verify URL (LUD-21), so nobody could tell that it was paid: use an address of a service that does',
        },
      })
    })
  }

  for (const verify of [
    'https://elsewhere.example/verify/1',
    'http://127.0.0.1:1/verify/1',
    'https://127.0.0.1/verify/1',
    'file:///etc/passwd',
  ]) {
    test(`at ${verify} is not asked`, async () => {
      const { wallet } = await withVerify(verify)
      expect(await reasonOf(makeInvoice(wallet.payee))).toBe(
        'lnurl: its verify URL is not at its own host: it is not asked',
      )
    })
  }

  for (const [verify, service, isAt] of [
    ['https://a.example/v', 'https://a.example/x', true],
    ['https://ln.a.example/v', 'https://a.example/x', true],
    ['https://a.example/v', 'https://ln.a.example/x', false],
    ['https://ba.example/v', 'https://a.example/x', false],
    ['https://a.example:444/v', 'https://a.example/x', false],
    ['http://a.example/v', 'https://a.example/x', false],
    ['https://x.example/v', 'https://example/x', false],
    ['https://1.10.0.0.1/v', 'https://10.0.0.1/x', false],
  ] as const) {
    test(`${verify} is ${isAt ? '' : 'not '}at ${service}`, () => {
      const url = URL.parse(verify)
      expect(url !== null && isAtService(url, [new URL(service)])).toBe(isAt)
    })
  }

  test('is a template where the hash stands in it once, below the host', () => {
    const hash = paymentHash(new Uint8Array(32).fill(0xab))
    const hex = 'ab'.repeat(32)
    const template = (url: string) => templateOf(new URL(url), hash)
    expect(template(`https://a.example/v/${hex}?x=1`)).toBe('https://a.example/v/{hash}?x=1')
    expect(template(`https://a.example/v?h=${hex.toUpperCase()}`)).toBe(
      'https://a.example/v?h={hash}',
    )
    expect(template('https://a.example/v/1')).toBeUndefined()
    expect(template(`https://a.example/${hex}/${hex}`)).toBeUndefined()
    expect(template(`https://${hex.slice(0, 60)}.example/v`)).toBeUndefined()
  })
})

describe('R-LNU-8 an invoice is settled', () => {
  test('with a preimage that hashes to its hash', async () => {
    const { wallet, payer, clock } = await createWorld()
    const { paymentHash: hash, text } = await makeInvoice(wallet.payee)
    expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'open' })
    await payer.pay(decodeInvoice(text), limits)
    clock.advance(5)
    const settled = { status: 'settled', amountMsat: 21_000n, settledAtSeconds: clock.now() }
    expect(await wallet.payee.lookupInvoice(hash)).toEqual(settled)
    clock.advance(5)
    expect(await wallet.payee.lookupInvoice(hash)).toEqual(settled)
  })

  test('and not without one: the money may be held, and go back', async () => {
    const { wallet, payer } = await createWorld({ tellsPreimage: false })
    const invoice = await makeInvoice(wallet.payee)
    await payer.pay(invoice, limits)
    expect(await wallet.payee.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
  })

  const told: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    [
      'the preimage of another',
      { settled: true, preimage: '11'.repeat(32) },
      'its verify URL told of another invoice',
    ],
    [
      'another invoice',
      { settled: true, pr: invoiceOfHash('x', 1n) },
      'its verify URL told of another invoice',
    ],
    [
      'another invoice that is not paid',
      { settled: false, pr: invoiceOfHash('x', 1n) },
      'its verify URL told of another invoice',
    ],
    ['a word for it', { settled: 'true' }, 'its verify URL did not tell about the invoice'],
    ['nothing', { settled: undefined }, 'its verify URL did not tell about the invoice'],
    [
      'an error',
      { status: 'ERROR', reason: 'database is locked' },
      'its verify URL did not tell about the invoice',
    ],
    [
      'an error without a reason',
      { status: 'error' },
      'its verify URL did not tell about the invoice',
    ],
  ]
  for (const [what, changes, reason] of told) {
    test(`not by ${what}`, async () => {
      const { wallet, payer } = await createWorld({
        change: (answer, to) => (to === 'verify' ? { ...answer, ...changes } : answer),
      })
      const invoice = await makeInvoice(wallet.payee)
      await payer.pay(invoice, limits)
      expect(await reasonOf(wallet.payee.lookupInvoice(invoice.paymentHash))).toBe(
        `lnurl: ${reason}`,
      )
    })
  }

  test('not by an answer that is no success', async () => {
    const { wallet, lookAlike } = await createWorld()
    const { paymentHash: hash } = await makeInvoice(wallet.payee)
    const body = JSON.stringify({ status: 'OK', settled: true, preimage: '11'.repeat(32) })
    const how = { kind: 'answer', status: 502, body } as const
    lookAlike.inject('invoice-look-up', { executed: false, how })
    expect(await reasonOf(wallet.payee.lookupInvoice(hash))).toBe(
      'lnurl: its verify URL did not tell about the invoice',
    )
  })

  test('what the service does not know (yet) is open until it expires', async () => {
    const { wallet, lookAlike, clock } = await createWorld()
    const { paymentHash: hash } = await makeInvoice(wallet.payee)
    const body = JSON.stringify({ status: 'ERROR', reason: 'Not found' })
    const how = { kind: 'answer', status: 404, body } as const
    for (const status of ['open', 'closed']) {
      lookAlike.inject('invoice-look-up', { executed: false, how })
      expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status })
      clock.advance(600)
    }
  })
})

test('R-LNU-8 an invoice lives as long as it says, also where the clock of the service is behind', async () => {
  const { connect, clock, payer } = await createWorld()
  const { payee } = connect({ now: () => clock.now() + 7200 })
  const [one, other] = [await makeInvoice(payee), await makeInvoice(payee)]
  expect(await payee.lookupInvoice(one.paymentHash)).toEqual({ status: 'open' })
  await payer.pay(one, limits)
  expect(await payee.lookupInvoice(one.paymentHash)).toMatchObject({ status: 'settled' })
  clock.advance(600)
  expect(await payee.lookupInvoice(other.paymentHash)).toEqual({ status: 'closed' })
})

describe('R-LNU-9 after a restart', () => {
  test('an invoice is asked about where the verify URL carries its hash', async () => {
    const { wallet, connect, payer, lookAlike, clock } = await createWorld()
    const invoices = [await makeInvoice(wallet.payee), await makeInvoice(wallet.payee)]
    await payer.pay(invoices[0]!, limits)
    const other = connect()
    const found = await Promise.all(
      [...invoices, { paymentHash: paymentHash(new Uint8Array(32).fill(3)) }].map(
        ({ paymentHash: hash }) => other.payee.lookupInvoice(hash),
      ),
    )
    expect(found).toEqual([
      { status: 'settled', amountMsat: 21_000n, settledAtSeconds: clock.now() },
      { status: 'open' },
      { status: 'not-found' },
    ])
    // What the URLs are like was learned from one invoice, of the least amount, for all.
    expect(lookAlike.orders.slice(2)).toEqual(['of=alice&amount=1000'])
    clock.advance(600)
    expect(await other.payee.lookupInvoice(invoices[1]!.paymentHash)).toEqual({ status: 'closed' })
  })

  test('and nobody can tell where it does not', async () => {
    const { wallet, connect } = await createWorld({ verify: 'id' })
    const { paymentHash: hash } = await makeInvoice(wallet.payee)
    expect(await reasonOf(connect().payee.lookupInvoice(hash))).toBe(
      'lnurl: its verify URLs carry no payment hash: only the process that had an invoice made can ask about it',
    )
  })

  test('nor how much it was where the service does not say which invoice', async () => {
    const { wallet, connect, payer } = await createWorld({ tellsInvoice: false })
    const invoice = await makeInvoice(wallet.payee)
    await payer.pay(invoice, limits)
    const { paymentHash: hash } = invoice
    expect(await wallet.payee.lookupInvoice(hash)).toMatchObject({ status: 'settled' })
    expect(await reasonOf(connect().payee.lookupInvoice(hash))).toBe(
      'lnurl: its verify URL tells no amount',
    )
  })
})

describe('R-LNU-10 settlements', () => {
  const open = (payee: Payee) => {
    const stop = new AbortController()
    closers.push(() => stop.abort())
    return payee.settlements(stop.signal)[Symbol.asyncIterator]()
  }
  const hashOf = ({ paymentHash: hash }: Settlement): string => encodeHex(hash)

  test('of before the stream are not told, those of after it are, whatever the clock says', async () => {
    const { wallet, payer, clock, lookAlike } = await createWorld()
    const before = await makeInvoice(wallet.payee)
    const after = await makeInvoice(wallet.payee)
    await payer.pay(before, limits)
    const stream = open(wallet.payee)
    const waiting = stream.next()
    const asked = () => lookAlike.seen.filter(({ role }) => role === 'invoice-look-up').length
    const end = performance.now() + 5000
    while (asked() < 2 && performance.now() < end) await new Promise((go) => setTimeout(go, 5))
    clock.advance(60)
    await payer.pay(after, limits)
    expect(hashOf((await waiting).value)).toBe(encodeHex(after.paymentHash))
  })

  test('go on after the service was away', async () => {
    const { wallet, payer, lookAlike } = await createWorld()
    const invoice = await makeInvoice(wallet.payee)
    const broken = open(wallet.payee).next()
    await lookAlike.setReachable(false)
    await expect(broken).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await payer.pay(invoice, limits)
    const started = performance.now()
    await lookAlike.setReachable(true)
    expect(hashOf((await open(wallet.payee).next()).value)).toBe(encodeHex(invoice.paymentHash))
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('R-LNU-11 whoever sets it up is told', () => {
  test('that it is paid and cannot spend', async () => {
    const { wallet, lookAlike } = await createWorld()
    const { nowSeconds, ...facts } = await wallet.examine()
    expect(facts).toEqual({
      network: undefined,
      notReady: undefined,
      powers: { receive: true, spend: false, beyond: [] },
    })
    expect(Math.abs((nowSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(60)
    expect(lookAlike.orders).toEqual([])
  })

  test('and nothing of what a stranger says stands in an error', async () => {
    const marked = 'MARKEDwordsMARKED'
    const texts: string[] = []
    const keep = (error: unknown): void => {
      texts.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error))
    }
    for (const body of [
      JSON.stringify({ status: 'ERROR', reason: marked }),
      JSON.stringify({ tag: marked }),
      marked,
    ]) {
      const server = await serveLookAlike(() => ({
        role: 'other',
        carryOut: async () => ({ status: 200, body }),
      }))
      const wallet = createLnurl({ address: `${server.url}/x`, network: 'regtest', timeoutMs: 300 })
      closers.push(server.close, wallet.close)
      await wallet.examine().catch(keep)
      await makeInvoice(wallet.payee).catch(keep)
      await wallet.payee.lookupInvoice(paymentHash(new Uint8Array(32))).catch(keep)
    }
    expect(texts.length).toBe(18)
    for (const text of texts) expect(text).not.toContain(marked)
  })
})
