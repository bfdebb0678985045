import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, test } from 'vitest'
import { decodeHex, encodeUtf8 } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import { decodeBech32, encodeBech32 } from './bech32.ts'
import {
  decodeInvoice,
  decodeInvoiceUnverified,
  expiresAtSeconds,
  maxInvoiceLength,
  verifyInvoice,
} from './decode.ts'
import { tags } from './fields.ts'
import type { Invoice, UnverifiedInvoice } from './invoice.ts'
import { sign, signingHash } from './signature.ts'
import { wordsOfBytes, wordsOfFixedNumber } from './words.ts'

const privateKey = decodeHex('e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734')
const payee = secp256k1.getPublicKey(privateKey)
const otherPayee = secp256k1.getPublicKey(new Uint8Array(32).fill(5))
const order = secp256k1.Point.Fn.ORDER

type Words = readonly number[]

function field(tag: number, data: Words): Words {
  return [tag, ...wordsOfFixedNumber(data.length, 2), ...data]
}

function bytesField(tag: number, bytes: Uint8Array): Words {
  return field(tag, wordsOfBytes(bytes))
}

/** An invoice that our encoder would never write, with a checksum and a signature that are right. */
function craft(
  prefix: string,
  fields: readonly Words[],
  alter: (signature: Uint8Array) => void = () => {},
): string {
  const words = Uint8Array.from([...wordsOfFixedNumber(1_700_000_000, 7), ...fields.flat()])
  const hash = signingHash(prefix, words, words.length)
  const recoverable = secp256k1.sign(hash, privateKey, { prehash: false, format: 'recovered' })
  const signature = Uint8Array.of(...recoverable.subarray(1), recoverable[0]!)
  alter(signature)
  return encodeBech32({ prefix, words: Uint8Array.from([...words, ...wordsOfBytes(signature)]) })
}

/** The same invoice under another human-readable part, with a new checksum and the old signature. */
function withPrefix(text: string, prefix: string): string {
  return encodeBech32({ prefix, words: decodeBech32(text).words })
}

/** Replaces s by its negative: valid under ECDSA, but not the low one of the two. */
function makeHighS(signature: Uint8Array): void {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32, 64)).toString('hex')}`)
  signature.set(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'), 32)
  signature[64]! ^= 1
}

const hash = new Uint8Array(32).fill(1)
const p = bytesField(tags.p, hash)
const s = bytesField(tags.s, new Uint8Array(32).fill(2))
const d = bytesField(tags.d, encodeUtf8('hi'))
const h = bytesField(tags.h, new Uint8Array(32).fill(3))
const n = bytesField(tags.n, payee)
const features = field(tags[9], [16, 8, 0])
const plain = [p, s, d, features]
const hop = new Uint8Array(51).fill(7)

/** The same field with its last padding bit set. */
function withPaddingBit(words: Words): Words {
  return [...words.slice(0, -1), words.at(-1)! | 1]
}

type Change = Partial<Omit<UnverifiedInvoice, 'paymentHash'>>

/**
 * The robustness table. A comment says who else reads what follows, up to the next comment, as it
 * was run: B is bolt11 1.4.1, L light-bolt11-decoder 3.2.0, A @getalby/lightning-tools 9.0.1 (which
 * is L, with `null` for its errors) and K lightningdevkit 0.1.0. L and A never look at the signature.
 */
const refusals: readonly (readonly [
  rule: string,
  input: string,
  code: Code,
  text: () => string,
])[] = [
  // Read by nobody else.
  ['R-INV-2', 'white space before it', 'INVOICE_MALFORMED', () => ` ${craft('lnbc1u', plain)}`],
  ['R-INV-2', 'white space after it', 'INVOICE_MALFORMED', () => `${craft('lnbc1u', plain)}\n`],
  ['R-INV-2', 'lightning://', 'INVOICE_MALFORMED', () => `lightning://${craft('lnbc1u', plain)}`],
  [
    'R-INV-2',
    'lightning: twice',
    'INVOICE_MALFORMED',
    () => `lightning:lightning:${craft('lnbc1u', plain)}`,
  ],
  [
    'R-INV-2',
    'a bitcoin: URI',
    'INVOICE_MALFORMED',
    () => `bitcoin:?lightning=${craft('lnbc1u', plain)}`,
  ],
  ['R-INV-2', 'nothing', 'INVOICE_MALFORMED', () => ''],
  // Read by B, L, A.
  [
    'R-INV-3',
    'a Kelvin sign for a K',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', plain).toUpperCase().replace('K', '\u212a'),
  ],
  // Read by nobody else.
  [
    'R-INV-4',
    'an invoice that was cut',
    'INVOICE_CHECKSUM',
    () => craft('lnbc1u', plain).slice(0, -1),
  ],
  [
    'R-INV-4',
    'another amount, without a new checksum',
    'INVOICE_CHECKSUM',
    () => craft('lnbc1u', plain).replace('lnbc1u', 'lnbc9u'),
  ],
  ['R-INV-5', 'an unknown network', 'INVOICE_NETWORK', () => craft('lnxx1u', plain)],
  ['R-INV-5', 'a multiplier without a number', 'INVOICE_NETWORK', () => craft('lnbcm', plain)],
  ['R-INV-5', 'an unknown multiplier', 'INVOICE_MALFORMED', () => craft('lnbc1k', plain)],
  ['R-INV-7', 'a fraction of a msat (15p)', 'INVOICE_AMOUNT', () => craft('lnbc15p', plain)],
  // Read by B, L, A, K. B and A read 1000 sat.
  ['R-INV-7', 'a leading zero (010u)', 'INVOICE_AMOUNT', () => craft('lnbc010u', plain)],
  // Read by B, L, A, K. B and A read an amount of 0.
  ['R-INV-7', 'zero (0u)', 'INVOICE_AMOUNT', () => craft('lnbc0u', plain)],
  // Read by B, L, A, K.
  ['R-INV-7', 'zero (0)', 'INVOICE_AMOUNT', () => craft('lnbc0', plain)],
  // Read by K.
  ['R-INV-7', 'more than 21 million BTC', 'INVOICE_AMOUNT', () => craft('lnbc21000001', plain)],
  ['R-INV-7', '10^18 BTC', 'INVOICE_AMOUNT', () => craft('lnbc1000000000000000000', plain)],
  // Read by L.
  [
    'R-INV-8',
    'too few words for a signature',
    'INVOICE_MALFORMED',
    () => encodeBech32({ prefix: 'lnbc1u', words: new Uint8Array(103) }),
  ],
  [
    'R-INV-8',
    'too few words for a timestamp',
    'INVOICE_MALFORMED',
    () => encodeBech32({ prefix: 'lnbc1u', words: new Uint8Array(110) }),
  ],
  // Read by B, L.
  ['R-INV-8', 'no fields at all', 'INVOICE_MALFORMED', () => craft('lnbc1u', [])],
  // Read by B, L, A.
  [
    'R-INV-9',
    'a field longer than the invoice',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, [tags.d, 31, 31, 1]]),
  ],
  [
    'R-INV-9',
    'a field that reaches into the signature',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, features, [tags.d, 0, 5, 1, 1, 1, 1]]),
  ],
  [
    'R-INV-9',
    'an unknown field longer than the invoice',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, [2, 0, 2, 1]]),
  ],
  [
    'R-INV-9',
    'a field cut after its tag',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, [tags.m]]),
  ],
  [
    'R-INV-9',
    'a field cut in its length',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, [tags.m, 0]]),
  ],
  // Read by B, K.
  [
    'R-INV-10',
    'padding that is not zero in p',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [withPaddingBit(p), s, d, features]),
  ],
  // Read by B, L, A, K.
  [
    'R-INV-10',
    'padding that is not zero in d',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, withPaddingBit(d), features]),
  ],
  [
    'R-INV-10',
    'padding that is not zero in f',
    'INVOICE_MALFORMED',
    () =>
      craft('lnbc1u', [
        ...plain,
        withPaddingBit(field(tags.f, [0, ...wordsOfBytes(new Uint8Array(32))])),
      ]),
  ],
  [
    'R-INV-10',
    'a word too many in d',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, field(tags.d, [0]), features]),
  ],
  // Read by B, K.
  [
    'R-INV-10',
    'a word too many in m',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.m, [...wordsOfBytes(new Uint8Array(5)), 0])]),
  ],
  // Read by B, L. They read an invoice that nobody can pay.
  ['R-INV-11', 'no payment hash', 'INVOICE_MALFORMED', () => craft('lnbc1u', [s, d, features])],
  // Read by B, L, A. B keeps the last one.
  [
    'R-INV-11',
    'two payment hashes',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, bytesField(tags.p, new Uint8Array(32).fill(9)), s, d, features]),
  ],
  // Read by B, L, A.
  [
    'R-INV-11',
    'the same payment hash twice',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, p, s, d, features]),
  ],
  // Read by B.
  [
    'R-INV-11',
    'a payment hash of a wrong length only',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [field(tags.p, Array<number>(51).fill(0)), s, d, features]),
  ],
  // Read by B, L, A.
  ['R-INV-11', 'no payment secret', 'INVOICE_MALFORMED', () => craft('lnbc1u', [p, d, features])],
  [
    'R-INV-11',
    'two payment secrets',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, s, d, features]),
  ],
  ['R-INV-12', 'no description', 'INVOICE_MALFORMED', () => craft('lnbc1u', [p, s, features])],
  [
    'R-INV-12',
    'description and description hash',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, d, h, features]),
  ],
  [
    'R-INV-12',
    'a description hash of a wrong length only',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, field(tags.h, Array<number>(53).fill(0)), features]),
  ],
  [
    'R-INV-12',
    'a description that is not UTF-8',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, bytesField(tags.d, Uint8Array.of(0xff, 0xfe)), features]),
  ],
  // Read by B, L, A, K.
  [
    'R-INV-13',
    'an expiry with a leading zero',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.x, [0, 5])]),
  ],
  [
    'R-INV-13',
    'an expiry of two zero words',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.x, [0, 0])]),
  ],
  [
    'R-INV-13',
    'a final CLTV expiry with a leading zero',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.c, [0, 5])]),
  ],
  [
    'R-INV-13',
    'features with a leading zero',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [0, 16, 8, 0])]),
  ],
  // Read by B, L, A.
  [
    'R-INV-13',
    'features of zero',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [0])]),
  ],
  // Read by L, A, K.
  [
    'R-INV-13',
    'an expiry of 51 bits',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.x, [1, ...Array<number>(10).fill(0)])]),
  ],
  // Read by L, A.
  [
    'R-INV-13',
    'an expiry of 5115 bits',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.x, Array<number>(1023).fill(31))]),
  ],
  // Read by B, L, A, K.
  [
    'R-INV-14',
    'a route without hops',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, field(tags.r, [])]),
  ],
  // Read by B, L, A.
  [
    'R-INV-14',
    'a hop of 50 bytes',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, bytesField(tags.r, hop.subarray(1))]),
  ],
  [
    'R-INV-14',
    'a hop and a byte',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', [...plain, bytesField(tags.r, Uint8Array.of(...hop, 1))]),
  ],
  [
    'R-INV-16',
    'an unknown even feature',
    'INVOICE_FEATURE',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [1, ...Array<number>(20).fill(0)])]),
  ],
  [
    'R-INV-16',
    'the even feature at the far end of the field',
    'INVOICE_FEATURE',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [16, ...Array<number>(1022).fill(0)])]),
  ],
  // Read by L, A.
  [
    'R-INV-18',
    'a recovery id of 4',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', plain, (signature) => signature.fill(4, 64)),
  ],
  [
    'R-INV-18',
    'a recovery id of 255',
    'INVOICE_MALFORMED',
    () => craft('lnbc1u', plain, (signature) => signature.fill(255, 64)),
  ],
  [
    'R-INV-19',
    'another amount, with a new checksum, and n',
    'INVOICE_SIGNATURE',
    () => withPrefix(craft('lnbc1u', [...plain, n]), 'lnbc9u'),
  ],
  [
    'R-INV-19',
    'another network, with a new checksum, and n',
    'INVOICE_SIGNATURE',
    () => withPrefix(craft('lntb1u', [...plain, n]), 'lnbc1u'),
  ],
  [
    'R-INV-19',
    'the n of another node',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', [...plain, bytesField(tags.n, otherPayee)]),
  ],
  [
    'R-INV-19',
    'an n that is no point of the curve',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', [...plain, bytesField(tags.n, new Uint8Array(33).fill(9))]),
  ],
  [
    'R-INV-19',
    'an n with x beyond the field',
    'INVOICE_SIGNATURE',
    () =>
      craft('lnbc1u', [
        ...plain,
        bytesField(tags.n, Uint8Array.of(2, ...new Uint8Array(32).fill(255))),
      ]),
  ],
  // Read by B, L, A. B compares the key that it recovers.
  [
    'R-INV-19',
    'a high s with n',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', [...plain, n], makeHighS),
  ],
  // Read by L, A.
  [
    'R-INV-20',
    'r of zero',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', plain, (signature) => signature.fill(0, 0, 32)),
  ],
  [
    'R-INV-20',
    's of zero',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', plain, (signature) => signature.fill(0, 32, 64)),
  ],
  [
    'R-INV-20',
    'r beyond the order',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', plain, (signature) => signature.fill(255, 0, 32)),
  ],
  [
    'R-INV-20',
    's beyond the order',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', plain, (signature) => signature.fill(255, 32, 64)),
  ],
  [
    'R-INV-20',
    'a recovery id that r does not allow',
    'INVOICE_SIGNATURE',
    () => craft('lnbc1u', plain, (signature) => signature.fill(2, 64)),
  ],
]

describe('what no payer may accept', () => {
  for (const [rule, input, code, text] of refusals) {
    test(`${rule} ${input}: ${code}`, () => {
      expect(() => decodeInvoice(text())).toThrow(
        expect.toSatisfy((error) => isL402Error(error, code)),
      )
    })
  }
})

const acceptances: readonly (readonly [
  rule: string,
  input: string,
  text: () => string,
  says: Change,
])[] = [
  // Read by nobody else.
  [
    'R-INV-2',
    'lightning: in lower case',
    () => `lightning:${craft('lnbc1u', plain)}`,
    { amountMsat: 100_000n as never },
  ],
  [
    'R-INV-2',
    'LIGHTNING: in upper case',
    () => `LIGHTNING:${craft('lnbc1u', plain)}`.toUpperCase(),
    { description: 'hi' },
  ],
  [
    'R-INV-2',
    'lightning: in another case than the invoice',
    () => `LiGhTnInG:${craft('lnbc1u', plain)}`,
    { description: 'hi' },
  ],
  // Read by L, A, K.
  ['R-INV-5', 'a signet invoice', () => craft('lntbs1u', plain), { network: 'signet' }],
  // Read by B, L, A, K.
  ['R-INV-5', 'a simnet invoice', () => craft('lnsb1u', plain), { network: 'simnet' }],
  // Read by B, L, A, K. A answers 0 sat.
  ['R-INV-6', 'no amount', () => craft('lnbc', plain), { amountMsat: undefined }],
  // Read by B, L, A, K. A answers 0.001 sat.
  ['R-INV-6', 'one msat', () => craft('lnbc10p', plain), { amountMsat: 1n as never }],
  // Read by B, L, A, K.
  [
    'R-INV-6',
    'a multiplier that is not the largest',
    () => craft('lnbc1000000000p', plain),
    { amountMsat: 100_000_000n as never },
  ],
  [
    'R-INV-7',
    '21 million BTC',
    () => craft('lnbc21000000', plain),
    { amountMsat: 2_100_000_000_000_000_000n as never },
  ],
  ['R-INV-8', 'the timestamp', () => craft('lnbc1u', plain), { timestampSeconds: 1_700_000_000 }],
  [
    'R-INV-9',
    'unknown tags, also empty ones',
    () => craft('lnbc1u', [field(2, [1, 2, 3]), ...plain, field(20, []), field(31, [31])]),
    {
      ignoredFields: [
        { tag: 'z', reason: 'unknown' },
        { tag: '5', reason: 'unknown' },
        { tag: 'l', reason: 'unknown' },
      ],
    },
  ],
  // Read by B, K.
  [
    'R-INV-11',
    'a p and an s of wrong lengths before and after the right ones',
    () =>
      craft('lnbc1u', [
        field(tags.p, []),
        field(tags.s, [1]),
        ...plain,
        field(tags.p, Array<number>(53).fill(1)),
        field(tags.s, Array<number>(51).fill(1)),
      ]),
    {
      paymentSecret: new Uint8Array(32).fill(2),
      ignoredFields: ['p', 's', 'p', 's'].map((tag) => ({ tag, reason: 'wrong length' as const })),
    },
  ],
  [
    'R-INV-12',
    'an h of a wrong length beside a d',
    () => craft('lnbc1u', [field(tags.h, Array<number>(51).fill(1)), ...plain]),
    {
      descriptionHash: undefined,
      ignoredFields: [{ tag: 'h', reason: 'wrong length' }],
    },
  ],
  // Read by B, L, A, K.
  [
    'R-INV-12',
    'a description hash',
    () => craft('lnbc1u', [p, s, h, features]),
    {
      description: undefined,
      descriptionHash: new Uint8Array(32).fill(3),
    },
  ],
  [
    'R-INV-12',
    'an empty description',
    () => craft('lnbc1u', [p, s, field(tags.d, []), features]),
    { description: '' },
  ],
  // Read by B, L, A.
  [
    'R-INV-12',
    'a description of 639 bytes',
    () => craft('lnbc1u', [p, s, bytesField(tags.d, new Uint8Array(639).fill(65)), features]),
    { description: 'A'.repeat(639) },
  ],
  // Read by B, L, A, K.
  [
    'R-INV-12',
    'a byte order mark and control characters',
    () => craft('lnbc1u', [p, s, bytesField(tags.d, encodeUtf8('\ufeff\0\x1b[2J')), features]),
    { description: '\ufeff\0\x1b[2J' },
  ],
  [
    'R-INV-13',
    'no expiry and no final CLTV expiry',
    () => craft('lnbc1u', plain),
    { expirySeconds: 3600, minFinalCltvExpiry: 18 },
  ],
  [
    'R-INV-13',
    'zero in one word',
    () => craft('lnbc1u', [...plain, field(tags.x, [0]), field(tags.c, [0])]),
    { expirySeconds: 0, minFinalCltvExpiry: 0 },
  ],
  [
    'R-INV-13',
    'zero in no word',
    () => craft('lnbc1u', [...plain, field(tags.x, []), field(tags.c, [])]),
    { expirySeconds: 0, minFinalCltvExpiry: 0 },
  ],
  // Read by L, A, K.
  [
    'R-INV-13',
    'numbers of 50 bits',
    () =>
      craft('lnbc1u', [
        ...plain,
        field(tags.x, Array<number>(10).fill(31)),
        field(tags.c, Array<number>(10).fill(31)),
      ]),
    { expirySeconds: 2 ** 50 - 1, minFinalCltvExpiry: 2 ** 50 - 1 },
  ],
  // Read by B, L, A.
  [
    'R-INV-14',
    'routes, in their order',
    () =>
      craft('lnbc1u', [
        ...plain,
        bytesField(tags.r, Uint8Array.of(...hop, ...hop)),
        bytesField(tags.r, hop),
      ]),
    {
      routes: [2, 1].map((hops) =>
        Array.from({ length: hops }, () => ({
          nodeId: new Uint8Array(33).fill(7),
          shortChannelId: new Uint8Array(8).fill(7),
          feeBaseMsat: 0x07070707,
          feeProportionalMillionths: 0x07070707,
          cltvExpiryDelta: 0x0707,
        })),
      ),
    },
  ],
  [
    'R-INV-14',
    'the largest numbers of a hop',
    () => craft('lnbc1u', [...plain, bytesField(tags.r, new Uint8Array(51).fill(255))]),
    {
      routes: [
        [
          {
            nodeId: new Uint8Array(33).fill(255),
            shortChannelId: new Uint8Array(8).fill(255),
            feeBaseMsat: 4_294_967_295,
            feeProportionalMillionths: 4_294_967_295,
            cltvExpiryDelta: 65_535,
          },
        ],
      ],
    },
  ],
  // Read by L, A.
  [
    'R-INV-15',
    'fallbacks of wrong lengths',
    () =>
      craft('lnbc1u', [
        ...plain,
        ...[
          [],
          [17],
          [18, ...wordsOfBytes(new Uint8Array(21))],
          [0, ...wordsOfBytes(new Uint8Array(25))],
          [1, 0, 0],
          [16, ...wordsOfBytes(new Uint8Array(41))],
        ].map((data) => field(tags.f, data)),
      ]),
    {
      fallbacks: [],
      ignoredFields: Array.from({ length: 6 }, () => ({
        tag: 'f',
        reason: 'wrong length' as const,
      })),
    },
  ],
  // Read by B, L, A, K.
  [
    'R-INV-15',
    'fallbacks of all kinds, and of versions to come',
    () =>
      craft('lnbc1u', [
        ...plain,
        ...(
          [
            [17, 20],
            [18, 20],
            [0, 20],
            [0, 32],
            [1, 32],
            [2, 2],
            [16, 40],
            [19, 20],
            [31, 3],
          ] as const
        ).map(([version, length]) =>
          field(tags.f, [version, ...wordsOfBytes(new Uint8Array(length).fill(6))]),
        ),
      ]),
    {
      fallbacks: (
        [
          [17, 20],
          [18, 20],
          [0, 20],
          [0, 32],
          [1, 32],
          [2, 2],
          [16, 40],
        ] as const
      ).map(([version, length]) => ({ version, program: new Uint8Array(length).fill(6) })),
      ignoredFields: Array.from({ length: 2 }, () => ({ tag: 'f', reason: 'unknown' as const })),
    },
  ],
  // Read by B, L, A.
  [
    'R-INV-16',
    'no features',
    () => craft('lnbc1u', [p, s, d]),
    { featureBits: [], unknownRequiredFeatures: [] },
  ],
  [
    'R-INV-16',
    'an empty field of features',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [])]),
    { featureBits: [] },
  ],
  // Read by B, L, A, K.
  [
    'R-INV-16',
    'unknown odd features',
    () => craft('lnbc1u', [p, s, d, field(tags[9], [2, ...Array<number>(19).fill(0), 16, 8, 0])]),
    { featureBits: [8, 14, 111], unknownRequiredFeatures: [] },
  ],
  // Read by B, L, A.
  [
    'R-INV-16',
    'every known even feature',
    () => craft('lnbc1u', [p, s, d, features262()]),
    { featureBits: [8, 14, 16, 24, 36, 48, 262], unknownRequiredFeatures: [] },
  ],
  [
    'R-INV-17',
    'a second d, x, c, m and 9, which do not count',
    () =>
      craft('lnbc1u', [
        ...plain,
        field(tags.x, [5]),
        field(tags.c, [6]),
        bytesField(tags.m, Uint8Array.of(1)),
        bytesField(tags.d, encodeUtf8('other')),
        field(tags.x, [7]),
        field(tags.c, [8]),
        bytesField(tags.m, Uint8Array.of(2)),
        field(tags[9], [1, 0]),
      ]),
    {
      description: 'hi',
      expirySeconds: 5,
      minFinalCltvExpiry: 6,
      metadata: Uint8Array.of(1),
      featureBits: [8, 14],
      ignoredFields: ['d', 'x', 'c', 'm', '9'].map((tag) => ({ tag, reason: 'repeated' as const })),
    },
  ],
  [
    'R-INV-17',
    'a second h and n, which do not count',
    () =>
      craft('lnbc1u', [
        p,
        s,
        h,
        bytesField(tags.h, hash),
        n,
        bytesField(tags.n, otherPayee),
        features,
      ]),
    {
      descriptionHash: new Uint8Array(32).fill(3),
      claimedPayee: payee,
      ignoredFields: ['h', 'n'].map((tag) => ({ tag, reason: 'repeated' as const })),
    },
  ],
  // Read by K.
  [
    'R-INV-19',
    'an n of a wrong length, which does not count',
    () => craft('lnbc1u', [...plain, field(tags.n, Array<number>(52).fill(1))]),
    {
      claimedPayee: undefined,
      ignoredFields: [{ tag: 'n', reason: 'wrong length' }],
    },
  ],
  // Read by B, L, A, K.
  [
    'R-INV-19',
    'the n of the signer',
    () => craft('lnbc1u', [...plain, n]),
    { claimedPayee: payee },
  ],
  // Read by L, A, K.
  [
    'R-INV-19',
    'the n of the signer with another recovery id',
    () =>
      craft('lnbc1u', [...plain, n], (signature) => {
        signature[64]! ^= 1
      }),
    { claimedPayee: payee },
  ],
  // Read by B, L, A.
  [
    'R-INV-20',
    'a high s without n',
    () => craft('lnbc1u', plain, makeHighS),
    { claimedPayee: undefined },
  ],
]

/** Field `9` with every even bit that is known here. */
function features262(): Words {
  const words = Array<number>(53).fill(0)
  for (const bit of [8, 14, 16, 24, 36, 48, 262]) words[52 - Math.floor(bit / 5)]! |= 1 << (bit % 5)
  return field(tags[9], words)
}

describe('what a payer may accept', () => {
  for (const [rule, input, text, says] of acceptances) {
    test(`${rule} ${input}`, () => {
      const invoice = decodeInvoice(text())
      expect(invoice).toMatchObject(says)
      expect(invoice.payee).toEqual(payee)
      expect(invoice.paymentHash).toEqual(hash)
    })
  }
})

describe('R-INV-1 the length', () => {
  /** An invoice of exactly so many characters. */
  function ofLength(length: number): string {
    const fields: Words[] = [...plain]
    let missing = length - craft('lnbc1u', plain).length
    while (missing > 0) {
      const words = (missing < 1030 ? missing : 1020) - 3
      fields.push(field(2, Array<number>(words).fill(1)))
      missing -= words + 3
    }
    return craft('lnbc1u', fields)
  }

  // K refuses more than 1023 characters; B, L and A have no limit.
  test('7089 characters are read, and lightning: does not count', () => {
    const text = ofLength(maxInvoiceLength)
    expect(text).toHaveLength(7089)
    expect(decodeInvoice(text).description).toBe('hi')
    expect(decodeInvoice(`lightning:${text}`).text).toBe(text)
  })

  test('7090 characters are refused, as is a megabyte, at once', () => {
    const started = performance.now()
    for (const text of [ofLength(7090), `lnbc1${'q'.repeat(1_000_000)}`, '1'.repeat(1_000_000)]) {
      expect(() => decodeInvoice(text)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'INVOICE_MALFORMED')),
      )
    }
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('the time grows with the length and not with its square', () => {
    // 2330 empty fields, the most that fit, all of them to be listed.
    const fields = Array.from({ length: 2266 }, () => field(2, []))
    const text = craft('lnbc1u', [...plain, ...fields])
    expect(text.length).toBeLessThanOrEqual(7089)
    expect(decodeInvoiceUnverified(text).ignoredFields).toHaveLength(2266)
    const started = performance.now()
    for (let i = 0; i < 100; i++) decodeInvoiceUnverified(text)
    expect((performance.now() - started) / 100).toBeLessThan(10)
  })
})

test('R-INV-8 an invoice of 110 words is too short, whatever they say', () => {
  const text = encodeBech32({ prefix: 'lnbc1u', words: new Uint8Array(110) })
  expect(() => decodeInvoiceUnverified(text)).toThrow('too short')
})

describe('R-INV-18 what is signed', () => {
  test('the text is in lower case whatever the case was sent', () => {
    const text = craft('lnbc1u', plain)
    const upper = decodeInvoice(text.toUpperCase())
    expect(upper).toEqual(decodeInvoice(text))
    expect(upper.text).toBe(text)
  })

  test('every number of left-over bits is signed rightly', () => {
    for (let length = 0; length < 9; length++) {
      const text = craft('lnbc1u', [...plain, field(2, Array<number>(length).fill(31))])
      expect(decodeInvoice(text).payee).toEqual(payee)
    }
  })

  test('signing is the other half', () => {
    const words = Uint8Array.of(1, 2, 3)
    const digest = signingHash('lnbc', words, 3)
    expect(sign(digest, privateKey)).toHaveLength(104)
  })
})

describe('R-INV-21 the payee is who signed, not who was meant', () => {
  test('a changed amount with a new checksum recovers to another key', () => {
    const text = craft('lnbc1u', plain)
    const changed = decodeInvoice(withPrefix(text, 'lnbc9u'))
    expect(changed.amountMsat).toBe(900_000n)
    expect(decodeInvoice(text).payee).toEqual(payee)
    expect(changed.payee).not.toEqual(payee)
  })

  test('an unverified invoice has no payee', () => {
    expect(decodeInvoiceUnverified(craft('lnbc1u', plain))).not.toHaveProperty('payee')
  })
})

describe('R-INV-22 verifying reads the text again', () => {
  test('a changed object comes back as it was signed', () => {
    const invoice = decodeInvoiceUnverified(craft('lnbc1u', [...plain, n]))
    const forged: UnverifiedInvoice = {
      ...invoice,
      amountMsat: undefined,
      claimedPayee: otherPayee,
      signingHash: new Uint8Array(32),
    }
    const verified: Invoice = verifyInvoice(forged)
    expect(verified).toEqual({ ...invoice, payee })
  })

  test('bytes changed in place come back as they were signed', () => {
    const invoice = decodeInvoiceUnverified(craft('lnbc1u', plain))
    invoice.paymentHash.fill(0)
    expect(verifyInvoice(invoice).paymentHash).toEqual(hash)
  })

  test('a feature is refused by verifying, and listed by reading', () => {
    const text = craft('lnbc1u', [p, s, d, field(tags[9], [1, ...Array<number>(20).fill(0)])])
    const invoice = decodeInvoiceUnverified(text)
    expect(invoice.unknownRequiredFeatures).toEqual([100])
    expect(() => verifyInvoice(invoice)).toThrow(
      expect.toSatisfy((error) => isL402Error(error, 'INVOICE_FEATURE')),
    )
  })

  test('a bad signature is refused by verifying, and readable without', () => {
    const text = craft('lnbc1u', [...plain, bytesField(tags.n, otherPayee)])
    const invoice = decodeInvoiceUnverified(text)
    expect(invoice.description).toBe('hi')
    expect(() => verifyInvoice(invoice)).toThrow(
      expect.toSatisfy((error) => isL402Error(error, 'INVOICE_SIGNATURE')),
    )
  })
})

test('R-INV-23 an invoice is valid up to, and without, timestamp plus expiry', () => {
  const soon = decodeInvoiceUnverified(craft('lnbc1u', [...plain, field(tags.x, [1, 28])]))
  expect(expiresAtSeconds(soon)).toBe(1_700_000_060)
  const never = decodeInvoiceUnverified(
    craft('lnbc1u', [...plain, field(tags.x, Array<number>(10).fill(31))]),
  )
  expect(expiresAtSeconds(never)).toBe(1_700_000_000 + 2 ** 50 - 1)
  expect(expiresAtSeconds(decodeInvoiceUnverified(craft('lnbc1u', plain)))).toBe(1_700_003_600)
})

test('R-INV-30 no refusal repeats what the payee wrote', () => {
  const secret = 'swordfish'
  const described = bytesField(tags.d, encodeUtf8(secret))
  for (const text of [
    secret,
    `${secret}1${secret}`,
    craft('lnbc1u', [p, s, described, h]),
    craft('lnbc15p', [p, s, described]),
    craft('lnbc1u', [...plain, bytesField(tags.n, otherPayee), described]),
  ]) {
    try {
      decodeInvoice(text)
      expect.unreachable()
    } catch (error) {
      expect(isL402Error(error)).toBe(true)
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(secret)
    }
  }
})
