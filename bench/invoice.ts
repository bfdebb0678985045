import { readFileSync } from 'node:fs'
import { decodeInvoice as albyDecode } from '@getalby/lightning-tools/bolt11'
import bolt11 from 'bolt11'
import lightBolt11 from 'light-bolt11-decoder'
import { Bolt11Invoice, initializeWasmFromBinary } from 'lightningdevkit'
import { decodeInvoice, decodeInvoiceUnverified } from 'satway'
import type { Chapter, Figure } from './figures.ts'
import { ours, peer } from './peers.ts'
import { repeating, timeInRounds } from './rounds.ts'

const wasm = new URL('../node_modules/lightningdevkit/liblightningjs.wasm', import.meta.url)
const vectors = new URL('../spec/vectors/bolt11.json', import.meta.url)

type Vectors = {
  readonly official: {
    readonly valid: readonly { readonly name: string; readonly invoice: string }[]
  }
}

/** Reading the specification's "cup of coffee" invoice. Each reader must agree on its payment hash. */
export const invoiceChapter: Chapter = {
  name: 'invoice',
  title: 'BOLT 11, one decode',
  async run(pace, progress) {
    await initializeWasmFromBinary(readFileSync(wasm))
    const { official } = JSON.parse(readFileSync(vectors, 'utf8')) as Vectors
    const text = official.valid.find(({ name }) => name.includes('cup of coffee'))!.invoice
    const readers = readersOf(text)
    for (const reader of readers) requireSameHash(reader)

    progress(`${readers.length} readers, ${pace.rounds} rounds`)
    const timings = await timeInRounds(
      readers.map((reader) => repeating(reader.who, reader.read)),
      pace,
    )
    return readers.map((reader, i) => ({
      what: `decode, ${reader.checks}`,
      who: reader.who,
      value: timings[i]!.us,
      unit: 'µs',
      range: timings[i]!.range,
      ...(reader.target === undefined ? {} : { target: reader.target }),
    }))
  },
}

type Reader = {
  readonly who: string
  /** What it looks at beyond the fields. */
  readonly checks: string
  readonly target?: Figure['target']
  readonly read: () => unknown
  readonly hash: () => string | undefined
}

function readersOf(text: string): readonly Reader[] {
  return [
    {
      who: ours,
      checks: 'checksum and every field',
      target: { atMost: 6 },
      read: () => decodeInvoiceUnverified(text),
      hash: () => hex(decodeInvoiceUnverified(text).paymentHash),
    },
    {
      who: peer('light-bolt11-decoder'),
      checks: 'checksum',
      read: () => lightBolt11.decode(text),
      hash: () => {
        const found = lightBolt11.decode(text).sections.find(({ name }) => name === 'payment_hash')
        return found !== undefined && 'value' in found ? String(found.value) : undefined
      },
    },
    {
      who: peer('@getalby/lightning-tools'),
      checks: 'checksum',
      read: () => albyDecode(text),
      hash: () => albyDecode(text)?.paymentHash,
    },
    {
      who: ours,
      checks: 'with signature',
      read: () => decodeInvoice(text),
      hash: () => hex(decodeInvoice(text).paymentHash),
    },
    {
      who: peer('bolt11'),
      checks: 'with signature',
      read: () => bolt11.decode(text),
      hash: () => String(bolt11.decode(text).tagsObject.payment_hash),
    },
    {
      who: peer('lightningdevkit'),
      checks: 'with signature',
      read: () => Bolt11Invoice.constructor_from_str(text),
      hash: () => {
        const invoice = Bolt11Invoice.constructor_from_str(text)
        return 'res' in invoice ? hex((invoice.res as Bolt11Invoice).payment_hash()) : undefined
      },
    },
  ]
}

/** @throws {Error} when a reader does not read the invoice: it would be fast for nothing. */
function requireSameHash(reader: Reader): void {
  const expected = '0001020304050607080900010203040506070809000102030405060708090102'
  const hash = reader.hash()
  if (hash !== expected) throw new Error(`${reader.who} reads another payment hash: ${hash}`)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
