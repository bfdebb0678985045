import type { PaymentEntry } from 'satway/client'
import { createClient } from 'satway/client'
import type { Journal } from 'satway/journal'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { printable } from '../cli/printable.ts'
import { wrap } from '../cli/screen.ts'
import { amountWords } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { confirmed, formatMoment, openDesk, requireOperator, withJournal } from '../desk/index.ts'
import { readDigits, tokensNamed } from './find-token.ts'
import { nothingBought } from './show.ts'

/** Runs `satway tokens abandon`. */
export async function runTokensAbandon(given: Given, desk: Desk = openDesk()): Promise<number> {
  const [name = ''] = given.operands
  const releases = given.has('release')
  requireOperator(desk, 'write a purchase off')
  return await withJournal(desk, nothingBought, async (journal) => {
    const entry = await findPurchase(journal, name)
    if (releases) requireReleasable(entry, desk.now())
    const { notes } = desk
    const words = releases ? describeRelease(entry) : describe(entry)
    for (const line of wrap(words, notes.width)) notes.write(`${line}\n`)
    const question = releases ? 'Give its money back to the budget?' : 'Write it off?'
    if (!(await confirmed(desk, given.has('yes'), question))) {
      notes.write('Nothing was changed.\n')
      return exitCodes.refused
    }
    if (releases) await release(journal, entry, desk.now())
    else await writeOff(journal, entry.paymentHash)
    const done = releases ? 'Written off and released' : 'Written off'
    desk.screen.write(`${done}: payment ${entry.paymentHash}\n`)
    return exitCodes.ok
  })
}

/** A purchase by what it bought, or by its payment: one without an end has no token yet. */
async function findPurchase({ ledger, tokens }: Journal, name: string): Promise<PaymentEntry> {
  const digits = readDigits(name)
  const found = await tokensNamed(tokens, digits)
  const hashes = new Set(found.map(({ paymentHash }) => paymentHash))
  for (const paymentHash of await ledger.named(digits)) hashes.add(paymentHash)
  const [hash, other] = hashes
  if (other !== undefined) {
    throw new Failure(`${name} names ${hashes.size} purchases.`, {
      advice: 'Give more of its digits.',
    })
  }
  const entry = hash === undefined ? undefined : await ledger.find(hash)
  if (entry === undefined) {
    throw new Failure(`There is no purchase ${name}.`, {
      advice: '`satway tokens list --all` and `satway resume` show what there is.',
    })
  }
  if (entry.state !== 'failed') return entry
  throw new Failure('That payment failed: nothing is set aside for it.', {
    advice: 'The same thing can be bought anew as it is.',
  })
}

/** @throws {Failure} for a payment that has its end, or that somebody may be making. */
function requireReleasable(entry: PaymentEntry, nowSeconds: number): void {
  if (entry.state === 'settled') {
    throw new Failure('That payment was made: there is nothing to give back.', {
      advice: 'Without --release it is written off, so that the same thing can be bought anew.',
    })
  }
  if (entry.leaseUntilSeconds <= nowSeconds) return
  throw new Failure('A program may be making that payment at this moment.', {
    advice: `Try again after ${formatMoment(entry.leaseUntilSeconds)}.`,
  })
}

/** @throws {Failure} when it settled while somebody was asked. */
async function release(
  { ledger }: Journal,
  { paymentHash, attempt }: PaymentEntry,
  nowSeconds: number,
): Promise<void> {
  const news = { state: 'failed', failure: 'written-off' } as const
  await ledger.record(paymentHash, news, nowSeconds, attempt)
  if ((await ledger.find(paymentHash))?.failure === 'written-off') return
  throw new Failure('The payment has found its end meanwhile; nothing was released.', {
    advice: '`satway receipts list` tells which.',
  })
}

/** A client that may spend nothing does the rest: ledger and token store belong together. */
async function writeOff({ ledger, tokens }: Journal, paymentHash: string): Promise<void> {
  const policy = { maxPaymentMsat: '0 sat', maxTotalMsat: '0 sat' }
  await createClient({ policy, ledger, tokens }).abandon(paymentHash)
}

function describe(entry: PaymentEntry): string {
  const what = whatOf(entry)
  if (entry.state === 'settled') {
    return `${what} It was paid. Once it is written off, the same thing may be bought anew, and paid for again. The token is kept.`
  }
  return `${what} Nobody knows yet whether it was paid. Once it is written off, the same thing may be bought anew, so that it may be paid for twice. What is set aside for it stays so until its end is known.`
}

function describeRelease(entry: PaymentEntry): string {
  const heldMsat = entry.amountMsat + entry.maxFeeMsat
  return `${whatOf(entry)} Nobody knows whether it was paid: look into your wallet first. Once it is released, the ${amountWords(`${heldMsat}`)} that are set aside may be spent again, and the same thing may be bought anew. If it was paid after all, more is spent than your limits say, and nobody asks the wallet about it any more.`
}

function whatOf({ origin, target, amountMsat }: PaymentEntry): string {
  return `${printable(target)} at ${printable(origin)}, ${amountWords(`${amountMsat}`)}.`
}
