import { randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeHex, hashPreimage, msat, preimage } from 'satway'
import type { BudgetLimits, PaymentIntent } from 'satway/client'
import type { Journal } from 'satway/journal'
import { openJournal } from 'satway/journal'
import type { Chapter, Figure } from './figures.ts'
import { median, rangeOf } from './figures.ts'
import { ours } from './peers.ts'

/** What the disk does for a program that writes one page at the end of a file and waits for it. */
const floorWrites = 500
const pageBytes = 4096
/** How many payments are under way at the same time, and how many are made in a round. */
const loads = [
  { inFlight: 1, payments: 400 },
  { inFlight: 8, payments: 1600 },
  { inFlight: 64, payments: 4000 },
] as const

const limits: BudgetLimits = {
  maxTotalMsat: msat(10n ** 15n),
  perHourMsat: msat(10n ** 15n),
  perDayMsat: msat(10n ** 15n),
  perHostMsat: msat(10n ** 15n),
}

/** What it costs to write a payment down so that a power cut cannot lose it. */
export const journalChapter: Chapter = {
  name: 'journal',
  title: 'The journal: payments written down for good',
  async run(pace, progress) {
    const { rounds } = pace
    const share = pace.quick ? 0.25 : 1
    const floor: number[] = []
    const made = new Map<number, number[]>(loads.map(({ inFlight }) => [inFlight, []]))
    for (let round = 1; round <= rounds; round++) {
      progress(`round ${round} of ${rounds}`)
      // The floor is measured between the others: the disk is not the same at all times.
      floor.push(floorPerSecond())
      for (const { inFlight, payments } of loads) {
        made.get(inFlight)!.push(await paymentsPerSecond(inFlight, Math.ceil(payments * share)))
      }
    }
    return [
      figure('a write of 4 KiB and fdatasync, one after the other', floor, 'fs'),
      ...[...made].map(([inFlight, values]) =>
        figure(
          `payments begun, sent and settled with token and receipts, ${inFlight} in flight`,
          values,
          ours,
          inFlight === 64 ? 2000 : undefined,
        ),
      ),
    ]
  },
}

function figure(what: string, values: readonly number[], who: string, atLeast?: number): Figure {
  return {
    what,
    who,
    value: median(values),
    unit: 'per second',
    range: rangeOf(values),
    ...(atLeast !== undefined && { target: { atLeast } }),
  }
}

function floorPerSecond(): number {
  const folder = mkdtempSync(join(tmpdir(), 'satway-bench-'))
  const file = openSync(join(folder, 'floor'), 'w', 0o600)
  const page = Buffer.alloc(pageBytes, 1)
  try {
    const began = performance.now()
    for (let i = 0; i < floorWrites; i++) {
      writeSync(file, page)
      fdatasyncSync(file)
    }
    return floorWrites / ((performance.now() - began) / 1000)
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function paymentsPerSecond(inFlight: number, payments: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-bench-'))
  const journal = await openJournal({ path: join(folder, 'journal.db'), key: randomBytes(32) })
  const proofs = Array.from({ length: payments }, () => preimage(randomBytes(32)))
  try {
    const began = performance.now()
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let next = proofs.pop(); next !== undefined; next = proofs.pop()) {
          await payOnce(journal, encodeHex(next), encodeHex(hashPreimage(next)))
        }
      }),
    )
    const seconds = (performance.now() - began) / 1000
    const kept = await journal.tokens.list()
    if (kept.length !== payments) throw new Error('the benchmark lost a payment')
    return payments / seconds
  } finally {
    await journal.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One purchase at one host, of its own thing, with a token and an invoice of the usual size. */
async function payOnce(journal: Journal, proof: string, paymentHash: string): Promise<void> {
  const nowSeconds = Date.now() / 1000
  const intent: PaymentIntent = {
    paymentHash,
    origin: 'https://shop.example',
    host: 'shop.example',
    method: 'GET',
    url: `https://shop.example/image?id=${paymentHash}`,
    target: `GET /image?id=${paymentHash}`,
    coverage: `services=shop:0\nshop_capabilities=${paymentHash}`,
    hasBody: false,
    scheme: 'L402',
    token: paymentHash + 'A'.repeat(240),
    invoice: `lnbc10n1${'q'.repeat(290)}`,
    amountMsat: msat(1000n),
    maxFeeMsat: msat(10n),
    enforces: ['exp', 'req'],
    decidedBy: 'policy',
    createdAtSeconds: nowSeconds,
    leaseUntilSeconds: nowSeconds + 90,
    walletId: undefined,
    orderLagSeconds: undefined,
  }
  const { ledger } = journal
  const begun = await ledger.begin(intent, limits)
  if (begun.status !== 'begun') throw new Error(`the benchmark was ${begun.status}`)
  if (!(await ledger.send(paymentHash, 1))) throw new Error('the benchmark was not sent')
  await ledger.record(
    paymentHash,
    { state: 'settled', preimage: proof, feeMsat: msat(1n), owed: false },
    nowSeconds,
    1,
  )
}
