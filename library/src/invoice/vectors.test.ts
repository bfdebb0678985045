import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeHex, encodeHex } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import { decodeInvoice, decodeInvoiceUnverified, verifyInvoice } from './decode.ts'
import { encodeInvoice } from './encode.ts'
import type { InvoiceRequest, Network, RouteHop } from './index.ts'
import { preimage, provesPayment } from './payment.ts'

type Expected = {
  readonly network: string
  readonly amountMsat: string | null
  readonly timestamp: number
  readonly tags: readonly string[]
  readonly paymentHash: string
  readonly paymentSecret: string
  readonly description?: string
  readonly descriptionHash?: string
  readonly metadata?: string
  readonly minFinalCltvExpiryEffective: number
  readonly expirySecondsEffective: number
  readonly expirySeconds?: number
  readonly minFinalCltvExpiry?: number
  readonly featureBits: readonly number[]
  readonly fallbacks?: readonly { readonly version: number; readonly program: string }[]
  readonly routeHints?: readonly (readonly {
    readonly pubkey: string
    readonly shortChannelId: string
    readonly feeBaseMsat: number
    readonly feeProportionalMillionths: number
    readonly cltvExpiryDelta: number
  }[])[]
  readonly signingHash: string
  readonly signature: string
  readonly recoveryId: number
  readonly payee: string
  readonly wrongLengthFields: readonly string[]
}

type Vectors = {
  readonly [origin in 'official' | 'generated']: {
    readonly valid: readonly {
      readonly name: string
      readonly invoice: string
      readonly expect: Expected
      readonly preimageHex?: string
    }[]
    readonly invalid: readonly { readonly name: string; readonly invoice: string }[]
  }
} & { readonly privateKeyHex: string }

const file = new URL('../../../spec/vectors/bolt11.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const privateKey = decodeHex(vectors.privateKeyHex)

const networks: Readonly<Record<string, Network>> = {
  mainnet: 'bitcoin',
  testnet: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
  simnet: 'simnet',
}

/** `539268x845x1`, as block, transaction and output, is 3, 3 and 2 bytes. */
function shortChannelId(text: string): string {
  const [block = 0, transaction = 0, output = 0] = text.split('x').map(Number)
  return [
    block.toString(16).padStart(6, '0'),
    transaction.toString(16).padStart(6, '0'),
    output.toString(16).padStart(4, '0'),
  ].join('')
}

function printableHop(hop: RouteHop): unknown {
  return {
    ...hop,
    nodeId: encodeHex(hop.nodeId),
    shortChannelId: encodeHex(hop.shortChannelId),
  }
}

describe('the vectors are all there', () => {
  test('16 and 13 valid, 10 and 8 invalid', () => {
    const { official, generated } = vectors
    expect([official.valid.length, generated.valid.length]).toEqual([16, 13])
    expect([official.invalid.length, generated.invalid.length]).toEqual([10, 8])
  })
})

for (const origin of ['official', 'generated'] as const) {
  describe(`${origin} valid invoices`, () => {
    for (const { name, invoice: text, expect: expected, preimageHex } of vectors[origin].valid) {
      test(name, () => {
        const invoice = decodeInvoice(text)

        expect(invoice.network).toBe(networks[expected.network])
        const amount = expected.amountMsat === null ? undefined : BigInt(expected.amountMsat)
        expect(invoice.amountMsat).toBe(amount)
        expect(invoice.timestampSeconds).toBe(expected.timestamp)
        expect(encodeHex(invoice.paymentHash)).toBe(expected.paymentHash)
        expect(encodeHex(invoice.paymentSecret)).toBe(expected.paymentSecret)
        expect(invoice.description).toBe(expected.description)
        expect(invoice.descriptionHash && encodeHex(invoice.descriptionHash)).toBe(
          expected.descriptionHash,
        )
        expect(invoice.metadata && encodeHex(invoice.metadata)).toBe(expected.metadata)
        expect(invoice.expirySeconds).toBe(expected.expirySecondsEffective)
        expect(invoice.minFinalCltvExpiry).toBe(expected.minFinalCltvExpiryEffective)
        expect(invoice.featureBits).toEqual(expected.featureBits)
        expect(
          invoice.fallbacks.map(({ version, program }) => ({
            version,
            program: encodeHex(program),
          })),
        ).toEqual((expected.fallbacks ?? []).filter(({ version }) => version <= 18))
        expect(invoice.routes.map((hops) => hops.map(printableHop))).toEqual(
          (expected.routeHints ?? []).map((hops) =>
            hops.map(({ pubkey, ...hop }) => ({
              ...hop,
              nodeId: pubkey,
              shortChannelId: shortChannelId(hop.shortChannelId),
            })),
          ),
        )
        expect(encodeHex(invoice.signingHash)).toBe(expected.signingHash)
        expect(encodeHex(invoice.signature)).toBe(expected.signature)
        expect(invoice.recoveryId).toBe(expected.recoveryId)
        expect(encodeHex(invoice.payee)).toBe(expected.payee)
        expect(invoice.text).toBe(text.toLowerCase())
        expect(invoice.unknownRequiredFeatures).toEqual([])

        const wrongLength = invoice.ignoredFields.filter(({ reason }) => reason === 'wrong length')
        expect(wrongLength.map(({ tag }) => tag)).toEqual(
          expected.wrongLengthFields.map((field) => field[0]),
        )
        if (preimageHex !== undefined) {
          expect(provesPayment(preimage(decodeHex(preimageHex)), invoice.paymentHash)).toBe(true)
        }

        expect(verifyInvoice(decodeInvoiceUnverified(text))).toEqual(invoice)
      })
    }
  })
}

test('R-INV-9 R-INV-15 the official invoice of fields to ignore lists every one of them', () => {
  const ignoring = vectors.official.valid.find(({ name }) => name.includes('must be ignored'))!
  expect(decodeInvoice(ignoring.invoice).ignoredFields).toEqual([
    { tag: '2', reason: 'unknown' },
    { tag: 'f', reason: 'unknown' },
    ...['p', 'p', 'h', 'h', 's', 's', 'n', 'n'].map((tag) => ({ tag, reason: 'wrong length' })),
  ])
})

describe('R-INV-16 R-INV-20 invalid invoices', () => {
  const codes: Readonly<Record<string, Code>> = {
    'Same, but adding invalid unknown feature 100': 'INVOICE_FEATURE',
    'Bech32 checksum is invalid.': 'INVOICE_CHECKSUM',
    'Malformed bech32 string (no 1)': 'INVOICE_MALFORMED',
    'Malformed bech32 string (mixed case)': 'INVOICE_MALFORMED',
    'Signature is not recoverable.': 'INVOICE_SIGNATURE',
    'String is too short.': 'INVOICE_MALFORMED',
    'Invalid multiplier': 'INVOICE_MALFORMED',
    'Invalid sub-millisatoshi precision.': 'INVOICE_AMOUNT',
    'Missing required `s` field.': 'INVOICE_MALFORMED',
    // It has two payment secrets besides; decode.test.ts has the high s alone.
    "Non canonical signature (high-S) with 'n' field defined": 'INVOICE_MALFORMED',
    'leading zero amount': 'INVOICE_AMOUNT',
    'zero amount': 'INVOICE_AMOUNT',
    'sub-millisatoshi p': 'INVOICE_AMOUNT',
    'both d and h': 'INVOICE_MALFORMED',
    'neither d nor h': 'INVOICE_MALFORMED',
    'unknown network prefix lnxx': 'INVOICE_NETWORK',
    'no payment hash': 'INVOICE_MALFORMED',
    'one flipped character': 'INVOICE_CHECKSUM',
  }
  for (const { name, invoice } of [...vectors.official.invalid, ...vectors.generated.invalid]) {
    test(`${name}: ${codes[name]}`, () => {
      expect(() => decodeInvoice(invoice)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, codes[name])),
      )
    })
  }
})

describe('R-INV-27 vectors come out byte for byte', () => {
  /** The request that an invoice of the vectors answers: what it spells out, and no default. */
  function requestOf(text: string, expected: Expected): InvoiceRequest {
    const { expirySeconds, minFinalCltvExpiry, ...fields } = decodeInvoice(text)
    return {
      ...fields,
      ...(expected.expirySeconds === undefined ? {} : { expirySeconds }),
      ...(expected.minFinalCltvExpiry === undefined ? {} : { minFinalCltvExpiry }),
    }
  }

  const order = 'spdhmnxcfr9'
  const all = [...vectors.official.valid, ...vectors.generated.valid]
  const reproducible = all.filter(({ name, invoice, expect: { tags } }) => {
    const places = tags.map((tag) => order.indexOf(tag[0]!))
    const inOrder = places.every((place, i) => place >= 0 && (i === 0 || place >= places[i - 1]!))
    const shortest = !name.includes('non-shortest')
    return inOrder && shortest && invoice === invoice.toLowerCase() && !name.includes('high-S')
  })

  test('there are many of them, two official ones at the least', () => {
    const official = new Set(vectors.official.valid)
    expect(reproducible.filter((vector) => official.has(vector)).length).toBeGreaterThanOrEqual(2)
    expect(reproducible.length).toBeGreaterThanOrEqual(13)
  })

  for (const { name, invoice, expect: expected } of reproducible) {
    test(name, () => {
      expect(encodeInvoice(requestOf(invoice, expected), privateKey)).toBe(invoice)
    })
  }
})
