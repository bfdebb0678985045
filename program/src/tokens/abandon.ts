import type { PaymentEntry } from 'satway/client'
import { createClient } from 'satway/client'
import type { Journal } from 'satway/journal'
import { amountWords } from '../admin/command/wording.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { printable } from '../cli/printable.ts'
import { wrap } from '../cli/screen.ts'
import type { Desk } from '../desk/index.ts'
import { confirmed, openDesk, requireOperator, withJournal } from '../desk/index.ts'
import { readDigits, tokensNamed } from './find-token.ts'
import { nothingBought } from './show.ts'

/** Runs `satway tokens abandon`. */
export async function runTokensAbandon(given: Given, desk: Desk = openDesk()): Promise<number> {
  const [name = ''] = given.operands
  requireOperator(desk, 'write a purchase off')
  return await withJournal(desk, nothingBought, async (journal) => {
    const entry = await findPurchase(journal, name)
    const { notes } = desk
    for (const line of wrap(describe(entry), notes.width)) notes.write(`${line}\n`)
    if (!(await confirmed(desk, given.has('yes'), 'Write it off?'))) {
      notes.write('Nothing was changed.\n')
      return exitCodes.refused
    }
    await writeOff(journal, entry.paymentHash)
    desk.screen.write(`Written off: payment ${entry.paymentHash}\n`)
    return exitCodes.ok
  })
}

/** A purchase by what it bought, or by its payment: one without an end has no token yet. */
async function findPurchase({ ledger, tokens }: Journal, name: string): Promise<PaymentEntry> {
  const digits = readDigits(name)
  const found = await tokensNamed(tokens, digits)
  const hashes = new Set(found.map(({ paymentHash }) => paymentHash))
  const entries = (await ledger.unfinished()).filter(({ paymentHash }) =>
    paymentHash.startsWith(digits),
  )
  for (const { paymentHash } of entries) hashes.add(paymentHash)
  const [hash, other] = hashes
  if (other !== undefined) {
    throw new Failure(`${name} names ${hashes.size} purchases.`, {
      advice: 'Give more of its digits.',
    })
  }
  const entry = hash === undefined ? undefined : await ledger.find(hash)
  if (entry !== undefined) return entry
  throw new Failure(`There is no purchase ${name}.`, {
    advice: '`satway tokens list --all` and `satway receipts list` show what there is.',
  })
}

/** A client that may spend nothing does the rest: ledger and token store belong together. */
async function writeOff({ ledger, tokens }: Journal, paymentHash: string): Promise<void> {
  const policy = { maxPaymentMsat: '0 sat', maxTotalMsat: '0 sat' }
  await createClient({ policy, ledger, tokens }).abandon(paymentHash)
}

function describe(entry: PaymentEntry): string {
  const { origin, target, amountMsat, state } = entry
  const what = `${printable(target)} at ${printable(origin)}, ${amountWords(`${amountMsat}`)}.`
  if (state === 'settled') {
    return `${what} It was paid. Once it is written off, the same thing may be bought anew, and paid for again. The token is kept.`
  }
  return `${what} Nobody knows yet whether it was paid. Once it is written off, the same thing may be bought anew, so that it may be paid for twice. What is set aside for it stays so until its end is known.`
}
