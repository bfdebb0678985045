import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxMsat, msat } from '../amount/index.ts'
import { decodeHex, encodeHex } from '../bytes/index.ts'
import { decodeBech32 } from './bech32.ts'
import { decodeInvoice, decodeInvoiceUnverified } from './decode.ts'
import type { InvoiceRequest } from './encode.ts'
import { encodeInvoice } from './encode.ts'
import type { Network } from './invoice.ts'
import { paymentHash } from './payment.ts'

const privateKey = decodeHex('e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734')
const networks: readonly Network[] = ['bitcoin', 'testnet', 'signet', 'regtest', 'simnet']

const plain: InvoiceRequest = {
  network: 'regtest',
  amountMsat: msat(10_000n),
  timestampSeconds: 1_700_000_000,
  paymentHash: paymentHash(new Uint8Array(32).fill(1)),
  paymentSecret: new Uint8Array(32).fill(2),
  description: 'hi',
}

function bytes(minLength: number, maxLength: number = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength })
}

/** Whole numbers of all sizes, the edges among them. */
function upTo(max: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: Math.min(max, 100) }),
    fc.maxSafeNat().map((value) => value % (max + 1)),
    fc.constant(max),
  )
}

const hops = fc.record({
  nodeId: bytes(33),
  shortChannelId: bytes(8),
  feeBaseMsat: upTo(2 ** 32 - 1),
  feeProportionalMillionths: upTo(2 ** 32 - 1),
  cltvExpiryDelta: upTo(2 ** 16 - 1),
})

const fallbacks = fc.oneof(
  fc.record({ version: fc.constantFrom(17, 18), program: bytes(20) }),
  fc.record({ version: fc.constant(0), program: fc.oneof(bytes(20), bytes(32)) }),
  fc.record({ version: fc.integer({ min: 1, max: 16 }), program: bytes(2, 40) }),
)

/** Known features and odd ones, so that the invoices can also be verified. */
const featureBits = fc
  .uniqueArray(
    fc.oneof(
      fc.constantFrom(8, 9, 14, 15, 16, 17, 24, 25, 36, 37, 48, 49, 262, 263),
      fc.integer({ min: 0, max: 299 }).map((half) => 2 * half + 1),
    ),
    { maxLength: 8 },
  )
  .map((bits) => bits.sort((a, b) => a - b))

/** Every request that an invoice can express, nearly. */
const requests: fc.Arbitrary<InvoiceRequest> = fc
  .record(
    {
      network: fc.constantFrom(...networks),
      amountMsat: fc.option(
        fc
          .oneof(
            fc.bigInt({ min: 1n, max: maxMsat }),
            fc.bigInt({ min: 1n, max: 21_000_000n }).map((btc) => btc * 100_000_000_000n),
            fc.bigInt({ min: 1n, max: 100_000n }).map((sat) => sat * 1000n),
          )
          .map(msat),
        { nil: undefined },
      ),
      timestampSeconds: upTo(2 ** 35 - 1),
      paymentHash: bytes(32).map(paymentHash),
      paymentSecret: bytes(32),
      description: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.constant('é'.repeat(319)),
      ),
      descriptionHash: bytes(32),
      expirySeconds: upTo(2 ** 50 - 1),
      minFinalCltvExpiry: upTo(2 ** 50 - 1),
      featureBits,
      fallbacks: fc.array(fallbacks, { maxLength: 3 }),
      routes: fc.array(fc.array(hops, { minLength: 1, maxLength: 12 }), { maxLength: 3 }),
      metadata: bytes(0, 639),
      includePayee: fc.boolean(),
    },
    {
      requiredKeys: [
        'network',
        'amountMsat',
        'timestampSeconds',
        'paymentHash',
        'paymentSecret',
        'description',
      ],
    },
  )
  .map(({ descriptionHash, description, ...request }) =>
    descriptionHash === undefined ? { ...request, description } : { ...request, descriptionHash },
  )

describe('R-INV-28 reading undoes writing', () => {
  test('for every request, over all fields and networks', () => {
    const keys = bytes(32).filter((key) => secp256k1.utils.isValidSecretKey(key))
    fc.assert(
      fc.property(requests, keys, (request, key) => {
        const text = encodeInvoice(request, key)
        const { includePayee, ...asked } = request
        const payee = secp256k1.getPublicKey(key)

        const invoice = decodeInvoice(text)
        expect(invoice).toEqual({
          description: undefined,
          descriptionHash: undefined,
          expirySeconds: 3600,
          minFinalCltvExpiry: 18,
          featureBits: [8, 14],
          fallbacks: [],
          routes: [],
          metadata: undefined,
          ...asked,
          text,
          payee,
          claimedPayee: includePayee === true ? payee : undefined,
          unknownRequiredFeatures: [],
          ignoredFields: [],
          signature: invoice.signature,
          recoveryId: invoice.recoveryId,
          signingHash: invoice.signingHash,
        })
      }),
      { numRuns: 250 },
    )
  })

  test('what was read can be written again, and reads the same', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const first = decodeInvoiceUnverified(encodeInvoice(request, privateKey))
        const second = decodeInvoiceUnverified(encodeInvoice(first, privateKey))
        const again = decodeInvoiceUnverified(encodeInvoice(second, privateKey))
        expect(again).toEqual(second)
        expect(second).toEqual({
          ...first,
          text: second.text,
          claimedPayee: undefined,
          signature: second.signature,
          recoveryId: second.recoveryId,
          signingHash: second.signingHash,
        })
      }),
      { numRuns: 100 },
    )
  })
})

describe('R-INV-26 what is written', () => {
  /** The letters of the fields in their order. */
  function letters(text: string): string {
    const { words } = decodeBech32(text)
    const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
    let found = ''
    for (let at = 7; at < words.length - 104; ) {
      found += alphabet[words[at]!]
      at += 3 + (words[at + 1]! << 5) + words[at + 2]!
    }
    return found
  }

  const hop = {
    nodeId: new Uint8Array(33),
    shortChannelId: new Uint8Array(8),
    feeBaseMsat: 1,
    feeProportionalMillionths: 2,
    cltvExpiryDelta: 3,
  }

  test('the fields that were given, in the order of the examples', () => {
    expect(letters(encodeInvoice(plain, privateKey))).toBe('spd9')
    const { description: _, ...rest } = plain
    const full: InvoiceRequest = {
      ...rest,
      descriptionHash: new Uint8Array(32),
      metadata: Uint8Array.of(1),
      includePayee: true,
      expirySeconds: 3600,
      minFinalCltvExpiry: 18,
      fallbacks: [{ version: 17, program: new Uint8Array(20) }],
      routes: [[hop], [hop, hop]],
      featureBits: [8],
    }
    expect(letters(encodeInvoice(full, privateKey))).toBe('sphmnxcfrr9')
  })

  test('no field of features when there are none', () => {
    expect(letters(encodeInvoice({ ...plain, featureBits: [] }, privateKey))).toBe('spd')
  })

  test('features in any order, also twice, are the same features', () => {
    const sorted = encodeInvoice({ ...plain, featureBits: [8, 14, 99] }, privateKey)
    const shuffled = encodeInvoice({ ...plain, featureBits: [99, 8, 14, 8] }, privateKey)
    expect(shuffled).toBe(sorted)
    expect(decodeInvoice(sorted).featureBits).toEqual([8, 14, 99])
  })

  test('fields that are given as undefined are left out', () => {
    const text = encodeInvoice(
      { ...plain, descriptionHash: undefined, metadata: undefined },
      privateKey,
    )
    expect(text).toBe(encodeInvoice(plain, privateKey))
  })
})

describe('R-INV-27 the signature', () => {
  test('one request and key have one text, and another key another', () => {
    const text = encodeInvoice(plain, privateKey)
    expect(encodeInvoice(plain, privateKey)).toBe(text)
    expect(encodeInvoice(plain, new Uint8Array(32).fill(1))).not.toBe(text)
  })

  test('s is low, and the key is the payee', () => {
    const half = secp256k1.Point.Fn.ORDER / 2n
    for (let i = 0; i < 30; i++) {
      const invoice = decodeInvoice(encodeInvoice({ ...plain, timestampSeconds: i }, privateKey))
      const s = BigInt(`0x${encodeHex(invoice.signature.subarray(32))}`)
      expect(s <= half).toBe(true)
      expect(invoice.payee).toEqual(secp256k1.getPublicKey(privateKey))
    }
  })
})

describe("R-INV-29 the caller's mistakes", () => {
  const group = secp256k1.Point.Fn.ORDER.toString(16)
  const { description: _, ...undescribed } = plain
  const hop = {
    nodeId: new Uint8Array(33),
    shortChannelId: new Uint8Array(8),
    feeBaseMsat: 0,
    feeProportionalMillionths: 0,
    cltvExpiryDelta: 0,
  }
  type Mistake = readonly [
    name: string,
    error: typeof TypeError | typeof RangeError,
    change: { readonly [field in keyof InvoiceRequest]?: unknown },
  ]
  const mistakes: readonly Mistake[] = [
    ['an unknown network', TypeError, { network: 'litecoin' }],
    ['a network that every object has', TypeError, { network: 'toString' }],
    ['no network', TypeError, { network: undefined }],
    ['an amount of zero', RangeError, { amountMsat: 0n }],
    ['a negative amount', RangeError, { amountMsat: -1n }],
    ['more than 21 million BTC', RangeError, { amountMsat: maxMsat + 1n }],
    ['an amount as a number', TypeError, { amountMsat: 1000 }],
    ['an amount as text', TypeError, { amountMsat: '1000' }],
    ['an amount of null', TypeError, { amountMsat: null }],
    ['a negative timestamp', RangeError, { timestampSeconds: -1 }],
    ['a timestamp of 36 bits', RangeError, { timestampSeconds: 2 ** 35 }],
    ['a timestamp with a fraction', TypeError, { timestampSeconds: 1.5 }],
    ['a timestamp of NaN', TypeError, { timestampSeconds: Number.NaN }],
    ['no timestamp', TypeError, { timestampSeconds: undefined }],
    ['a payment hash of 31 bytes', RangeError, { paymentHash: new Uint8Array(31) }],
    ['a payment hash in hexadecimal', TypeError, { paymentHash: '00'.repeat(32) }],
    ['no payment hash', TypeError, { paymentHash: undefined }],
    ['a payment secret of 33 bytes', RangeError, { paymentSecret: new Uint8Array(33) }],
    ['no payment secret', TypeError, { paymentSecret: undefined }],
    ['both descriptions', TypeError, { descriptionHash: new Uint8Array(32) }],
    ['a description of 640 bytes', RangeError, { description: 'a'.repeat(640) }],
    [
      'a description of 639 characters that are more bytes',
      RangeError,
      { description: 'é'.repeat(320) },
    ],
    ['half a surrogate pair', TypeError, { description: 'a\ud800' }],
    ['a description that is no text', TypeError, { description: 5 }],
    ['metadata of 640 bytes', RangeError, { metadata: new Uint8Array(640) }],
    ['metadata as a list', TypeError, { metadata: [1, 2] }],
    ['a negative expiry', RangeError, { expirySeconds: -1 }],
    ['an expiry of 51 bits', RangeError, { expirySeconds: 2 ** 50 }],
    ['an expiry without end', TypeError, { expirySeconds: Number.POSITIVE_INFINITY }],
    ['an expiry as a bigint', TypeError, { expirySeconds: 60n }],
    ['a negative final CLTV expiry', RangeError, { minFinalCltvExpiry: -1 }],
    ['a feature bit of -1', RangeError, { featureBits: [-1] }],
    ['a feature bit that does not fit', RangeError, { featureBits: [8, 5115] }],
    ['half a feature bit', TypeError, { featureBits: [8.5] }],
    [
      'a fallback of a version to come',
      RangeError,
      { fallbacks: [{ version: 19, program: new Uint8Array(20) }] },
    ],
    [
      'a P2PKH of 21 bytes',
      RangeError,
      { fallbacks: [{ version: 17, program: new Uint8Array(21) }] },
    ],
    [
      'a witness program of 41 bytes',
      RangeError,
      { fallbacks: [{ version: 1, program: new Uint8Array(41) }] },
    ],
    ['a program as text', TypeError, { fallbacks: [{ version: 1, program: 'abcd' }] }],
    ['a route without hops', RangeError, { routes: [[]] }],
    ['a route of 13 hops', RangeError, { routes: [Array(13).fill(hop)] }],
    ['a node id of 32 bytes', RangeError, { routes: [[{ ...hop, nodeId: new Uint8Array(32) }]] }],
    [
      'a channel id of 9 bytes',
      RangeError,
      { routes: [[{ ...hop, shortChannelId: new Uint8Array(9) }]] },
    ],
    ['a base fee of 33 bits', RangeError, { routes: [[{ ...hop, feeBaseMsat: 2 ** 32 }]] }],
    [
      'a proportional fee of 33 bits',
      RangeError,
      { routes: [[{ ...hop, feeProportionalMillionths: 2 ** 32 }]] },
    ],
    ['a CLTV delta of 17 bits', RangeError, { routes: [[{ ...hop, cltvExpiryDelta: 2 ** 16 }]] }],
    [
      'an invoice of more than 7089 characters',
      RangeError,
      { routes: Array(10).fill(Array(12).fill(hop)) },
    ],
  ]
  for (const [name, error, change] of mistakes) {
    test(`${name} is a ${error.name} that says where`, () => {
      try {
        encodeInvoice({ ...plain, ...change } as InvoiceRequest, privateKey)
        expect.unreachable()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(error)
        expect(String(thrown)).toMatch(/^\w+: (request|invoice|\w+(: \w+)?): /)
      }
    })
  }

  test('no description is a TypeError', () => {
    expect(() => encodeInvoice(undescribed, privateKey)).toThrow(TypeError)
  })

  for (const [name, key, error] of [
    ['of zero', new Uint8Array(32), RangeError],
    ['of the order of the group', decodeHex(group), RangeError],
    ['of 2^256 - 1', new Uint8Array(32).fill(255), RangeError],
    ['of 31 bytes', new Uint8Array(31).fill(1), RangeError],
    ['in hexadecimal', '01'.repeat(32), TypeError],
    ['that is missing', undefined, TypeError],
  ] as const) {
    test(`a private key ${name} is a ${error.name}, which does not repeat it`, () => {
      try {
        encodeInvoice(plain, key as never)
        expect.unreachable()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(error)
        expect(String(thrown)).not.toMatch(/0101|fff|255/)
      }
    })
  }
})
