import { readFileSync } from 'node:fs'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bech32, bech32m, createBase58check } from '@scure/base'
import bolt11 from 'bolt11'
import {
  Bolt11Invoice,
  Currency,
  initializeWasmFromBinary,
  Option_CVec_u8ZZ_Some,
  Option_u64Z_Some,
  Result_Bolt11InvoiceParseOrSemanticErrorZ_OK,
} from 'lightningdevkit'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Network, RouteHop, UnverifiedInvoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice, encodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'

// Two other readers of BOLT 11 are asked about generated invoices: npm `bolt11` 1.4.1 and LDK 0.1.0
// (Rust, as WASM). Nothing here comes from our own encoder: bech32 is that of @scure/base, the
// layout is written down once more. Whatever two readers disagree on must have a name below.

const cases = Number(process.env['SATWAY_ORACLE_CASES'] ?? 2000)
const base58check = createBase58check(sha256)

// ---------------------------------------------------------------------------------- the generator

type Random = (below: number) => number

/** xorshift32: seeded, and the same on every machine. */
function createRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

type Words = readonly number[]

/** What is put into an invoice, before it is signed. */
type Draft = {
  currency: string
  amount: string
  timestamp: number
  p: Words[]
  s: Words[]
  d: Words[]
  h: Words[]
  n: Words[]
  x: Words[]
  c: Words[]
  m: Words[]
  f: Words[]
  r: Words[]
  features: Words[]
  unknown: Words[]
  /** Words that stand after the last field. */
  tail: Words
  alter: (signature: Uint8Array) => void
}

const tags = { p: 1, s: 16, d: 13, h: 23, n: 19, x: 6, c: 24, m: 27, f: 9, r: 3, features: 5 }

function wordsOf(bytes: Uint8Array): Words {
  return bech32.toWords(bytes)
}

function bigEndian(value: number | bigint, length?: number): Words {
  const words: number[] = []
  for (let rest = BigInt(value); rest > 0n; rest /= 32n) words.unshift(Number(rest % 32n))
  while (words.length < (length ?? 1)) words.unshift(0)
  return words
}

function bits(...set: readonly number[]): Words {
  return bigEndian(set.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n))
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256))
}

function pick<T>(random: Random, ...choices: readonly T[]): T {
  return choices[random(choices.length)]!
}

/** Public keys, which LDK wants to be points of the curve. */
const publicKeys = Array.from({ length: 16 }, (_, i) =>
  secp256k1.getPublicKey(new Uint8Array(32).fill(i + 1)),
)

function randomHop(random: Random): Uint8Array {
  return Uint8Array.of(...publicKeys[random(publicKeys.length)]!, ...randomBytes(random, 18))
}

function randomText(random: Random): Buffer {
  const letters = ['a', 'Z', '0', ' ', '"', '<', 'é', 'ナ', '😀', '\n', '%']
  const length = pick(random, 0, 1, 5, 20, 60)
  return Buffer.from(Array.from({ length }, () => pick(random, ...letters)).join(''))
}

function randomAmount(random: Random): string {
  const digits = () => String(1 + random(pick(random, 9, 999, 2_000_000)))
  if (random(20) === 0) return pick(random, '21000000', '20999999999999999990p')
  return pick(
    random,
    '',
    `${1 + random(2_000_000)}`,
    `${digits()}m`,
    `${digits()}u`,
    `${digits()}n`,
    `${digits()}0p`,
  )
}

function cleanDraft(random: Random): Draft {
  const described = random(3) > 0
  return {
    currency: pick(random, 'bc', 'tb', 'tbs', 'bcrt', 'sb'),
    amount: randomAmount(random),
    timestamp: pick(random, 0, 1_700_000_000, 2 ** 35 - 1, random(2 ** 31)),
    p: [wordsOf(randomBytes(random, 32))],
    s: [wordsOf(randomBytes(random, 32))],
    d: described ? [wordsOf(randomText(random))] : [],
    h: described ? [] : [wordsOf(randomBytes(random, 32))],
    n: random(3) === 0 ? [[]] : [], // the signer's, filled in below
    x: random(2) === 0 ? [bigEndian(pick(random, 0, 1, 60, 3600, 604_800, 2 ** 31))] : [],
    c: random(2) === 0 ? [bigEndian(pick(random, 0, 9, 18, 40, 144, 2016, 65_535))] : [],
    m: random(3) === 0 ? [wordsOf(randomBytes(random, random(40)))] : [],
    f: Array.from({ length: pick(random, 0, 0, 1, 2) }, () => randomFallback(random)),
    r: Array.from({ length: pick(random, 0, 0, 1, 2) }, () =>
      wordsOf(Buffer.concat(Array.from({ length: 1 + random(3) }, () => randomHop(random)))),
    ),
    features: [
      pick(random, bits(8, 14), bits(9, 15), bits(8, 14, 17), bits(9, 14, 16, 49), bits(8, 14, 99)),
    ],
    unknown: random(3) === 0 ? [Array.from({ length: random(20) }, () => random(32))] : [],
    tail: [],
    alter: () => {},
  }
}

function randomFallback(random: Random): Words {
  const [version, length] = pick(
    random,
    [17, 20],
    [18, 20],
    [0, 20],
    [0, 32],
    [1, 32],
    [2, 2],
    [16, 40],
  )
  return [version!, ...wordsOf(randomBytes(random, length!))]
}

/** What can be wrong or strange with an invoice. One of these is done to half of the invoices. */
const oddities = {
  'leading zero in the amount': (draft) => {
    draft.amount = `0${draft.amount || '1u'}`
  },
  'amount of zero': (draft) => {
    draft.amount = '0u'
  },
  'fraction of a msat': (draft) => {
    draft.amount = '15p'
  },
  'more than 21 million BTC': (draft) => {
    draft.amount = '21000001'
  },
  'unknown multiplier': (draft) => {
    draft.amount = '5k'
  },
  'unknown currency': (draft) => {
    draft.currency = 'xx'
  },
  'no payment hash': (draft) => {
    draft.p = []
  },
  'two payment hashes': (draft, random) => {
    draft.p.push(wordsOf(randomBytes(random, 32)))
  },
  'payment hash of another length beside the right one': (draft) => {
    draft.p.push(Array<number>(51).fill(1))
  },
  'payment hash with padding': (draft) => {
    draft.p = [[...draft.p[0]!.slice(0, -1), draft.p[0]!.at(-1)! | 1]]
  },
  'no payment secret': (draft) => {
    draft.s = []
  },
  'two payment secrets': (draft, random) => {
    draft.s.push(wordsOf(randomBytes(random, 32)))
  },
  'payment secret of another length beside the right one': (draft) => {
    draft.s.push(Array<number>(53).fill(1))
  },
  'no description': (draft) => {
    draft.d = []
    draft.h = []
  },
  'both descriptions': (draft, random) => {
    draft.d = [wordsOf(randomText(random))]
    draft.h = [wordsOf(randomBytes(random, 32))]
  },
  'two descriptions': (draft) => {
    draft.d = [wordsOf(Buffer.from('first')), wordsOf(Buffer.from('second'))]
    draft.h = []
  },
  'description that is not UTF-8': (draft) => {
    draft.d = [wordsOf(Uint8Array.of(0x61, 0xff))]
    draft.h = []
  },
  'description with padding': (draft) => {
    draft.d = [[...wordsOf(Buffer.from('hi')).slice(0, -1), 31]]
    draft.h = []
  },
  'description with a word too many': (draft) => {
    draft.d = [[...wordsOf(Buffer.from('hello')), 0]]
    draft.h = []
  },
  'description hash of another length beside the description': (draft) => {
    draft.d = [wordsOf(Buffer.from('hi'))]
    draft.h = [Array<number>(51).fill(1)]
  },
  'description of 639 bytes': (draft) => {
    draft.d = [wordsOf(new Uint8Array(639).fill(0x61))]
    draft.h = []
  },
  'payee of another length': (draft) => {
    draft.n = [Array<number>(52).fill(1)]
  },
  'payee who did not sign': (draft) => {
    draft.n = [wordsOf(publicKeys[3]!)]
  },
  'payee that is no point of the curve': (draft) => {
    draft.n = [wordsOf(new Uint8Array(33).fill(9))]
  },
  'expiry with a leading zero': (draft) => {
    draft.x = [[0, 5]]
  },
  'expiry of 50 bits': (draft) => {
    draft.x = [Array<number>(10).fill(31)]
  },
  'expiry of 51 bits': (draft) => {
    draft.x = [[1, ...Array<number>(10).fill(0)]]
  },
  'expiry of 70 bits': (draft) => {
    draft.x = [Array<number>(14).fill(31)]
  },
  'two expiries': (draft) => {
    draft.x = [bigEndian(60), bigEndian(600)]
  },
  'final CLTV expiry with a leading zero': (draft) => {
    draft.c = [[0, 5]]
  },
  'two final CLTV expiries': (draft) => {
    draft.c = [bigEndian(40), bigEndian(50)]
  },
  'unknown even feature': (draft) => {
    draft.features = [bits(8, 14, 100)]
  },
  'features with a leading zero': (draft) => {
    draft.features = [[0, ...bits(8, 14)]]
  },
  'no features': (draft) => {
    draft.features = []
  },
  'feature of blinded paths': (draft) => {
    draft.features = [bits(8, 14, 24, 262)]
  },
  'fallback of a version to come': (draft, random) => {
    draft.f = [[19, ...wordsOf(randomBytes(random, 20))]]
  },
  'fallback of a wrong length': (draft) => {
    draft.f = [[17, ...wordsOf(new Uint8Array(21))]]
  },
  'witness program of a wrong length': (draft) => {
    draft.f = [[0, ...wordsOf(new Uint8Array(25))]]
  },
  'empty fallback': (draft) => {
    draft.f = [[]]
  },
  'route without hops': (draft) => {
    draft.r = [[]]
  },
  'route of 50 bytes': (draft, random) => {
    draft.r = [wordsOf(randomHop(random).subarray(1))]
  },
  'route over a key that is no point of the curve': (draft) => {
    draft.r = [wordsOf(new Uint8Array(51).fill(7))]
  },
  'field longer than the invoice': (draft) => {
    draft.tail = [2, 31, 31]
  },
  'field that is cut': (draft) => {
    draft.tail = [2, 0]
  },
  'high s': (draft) => {
    draft.alter = (signature) => {
      const s = BigInt(`0x${hex(signature.subarray(32, 64))}`)
      signature.set(bytesOf(secp256k1.Point.Fn.ORDER - s, 32), 32)
      signature[64]! ^= 1
    }
  },
  'another recovery id': (draft) => {
    draft.alter = (signature) => {
      signature[64]! ^= 1
    }
  },
  'recovery id of 4': (draft) => {
    draft.alter = (signature) => {
      signature[64] = 4
    }
  },
  'signature of zeros': (draft) => {
    draft.alter = (signature) => {
      signature.fill(0, 0, 64)
    }
  },
} satisfies Readonly<Record<string, (draft: Draft, random: Random) => void>>

type Oddity = keyof typeof oddities

type Case = {
  readonly text: string
  readonly draft: Draft
  /** `undefined`: an invoice as it should be. */
  readonly oddity: Oddity | undefined
}

function generate(random: Random): Case {
  const privateKey = randomBytes(random, 32)
  const draft = cleanDraft(random)
  if (draft.n.length > 0) draft.n = [wordsOf(secp256k1.getPublicKey(privateKey))]
  const names = Object.keys(oddities) as Oddity[]
  const oddity = random(2) === 0 ? undefined : names[random(names.length)]!
  if (oddity !== undefined) oddities[oddity](draft, random)
  return { text: write(draft, privateKey), draft, oddity }
}

function write(draft: Draft, privateKey: Uint8Array): string {
  const prefix = `ln${draft.currency}${draft.amount}`
  const words = [...bigEndian(draft.timestamp, 7)]
  for (const [name, tag] of [...Object.entries(tags), ['unknown', 2] as const]) {
    for (const data of draft[name as keyof typeof tags | 'unknown']) {
      words.push(tag, ...bigEndian(data.length, 2), ...data)
    }
  }
  words.push(...draft.tail)

  const bitText = words.map((word) => word.toString(2).padStart(5, '0')).join('')
  const packed = (bitText.match(/.{1,8}/g) ?? []).map((byte) =>
    Number.parseInt(byte.padEnd(8, '0'), 2),
  )
  const hash = sha256(Uint8Array.of(...Buffer.from(prefix), ...packed))
  const signed = secp256k1.sign(hash, privateKey, { prehash: false, format: 'recovered' })
  const signature = Uint8Array.of(...signed.subarray(1), signed[0]!)
  draft.alter(signature)
  const text = bech32.encode(prefix, [...words, ...wordsOf(signature)], false)
  return draft.timestamp % 2 === 0 ? text : text.toUpperCase()
}

// ------------------------------------------------------------------------------------ the readers

/** What a reader understood, in one spelling for all three; or why it refused. */
type Reading = { readonly refused: string } | { readonly [fact: string]: unknown }

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function bytesOf(value: bigint, length: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
}

function hopText(hop: RouteHop): string {
  const fees = `${hop.feeBaseMsat} ${hop.feeProportionalMillionths}`
  return `${hex(hop.nodeId)} ${hex(hop.shortChannelId)} ${fees} ${hop.cltvExpiryDelta}`
}

function readOurs(text: string): Reading {
  try {
    const invoice = decodeInvoice(text)
    return {
      network: invoice.network,
      amountMsat: invoice.amountMsat?.toString(),
      timestamp: invoice.timestampSeconds,
      paymentHash: hex(invoice.paymentHash),
      paymentSecret: hex(invoice.paymentSecret),
      description: invoice.description,
      descriptionHash: invoice.descriptionHash && hex(invoice.descriptionHash),
      expiry: invoice.expirySeconds,
      finalCltv: invoice.minFinalCltvExpiry,
      features: invoice.featureBits.join(),
      fallbacks: invoice.fallbacks
        .map(({ version, program }) => `${version} ${hex(program)}`)
        .join(),
      addresses: addresses(invoice).join(),
      routes: invoice.routes.map((hops) => hops.map(hopText).join()).join(';'),
      metadata: invoice.metadata && hex(invoice.metadata),
      payee: hex(invoice.payee),
    }
  } catch (error) {
    if (!isL402Error(error)) throw error
    return { refused: error.code }
  }
}

/** The fallbacks as Bitcoin addresses, which is how LDK gives them. */
function addresses({ network, fallbacks }: UnverifiedInvoice): string[] {
  const main = network === 'bitcoin'
  const segwit = { bitcoin: 'bc', testnet: 'tb', signet: 'tb', regtest: 'bcrt', simnet: 'bcrt' }[
    network
  ]
  return fallbacks.map(({ version, program }) => {
    if (version === 17) return base58check.encode(Uint8Array.of(main ? 0x00 : 0x6f, ...program))
    if (version === 18) return base58check.encode(Uint8Array.of(main ? 0x05 : 0xc4, ...program))
    const coder = version === 0 ? bech32 : bech32m
    return coder.encode(segwit, [version, ...coder.toWords(program)])
  })
}

const bolt11Networks: Readonly<Record<string, Network>> = {
  bc: 'bitcoin',
  tb: 'testnet',
  bcrt: 'regtest',
  sb: 'simnet',
}

function readBolt11(text: string): Reading {
  let invoice: ReturnType<typeof bolt11.decode>
  try {
    invoice = bolt11.decode(text)
  } catch (error) {
    return { refused: String(error) }
  }
  const all = (name: string) => invoice.tags.filter(({ tagName }) => tagName === name)
  const one = (name: string) => invoice.tagsObject[name as 'description']
  const unknown = (invoice.tagsObject.unknownTags ?? []) as { tagCode: number; words: string }[]
  const metadata = unknown.find(({ tagCode }) => tagCode === tags.m)
  type Theirs = {
    pubkey: string
    short_channel_id: string
    fee_base_msat: number
    fee_proportional_millionths: number
    cltv_expiry_delta: number
  }
  return {
    network: bolt11Networks[invoice.network?.bech32 ?? ''],
    amountMsat: invoice.millisatoshis ?? undefined,
    timestamp: invoice.timestamp,
    paymentHash: one('payment_hash'),
    paymentSecret: one('payment_secret'),
    description: one('description'),
    descriptionHash: one('purpose_commit_hash'),
    expiry: one('expire_time') ?? 3600,
    finalCltv: one('min_final_cltv_expiry') ?? 18,
    features: bolt11Features(invoice.tagsObject.feature_bits),
    fallbacks: (
      all('fallback_address').map(({ data }) => data) as { code: number; addressHash: string }[]
    )
      .map(({ code, addressHash }) => `${code} ${addressHash}`)
      .join(),
    routes: (all('routing_info').map(({ data }) => data) as Theirs[][])
      .map((hops) =>
        hops
          .map((hop) =>
            [
              hop.pubkey,
              hop.short_channel_id,
              hop.fee_base_msat,
              hop.fee_proportional_millionths,
              hop.cltv_expiry_delta,
            ].join(' '),
          )
          .join(),
      )
      .join(';'),
    metadata:
      metadata &&
      hex(bech32.fromWords(bech32.decode(metadata.words as `${string}1${string}`, false).words)),
    payee: invoice.payeeNodeKey,
  }
}

function bolt11Features(features: unknown): string {
  if (features === undefined) return ''
  const { word_length, extra_bits, ...named } = features as {
    word_length: number
    extra_bits: { start_bit: number; bits: boolean[] }
  } & Record<string, { required: boolean; supported: boolean }>
  const set: number[] = []
  Object.values(named).forEach(({ required, supported }, i) => {
    if (required) set.push(2 * i)
    if (supported) set.push(2 * i + 1)
  })
  extra_bits.bits.forEach((bit, i) => {
    if (bit) set.push(extra_bits.start_bit + i)
  })
  return set.join()
}

const ldkNetworks: Readonly<Record<Currency, Network>> = {
  [Currency.LDKCurrency_Bitcoin]: 'bitcoin',
  [Currency.LDKCurrency_BitcoinTestnet]: 'testnet',
  [Currency.LDKCurrency_Regtest]: 'regtest',
  [Currency.LDKCurrency_Simnet]: 'simnet',
  [Currency.LDKCurrency_Signet]: 'signet',
}

function readLdk(text: string): Reading {
  const result = Bolt11Invoice.constructor_from_str(text)
  if (!(result instanceof Result_Bolt11InvoiceParseOrSemanticErrorZ_OK)) return { refused: 'LDK' }
  const invoice = result.res
  const raw = invoice.into_signed_raw().raw_invoice()
  const amount = invoice.amount_milli_satoshis()
  const metadata = invoice.payment_metadata()
  const flags = invoice.features().le_flags()
  const set = Array.from({ length: 8 * flags.length }, (_, bit) => bit)
  const description = raw.description()
  const isDescribed = (description as unknown as { ptr: bigint }).ptr !== 0n
  return {
    network: ldkNetworks[invoice.currency()],
    amountMsat: amount instanceof Option_u64Z_Some ? amount.some.toString() : undefined,
    timestamp: Number(invoice.duration_since_epoch()),
    paymentHash: hex(invoice.payment_hash()),
    paymentSecret: hex(invoice.payment_secret()),
    description: isDescribed ? description.into_inner().get_a() : undefined,
    expiry: Number(invoice.expiry_time()),
    finalCltv: Number(invoice.min_final_cltv_expiry_delta()),
    features: set.filter((bit) => (flags[bit >> 3]! >> (bit & 7)) & 1).join(),
    addresses: invoice.fallback_addresses().join(),
    routes: invoice
      .private_routes()
      .map((route) =>
        route
          .into_inner()
          .get_a()
          .map((hop) =>
            hopText({
              nodeId: hop.get_src_node_id(),
              // The binding hands out unsigned numbers as signed ones.
              shortChannelId: bytesOf(BigInt.asUintN(64, hop.get_short_channel_id()), 8),
              feeBaseMsat: hop.get_fees().get_base_msat() >>> 0,
              feeProportionalMillionths: hop.get_fees().get_proportional_millionths() >>> 0,
              cltvExpiryDelta: hop.get_cltv_expiry_delta() & 0xffff,
            }),
          )
          .join(),
      )
      .join(';'),
    metadata: metadata instanceof Option_CVec_u8ZZ_Some ? hex(metadata.some) : undefined,
    payee: hex(invoice.get_payee_pub_key()),
  }
}

// ------------------------------------------------------------------------------- the disagreements

type Disagreement = {
  readonly who: 'bolt11' | 'LDK'
  /** `they refuse`, `they accept`, or the name of the fact on which two readings differ. */
  readonly about: string
}

type Explanation = {
  readonly who: Disagreement['who']
  readonly why: string
  readonly about: readonly string[]
  readonly when: (it: Case) => boolean
}

function odd(...names: readonly Oddity[]): Explanation['when'] {
  return ({ oddity }) => oddity !== undefined && names.includes(oddity)
}

const namesPayee: Explanation['when'] = ({ draft }) => draft.n.length > 0

/** Each with the rule of ours behind it, or with the limit of theirs. All must turn up. */
const explanations: readonly Explanation[] = [
  {
    who: 'bolt11',
    why: 'has no signet',
    about: ['they refuse'],
    when: ({ draft }) => draft.currency === 'tbs',
  },
  {
    who: 'bolt11',
    why: 'reads amounts that are zero or begin with it (R-INV-7)',
    about: ['they accept'],
    when: odd('amount of zero', 'leading zero in the amount'),
  },
  {
    who: 'bolt11',
    why: 'takes what is left of a field that is cut (R-INV-9)',
    about: ['they accept'],
    when: odd('field longer than the invoice', 'field that is cut'),
  },
  {
    who: 'bolt11',
    why: 'does not look at padding (R-INV-10)',
    about: ['they accept'],
    when: odd(
      'payment hash with padding',
      'description with padding',
      'description with a word too many',
    ),
  },
  {
    who: 'bolt11',
    why: 'asks for no payment hash, no payment secret and no description (R-INV-11, R-INV-12)',
    about: ['they accept'],
    when: odd('no payment hash', 'no payment secret', 'no description', 'both descriptions'),
  },
  {
    who: 'bolt11',
    why: 'keeps the last of several fields (R-INV-11, R-INV-17)',
    about: ['they accept', 'description', 'expiry', 'finalCltv'],
    when: odd(
      'two payment hashes',
      'two payment secrets',
      'two descriptions',
      'two expiries',
      'two final CLTV expiries',
    ),
  },
  {
    who: 'bolt11',
    why: 'takes hashes of any length (R-INV-11, R-INV-12)',
    about: ['paymentHash', 'paymentSecret', 'descriptionHash'],
    when: odd(
      'payment hash of another length beside the right one',
      'payment secret of another length beside the right one',
      'description hash of another length beside the description',
    ),
  },
  {
    who: 'bolt11',
    why: 'takes an n of any length, and finds that it did not sign (R-INV-19)',
    about: ['they refuse'],
    when: odd('payee of another length'),
  },
  {
    who: 'bolt11',
    why: 'puts U+FFFD where a description is not UTF-8 (R-INV-12)',
    about: ['they accept'],
    when: odd('description that is not UTF-8'),
  },
  {
    who: 'bolt11',
    why: 'reads numbers and features with leading zeros (R-INV-13)',
    about: ['they accept'],
    when: odd(
      'expiry with a leading zero',
      'final CLTV expiry with a leading zero',
      'features with a leading zero',
    ),
  },
  {
    who: 'bolt11',
    why: 'makes a Date of the expiry, which ends in the year 275760',
    about: ['they refuse'],
    when: odd('expiry of 50 bits'),
  },
  {
    who: 'bolt11',
    why: 'reads routes without hops, and half a hop (R-INV-14)',
    about: ['they accept'],
    when: odd('route without hops', 'route of 50 bytes'),
  },
  {
    who: 'bolt11',
    why: 'keeps fallbacks that are none (R-INV-15)',
    about: ['fallbacks'],
    when: odd(
      'fallback of a version to come',
      'witness program of a wrong length',
      'empty fallback',
    ),
  },
  {
    who: 'bolt11',
    why: 'fails on a hash of 21 bytes in a fallback (R-INV-15)',
    about: ['they refuse'],
    when: odd('fallback of a wrong length'),
  },
  {
    who: 'bolt11',
    why: 'leaves features to its caller (R-INV-16)',
    about: ['they accept'],
    when: odd('unknown even feature'),
  },
  {
    who: 'bolt11',
    why: 'compares n with the recovered key instead of verifying (R-INV-19)',
    about: ['they accept', 'they refuse'],
    when: (it) => namesPayee(it) && odd('high s', 'another recovery id')(it),
  },
  {
    who: 'LDK',
    why: 'reads at most 1023 characters in this version (R-INV-1)',
    about: ['they refuse'],
    when: ({ text }) => text.length > 1023,
  },
  {
    who: 'LDK',
    why: 'counts in tenths of a msat and 64 bits, which end at 18.4 million BTC',
    about: ['they refuse', 'amountMsat'],
    when: ({ draft }) => draft.amount === '21000000' || draft.amount === '20999999999999999990p',
  },
  {
    who: 'LDK',
    why: 'checks the signature over its own spelling, in which zero has no words (R-INV-13)',
    about: ['they refuse', 'payee'],
    when: ({ draft }) => [...draft.x, ...draft.c].some((words) => words.join() === '0'),
  },
  {
    who: 'LDK',
    why: 'reads amounts that are zero, begin with it, or exceed all money (R-INV-7)',
    about: ['they accept'],
    when: odd('amount of zero', 'leading zero in the amount', 'more than 21 million BTC'),
  },
  {
    who: 'LDK',
    why: 'does not look at padding (R-INV-10)',
    about: ['they accept'],
    when: odd(
      'payment hash with padding',
      'description with padding',
      'description with a word too many',
    ),
  },
  {
    who: 'LDK',
    why: 'allows one description and not two (R-INV-17)',
    about: ['they refuse'],
    when: odd('two descriptions'),
  },
  {
    who: 'LDK',
    why: 'reads numbers and features with leading zeros, and numbers of 64 bits (R-INV-13)',
    about: ['they accept'],
    when: odd(
      'expiry with a leading zero',
      'expiry of 51 bits',
      'final CLTV expiry with a leading zero',
      'features with a leading zero',
    ),
  },
  {
    who: 'LDK',
    why: 'reads routes without hops (R-INV-14)',
    about: ['they accept'],
    when: odd('route without hops'),
  },
  {
    who: 'LDK',
    why: 'wants the keys of a route to be points (R-INV-14)',
    about: ['they refuse'],
    when: odd('route over a key that is no point of the curve'),
  },
  {
    who: 'LDK',
    why: 'refuses the invoice for a fallback of a wrong length (R-INV-15)',
    about: ['they refuse'],
    when: odd('fallback of a wrong length', 'empty fallback'),
  },
  {
    who: 'LDK',
    why: 'wants the feature of the payment secret to be set (R-INV-16)',
    about: ['they refuse'],
    when: odd('no features'),
  },
  {
    who: 'LDK',
    why: 'does not know blinded paths in this version (R-INV-16)',
    about: ['they refuse'],
    when: odd('feature of blinded paths'),
  },
  {
    who: 'LDK',
    why: 'refuses a high s also without n (R-INV-20)',
    about: ['they refuse'],
    when: (it) => !namesPayee(it) && odd('high s')(it),
  },
]

function disagreements(who: Disagreement['who'], ours: Reading, theirs: Reading): Disagreement[] {
  if ('refused' in ours && 'refused' in theirs) return []
  if ('refused' in theirs) return [{ who, about: 'they refuse' }]
  if ('refused' in ours) return [{ who, about: 'they accept' }]
  const facts = Object.keys(theirs).filter((fact) => ours[fact as never] !== theirs[fact as never])
  return facts.map((about) => ({ who, about }))
}

beforeAll(async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue() // LDK announces itself
  const wasm = new URL('../../node_modules/lightningdevkit/liblightningjs.wasm', import.meta.url)
  await initializeWasmFromBinary(readFileSync(wasm))
  log.mockRestore()
})

describe('generated invoices mean the same to bolt11 and to LDK', () => {
  test(`R-INV-6 R-INV-9 R-INV-18 ${cases} of them, half of them odd`, () => {
    const random = createRandom(402)
    const counts = new Map(explanations.map(({ who, why }) => [`${who} ${why}`, 0]))
    const unexplained: string[] = []
    const agreed = { accepting: 0, refusing: 0 }
    for (let i = 0; i < cases; i++) {
      const it = generate(random)
      const ours = readOurs(it.text)
      const found = [
        ...disagreements('bolt11', ours, readBolt11(it.text)),
        ...disagreements('LDK', ours, readLdk(it.text)),
      ]
      if (found.length === 0) agreed['refused' in ours ? 'refusing' : 'accepting']++
      for (const { who, about } of found) {
        const reasons = explanations.filter(
          (explanation) =>
            explanation.who === who && explanation.about.includes(about) && explanation.when(it),
        )
        if (reasons.length === 0)
          unexplained.push(`${who}, ${about}, ${it.oddity ?? 'clean'}: ${it.text}`)
        for (const { why } of reasons) counts.set(`${who} ${why}`, counts.get(`${who} ${why}`)! + 1)
      }
    }
    expect(unexplained).toEqual([])
    expect([...counts].filter(([, count]) => count === 0)).toEqual([])
    expect(agreed.accepting).toBeGreaterThan(cases / 4)
    expect(agreed.refusing).toBeGreaterThan(cases / 25)
  })
})

describe('what one writes the other reads', () => {
  const hash = 'ab'.repeat(32)
  const privateKey = new Uint8Array(32).fill(7)

  test('R-INV-28 invoices of ours, by bolt11 and by LDK', () => {
    const random = createRandom(11)
    for (let i = 0; i < 200; i++) {
      const text = encodeInvoice(
        {
          network: pick(random, 'bitcoin', 'testnet', 'regtest', 'simnet'),
          amountMsat: random(5) === 0 ? undefined : msat(BigInt(1 + random(2 ** 31))),
          timestampSeconds: random(2 ** 31),
          paymentHash: paymentHash(randomBytes(random, 32)),
          paymentSecret: randomBytes(random, 32),
          ...(random(2) === 0
            ? { description: randomText(random).toString() }
            : { descriptionHash: randomBytes(random, 32) }),
          ...(random(2) === 0 ? { expirySeconds: pick(random, 0, 1, 60, 3600, 31_536_000) } : {}),
          ...(random(2) === 0 ? { minFinalCltvExpiry: pick(random, 0, 18, 144) } : {}),
          ...(random(2) === 0 ? { metadata: randomBytes(random, random(20)) } : {}),
          includePayee: random(2) === 0,
          featureBits: pick(random, [8, 14], [9, 15, 17], [8, 14, 17, 99]),
        },
        privateKey,
      )
      const ours = readOurs(text)
      expect(ours).not.toHaveProperty('refused')
      expect(disagreements('bolt11', ours, readBolt11(text))).toEqual([])
      expect(disagreements('LDK', ours, readLdk(text))).toEqual([])
    }
  })

  for (const tags of [
    [{ tagName: 'description', data: 'a cup of ☕' }],
    [{ tagName: 'purpose_commit_hash', data: hash }],
    [
      { tagName: 'description', data: '' },
      { tagName: 'expire_time', data: 60 },
      { tagName: 'min_final_cltv_expiry', data: 144 },
      { tagName: 'fallback_address', data: { code: 17, addressHash: 'cd'.repeat(20) } },
    ],
  ]) {
    test(`R-INV-28 an invoice of bolt11 with ${tags.map(({ tagName }) => tagName).join(', ')}`, () => {
      const unsigned = bolt11.encode({
        satoshis: 1234,
        timestamp: 1_700_000_000,
        tags: [
          { tagName: 'payment_hash', data: hash },
          { tagName: 'payment_secret', data: hash },
          ...tags,
        ] as never,
      })
      const text = bolt11.sign(unsigned, hex(privateKey)).paymentRequest!
      const ours = readOurs(text)
      expect(ours).toMatchObject({ amountMsat: '1234000', paymentHash: hash, paymentSecret: hash })
      expect(disagreements('bolt11', ours, readBolt11(text))).toEqual([])
      expect(disagreements('LDK', ours, readLdk(text))).toEqual([])
    })
  }
})
