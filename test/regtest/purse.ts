import { join } from 'node:path'
import type { Client } from '../../library/src/client/index.ts'
import { createClient } from '../../library/src/client/index.ts'
import type { Journal } from '../../library/src/journal/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Member, Regtest } from './network.ts'

/** A client with a journal on disk and an lnd node as its wallet, on a clock that can be moved. */
export type Purse = {
  readonly journalFile: string
  readonly client: Client
  readonly journal: Journal
  readonly wallet: LndWallet
  /** Moves its clock, and nobody else's. */
  advance(seconds: number): void
  /** What is spent and set aside, in msat. */
  spent(): Promise<{ readonly totalMsat: bigint; readonly heldMsat: bigint }>
  close(): Promise<void>
}

export type PurseOptions = {
  /** How long the end of a payment is waited for. Default 20 000. */
  readonly paymentTimeoutMs?: number
  /** Of a purse that was closed, to go on with it. Default: a new one. */
  readonly journalFile?: string
}

let purses = 0

export async function openPurse(
  network: Regtest,
  payer: Member,
  options: PurseOptions = {},
): Promise<Purse> {
  const {
    paymentTimeoutMs = 20_000,
    journalFile = join(network.folder, `purse-${++purses}`, 'journal.db'),
  } = options
  const journal = await openJournal({
    path: journalFile,
    key: new Uint8Array(32).fill(9),
  })
  const wallet = openLnd(payer, 'pay')
  let aheadSeconds = 0
  const now = (): number => Date.now() / 1000 + aheadSeconds
  const client = createClient({
    policy: {
      maxPaymentMsat: '20000000 sat',
      maxTotalMsat: '100000000 sat',
      maxFeeMsat: '100 sat',
      allowInvoices: true,
      maxUndelivered: 100,
    },
    // What was sent on this machine has arrived at once, or never will.
    payer: { ...wallet.payer, orderLagSeconds: 1 },
    ledger: journal.ledger,
    tokens: journal.tokens,
    receipts: journal.receipts,
    now,
    paymentTimeoutMs,
  })
  return {
    journalFile,
    client,
    journal,
    wallet,
    advance: (seconds) => {
      aheadSeconds += seconds
    },
    spent: () => journal.ledger.spending(now()),
    close: async () => {
      wallet.close()
      await journal.close()
    },
  }
}
