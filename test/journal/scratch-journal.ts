import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { BudgetLimits, PaymentIntent, PaymentRecord } from '../../library/src/client/index.ts'
import type { Journal, JournalOptions } from '../../library/src/journal/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'

export const key: Uint8Array = new Uint8Array(32).fill(7)

export const noLimits: BudgetLimits = {
  maxTotalMsat: msat(10n ** 15n),
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
}

/** New folders, all removed after the last test of the file. */
export function scratchFolders(): () => string {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'satway-journal-'))
    folders.push(folder)
    return folder
  }
}

export function openAt(path: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return openJournal({ path, key, ...options })
}

/** Preimage and payment hash of the payment with that number. */
export function proofOf(number: number): { readonly preimage: string; readonly hash: string } {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(28, number)
  return { preimage: encodeHex(bytes), hash: encodeHex(sha256(bytes)) }
}

/** A payment of its own for every number. */
export function intentOf(number: number, change: Partial<PaymentIntent> = {}): PaymentIntent {
  return {
    paymentHash: proofOf(number).hash,
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
    amountMsat: msat(1000n),
    maxFeeMsat: msat(10n),
    enforces: ['exp', 'req'],
    decidedBy: 'policy',
    createdAtSeconds: 1000,
    leaseUntilSeconds: 1090,
    walletId: undefined,
    orderLagSeconds: undefined,
    ...change,
  }
}

export function settledBy(number: number, feeMsat = 1n): PaymentRecord {
  const { preimage } = proofOf(number)
  return { state: 'settled', preimage, feeMsat: msat(feeMsat), owed: false }
}

/** Begins, sends and settles one payment. */
export async function pay(journal: Journal, number: number): Promise<void> {
  const intent = intentOf(number)
  await journal.ledger.begin(intent, noLimits)
  await journal.ledger.send(intent.paymentHash, 1)
  await journal.ledger.record(intent.paymentHash, settledBy(number), 1001, 1)
}
