// One process of several that share a journal: started and killed by the tests beside it.
import { writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { BudgetLimits, PaymentIntent } from '../../library/src/client/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { openJournal } from '../../library/src/journal/index.ts'

export type ChildOrder = {
  readonly path: string
  /** `budget`: begins `count` at once. `storm`: pays until it is killed. `wait`: leaves one, sends two. */
  readonly kind: 'budget' | 'storm' | 'wait' | 'fill'
  /** The number of its first payment. */
  readonly first: number
  readonly count: number
  readonly maxTotalMsat?: string
}

/** One promise that resolved. `fee` once it settled. */
export type ChildNews = {
  readonly what: string
  readonly number?: number
  readonly fee?: number
  readonly detail?: string
}

const order = JSON.parse(process.argv[2] ?? '{}') as ChildOrder

// Where the size of files is limited, writing fails instead of ending the process.
process.on('SIGXFSZ', () => undefined)

function tell(news: ChildNews): void {
  writeSync(1, `${JSON.stringify(news)}\n`)
}

function preimageOf(number: number): Uint8Array {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(28, number)
  return bytes
}

function intentOf(number: number): PaymentIntent {
  const createdAtSeconds = Date.now() / 1000
  return {
    paymentHash: encodeHex(sha256(preimageOf(number))),
    origin: 'https://a.test',
    host: 'a.test',
    method: 'GET',
    url: `https://a.test/data?n=${number}`,
    target: `GET /data?n=${number}`,
    coverage: `data-${number}`,
    hasBody: false,
    scheme: 'L402',
    token: `AgEE${number}`,
    invoice: `lnbcrt1${number}`,
    amountMsat: msat(100_000n),
    maxFeeMsat: msat(1000n),
    enforces: [],
    decidedBy: 'policy',
    createdAtSeconds,
    leaseUntilSeconds: createdAtSeconds + 90,
    walletId: undefined,
    orderLagSeconds: 1,
  }
}

const limits: BudgetLimits = {
  maxTotalMsat: msat(BigInt(order.maxTotalMsat ?? 10n ** 17n)),
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
}

const { ledger, close } = await openJournal({ path: order.path, key: new Uint8Array(32).fill(7) })
tell({ what: 'ready' })

/** Pays one, or begins it and lets it fail, and tells every step once it resolved. */
async function pay(number: number): Promise<void> {
  const intent = intentOf(number)
  const { status } = await ledger.begin(intent, limits)
  tell({ what: status, number })
  if (status !== 'begun') return
  const { paymentHash } = intent
  if (number % 7 === 0) return
  if (!(await ledger.send(paymentHash, 1))) throw new Error('it was not sent')
  tell({ what: 'sent', number })
  const now = Date.now() / 1000
  if (number % 5 === 0) {
    await ledger.record(paymentHash, { state: 'failed', failure: 'no-route' }, now, 1)
    tell({ what: 'failed', number })
    return
  }
  const fee = number % 1000
  const preimage = encodeHex(preimageOf(number))
  await ledger.record(
    paymentHash,
    { state: 'settled', preimage, feeMsat: msat(BigInt(fee)), owed: false },
    now,
    1,
  )
  tell({ what: 'settled', number, fee })
}

if (order.kind === 'budget') {
  await Promise.all(
    Array.from({ length: order.count }, async (_, i) => {
      const { status } = await ledger.begin(intentOf(order.first + i), limits)
      tell({ what: status, number: order.first + i })
    }),
  )
  await close()
}
if (order.kind === 'storm') {
  let next = order.first
  await Promise.all(
    Array.from({ length: order.count }, async () => {
      for (;;) await pay(next++)
    }),
  )
}
if (order.kind === 'wait') {
  await ledger.begin(intentOf(order.first), limits)
  // Nobody knows how long an order takes to the wallet of the last one.
  for (const [number, orderLagSeconds] of [
    [1, 1],
    [2, undefined],
  ] as const) {
    const sent = { ...intentOf(order.first + number), orderLagSeconds }
    await ledger.begin(sent, limits)
    await ledger.send(sent.paymentHash, 1)
  }
  tell({ what: 'waiting' })
  await pause(600_000)
}
if (order.kind === 'fill') {
  try {
    for (let i = 0; i < order.count; i++) await pay(order.first + i)
    tell({ what: 'filled' })
  } catch (error) {
    if (!isL402Error(error)) throw error
    tell({ what: error.code, detail: String(error.details['reason']) })
    // What was written before can still be read.
    tell({ what: 'listed', number: (await ledger.list()).length })
  }
  await close()
}
