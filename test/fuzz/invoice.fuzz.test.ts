import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { bech32 } from '@scure/base'
import { expect, test } from 'vitest'
import type { Code } from '../../library/src/errors.ts'
import type { InvoiceFields, UnverifiedInvoice } from '../../library/src/invoice/index.ts'
import { decodeInvoiceUnverified, encodeInvoice } from '../../library/src/invoice/index.ts'
import { fuzzBytes, fuzzText } from './harness.ts'

type Vectors = {
  readonly [origin in 'official' | 'generated']: {
    readonly [verdict in 'valid' | 'invalid']: readonly { readonly invoice: string }[]
  }
}
const file = new URL('../../spec/vectors/bolt11.json', import.meta.url)
const { official, generated } = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const valid = [...official.valid, ...generated.valid].map(({ invoice }) => invoice)
const invalid = [...official.invalid, ...generated.invalid].map(({ invoice }) => invoice)
const privateKey = new Uint8Array(32).fill(1)

const codes: readonly Code[] = [
  'INVOICE_MALFORMED',
  'INVOICE_CHECKSUM',
  'INVOICE_NETWORK',
  'INVOICE_AMOUNT',
]

/** What must be true of everything that the reader lets in. By `assert`: it is the faster one. */
function isSound(invoice: UnverifiedInvoice): void {
  assert.equal(invoice.paymentHash.length, 32)
  assert.equal(invoice.paymentSecret.length, 32)
  assert.equal(invoice.signature.length, 64)
  assert.equal(invoice.signingHash.length, 32)
  assert.ok(invoice.recoveryId >= 0 && invoice.recoveryId <= 3)
  assert.ok(invoice.amountMsat === undefined || invoice.amountMsat > 0n)
  assert.ok(Number.isSafeInteger(invoice.timestampSeconds + invoice.expirySeconds))
  assert.equal(invoice.description === undefined, invoice.descriptionHash !== undefined)
  assert.deepEqual(decodeInvoiceUnverified(invoice.text), invoice)
}

function fieldsOf(invoice: UnverifiedInvoice): InvoiceFields {
  const { text, claimedPayee, unknownRequiredFeatures, ignoredFields, ...rest } = invoice
  const { signature, recoveryId, signingHash, ...fields } = rest
  return fields
}

test('R-INV-4 invoices, mutated as text: the checksum stops nearly all of them', () => {
  const report = fuzzText({
    name: 'invoice text',
    seeds: [...valid, ...invalid],
    words: ['lightning:', 'LIGHTNING:', 'ln', 'lnbc', '1', 'q', 'lnbcrt1'],
    read: decodeInvoiceUnverified,
    codes,
    holds: (_input, result) => isSound(result as UnverifiedInvoice),
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})

test('R-INV-9 invoices, mutated as words and given a new checksum, can be written again', () => {
  let accepted = 0
  const report = fuzzBytes({
    name: 'invoice words',
    seeds: valid
      .map((text) => bech32.decode(text as `${string}1${string}`, false).words)
      .map((words) => Uint8Array.from(words)),
    words: [
      Uint8Array.of(1, 1, 20),
      Uint8Array.of(13, 0, 0),
      Uint8Array.of(6, 0, 1, 5),
      Uint8Array.of(24, 0, 2, 0, 5),
      Uint8Array.of(5, 0, 1, 4),
      Uint8Array.of(9, 0, 5, 17, 0, 0, 0, 0),
      Uint8Array.of(3, 0, 0),
      Uint8Array.of(31, 31, 31),
    ],
    read: (input) => {
      const words = input.map((byte) => byte & 31)
      return decodeInvoiceUnverified(bech32.encode('lnbc2500u', words, false))
    },
    codes,
    holds: (_input, result) => {
      const invoice = result as UnverifiedInvoice
      isSound(invoice)
      accepted++
      if (accepted % 50 !== 0) return // signing takes longer than everything else together
      const fields = fieldsOf(invoice)
      const again = decodeInvoiceUnverified(encodeInvoice(fields, privateKey))
      expect(fieldsOf(again)).toEqual(fields)
    },
  })
  expect(report.accepted).toBeGreaterThan(100)
  expect(report.refused).toBeGreaterThan(100)
})

test('R-INV-7 human-readable parts, mutated and given a new checksum, are exact or refused', () => {
  const { words } = bech32.decode(valid[0] as `${string}1${string}`, false)
  const report = fuzzText({
    name: 'invoice amount',
    seeds: [
      'lnbc',
      'lnbc2500u',
      'lntb20m',
      'lnbcrt9678785340p',
      'lntbs1',
      'lnsb21000000',
      'lnbc10n',
    ],
    words: ['0', '1', '9', 'p', 'n', 'u', 'm', '000000000', '.', '-'],
    read: (input) => {
      if (!/^[\x21-\x7e]+$/.test(input)) return decodeInvoiceUnverified(input)
      return decodeInvoiceUnverified(bech32.encode(input.toLowerCase(), words, false))
    },
    codes,
    holds: (input, result) => {
      const { amountMsat } = result as UnverifiedInvoice
      const [, digits, letter = ''] = /^[a-z]+(\d+)?([munp])?$/.exec(input.toLowerCase()) ?? []
      if (digits === undefined) return expect(amountMsat).toBeUndefined()
      const tenths = { '': 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n }[letter]!
      return expect(10n * amountMsat!).toBe(BigInt(digits) * tenths)
    },
  })
  expect(report.accepted).toBeGreaterThan(100)
  expect(report.refused).toBeGreaterThan(100)
})
