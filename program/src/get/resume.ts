import type { PaymentEntry } from 'satway/client'
import type { Journal } from 'satway/journal'
import { findResumable, resumeCall } from '../agent/index.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { carryOut } from './carry-out.ts'
import { openPlace, readOutput } from './choose-place.ts'
import { refuseTwoDocuments } from './contradictions.ts'
import type { Place } from './place/index.ts'
import { errorOutput } from './place/index.ts'
import { readContent } from './request.ts'
import { renderResumable } from './resumable.ts'
import type { Setting } from './setting.ts'
import { withSetting } from './setting.ts'
import { tell } from './tell.ts'

/** Runs `satway resume`. */
export async function runResume(given: Given): Promise<number> {
  if (given.has('json') && given.has('human')) {
    throw new UsageMistake('--json and --human contradict each other')
  }
  const [operand] = given.operands
  if (operand !== undefined && !/^[0-9a-f]{8,64}$/i.test(operand)) {
    throw new UsageMistake('PAYMENT_HASH: expected 64 hex digits, or the first 8 or more of them')
  }
  return await withSetting(given, async (setting) => {
    const { journal } = setting.agent
    if (journal === undefined) throw new UsageMistake('a delegated credential has no payments')
    if (operand === undefined) return await list(given, setting, journal)
    return await goOn(given, setting, await findPayment(journal, operand.toLowerCase()))
  })
}

async function list(given: Given, { agent, screen }: Setting, journal: Journal): Promise<number> {
  const found = await findResumable(journal)
  if (given.has('json')) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  else {
    const view = { nowSeconds: Date.now() / 1000, walletTells: agent.walletLooksUp }
    process.stdout.write(renderResumable(screen, found, view))
  }
  return 0
}

async function goOn(given: Given, setting: Setting, entry: PaymentEntry): Promise<number> {
  const { agent, patience } = setting
  const { headers, body } = await readContent(given)
  if (entry.hasBody && body === undefined) {
    throw new UsageMistake('that request had a body, which is not kept: give it again with --data')
  }
  if (!entry.hasBody && body !== undefined) {
    throw new UsageMistake('that request had no body: leave out --data')
  }
  const url = new URL(entry.url)
  const output = readOutput(given, url)
  refuseTwoDocuments(given, output)
  let place: Place | undefined
  try {
    const { downloadFolder } = agent.home
    place = await openPlace(given, { output, url, downloadFolder })
    const report = await carryOut(
      (init, options) => resumeCall(agent, entry.paymentHash, init, options),
      { headers, signal: patience.signal, ...(body !== undefined && { body }) },
      place,
      errorOutput(process.stdout, output === '-'),
      patience.answered,
    )
    return await tell(given, setting, report, { command: 'resume', place, output })
  } finally {
    await place?.abandon()
  }
}

/** The payment of that hash, or the one whose hash begins so. */
async function findPayment({ ledger }: Journal, digits: string): Promise<PaymentEntry> {
  const [hash, another] = await ledger.named(digits)
  if (another !== undefined) {
    throw new Failure('More than one payment hash begins so.', {
      advice: 'Give more digits.',
      exitCode: exitCodes.usage,
    })
  }
  const entry = hash === undefined ? undefined : await ledger.find(hash)
  if (entry === undefined) throw unknownPayment()
  return entry
}

function unknownPayment(): Failure {
  return new Failure('The journal knows no payment of this hash.', {
    advice: '`satway resume` without a hash lists what can be gone on with.',
    exitCode: exitCodes.usage,
  })
}
