import { readFileSync } from 'node:fs'
import { decodeInvoice as albyDecode } from '@getalby/lightning-tools/bolt11'
import bolt11 from 'bolt11'
import lightBolt11 from 'light-bolt11-decoder'
import { Bolt11Invoice, initializeWasmFromBinary } from 'lightningdevkit'
import { decodeInvoice, decodeInvoiceUnverified } from 'satway'
import type { Chapter, Figure } from './figures.ts'
import { ours, peer } from './peers.ts'
import type { Subject, Subjects } from './rounds.ts'
import { repeat, timeInRounds } from './rounds.ts'

type Row = Pick<Figure, 'what' | 'who' | 'target'> & { readonly subject: string }

const unsigned = 'decode and checksum, signature not looked at'
const signed = 'decode, checksum and signature'

const rows: readonly Row[] = [
  { what: unsigned, who: ours, target: { atMost: 6 }, subject: 'unverified' },
  { what: unsigned, who: peer('light-bolt11-decoder'), subject: 'lightBolt11' },
  { what: unsigned, who: peer('@getalby/lightning-tools'), subject: 'alby' },
  { what: signed, who: ours, subject: 'verified' },
  { what: signed, who: peer('bolt11'), subject: 'bolt11' },
  { what: signed, who: peer('lightningdevkit'), subject: 'ldk' },
]

/** Reading the specification's "cup of coffee" invoice. */
export const invoiceChapter: Chapter = {
  name: 'invoice',
  title: 'BOLT 11, one decode',
  async run(pace, progress) {
    progress(`${rows.length} readers, ${pace.rounds} rounds`)
    const names = rows.map(({ subject }) => subject)
    const timings = await timeInRounds(import.meta.url, names, pace)
    return rows.map(({ subject, ...row }) => {
      const { us, range } = timings.get(subject)!
      return { ...row, value: us, unit: 'µs', range }
    })
  },
}

export const subjects: Subjects = {
  unverified: () =>
    reader(decodeInvoiceUnverified, ({ paymentHash }) => Buffer.from(paymentHash).toString('hex')),
  verified: () =>
    reader(decodeInvoice, ({ paymentHash }) => Buffer.from(paymentHash).toString('hex')),
  lightBolt11: () =>
    reader(lightBolt11.decode, ({ sections }) => {
      const hash = sections.find(({ name }) => name === 'payment_hash')
      return hash !== undefined && 'value' in hash ? hash.value : undefined
    }),
  alby: () => reader(albyDecode, (invoice) => invoice?.paymentHash),
  bolt11: () =>
    reader(
      (text) => bolt11.decode(text),
      ({ tagsObject }) => tagsObject.payment_hash,
    ),
  async ldk() {
    const wasm = new URL('../node_modules/lightningdevkit/liblightningjs.wasm', import.meta.url)
    await initializeWasmFromBinary(readFileSync(wasm))
    return reader(Bolt11Invoice.constructor_from_str, (result) => {
      if (!('res' in result) || !(result.res instanceof Bolt11Invoice)) return undefined
      return Buffer.from(result.res.payment_hash()).toString('hex')
    })
  },
}

/** @throws {Error} for a reader that does not find the payment hash: it would be fast for nothing. */
function reader<Result>(
  read: (text: string) => Result,
  hashOf: (result: Result) => unknown,
): Subject {
  const text = coffee()
  const expected = '0001020304050607080900010203040506070809000102030405060708090102'
  const found = hashOf(read(text))
  if (found !== expected) throw new Error(`a reader finds another payment hash: ${String(found)}`)
  return repeat(() => read(text))
}

type Vectors = {
  readonly official: {
    readonly valid: readonly { readonly name: string; readonly invoice: string }[]
  }
}

function coffee(): string {
  const path = new URL('../spec/vectors/bolt11.json', import.meta.url)
  const { official } = JSON.parse(readFileSync(path, 'utf8')) as Vectors
  const vector = official.valid.find(({ name }) => name.includes('cup of coffee'))
  if (vector === undefined) throw new Error('the vectors have no cup of coffee')
  return vector.invoice
}
