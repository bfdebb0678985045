import type { FetchInit } from 'satway/client'
import type { BodySink } from '../agent/index.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import type { CallReport } from '../schema/index.ts'
import type { Place } from './place/index.ts'

/** One request and its answer, with the agent's means. Never rejects. */
export type Ask = (
  init: FetchInit,
  options: { readonly sink?: BodySink; readonly maxBodyBytes: number },
) => Promise<CallReport>

/** Longest body that goes into a report, in bytes. */
const maxBodyBytes = 16 * 1024 * 1024

/**
 * Makes a call and brings its body to its place. Where that was to be the rest of a file, and is not,
 * asks once more for all of it; never pays a second time for that.
 *
 * @param place - `undefined`: the body goes into the report.
 * @param errors - Where the body of an error goes: it is no content for a file that somebody named.
 */
export async function carryOut(
  ask: Ask,
  init: FetchInit,
  place: Place | undefined,
  errors: Place,
  answered: () => void,
): Promise<CallReport> {
  if (place === undefined) return await ask(init, { maxBodyBytes })
  const first = await askOnce(ask, init, place, errors, answered)
  if (place.ending() !== 'start-over') return first

  const isPaid = first.outcome === 'paid_delivered' || first.outcome === 'paid_not_delivered'
  const l402 = isPaid ? { ...init.l402, pay: false } : init.l402
  const again = { ...init, ...(l402 !== undefined && { l402 }) }
  const second = await askOnce(ask, again, place, errors, answered)
  return isPaid ? withPayment(second, first) : second
}

async function askOnce(
  ask: Ask,
  init: FetchInit,
  place: Place,
  errors: Place,
  answered: () => void,
): Promise<CallReport> {
  const headers = new Headers(init.headers)
  for (const [name, value] of Object.entries(place.headers())) {
    if (!headers.has(name)) headers.set(name, value)
  }
  let used: Place | undefined
  const report = await ask(
    { ...init, headers },
    {
      maxBodyBytes,
      sink: {
        path: place.path(),
        write: async (response) => {
          answered()
          used = place.takes(response) ? place : errors
          await used.write(response)
        },
      },
    },
  )
  const output = used?.ending() === 'complete' ? used.path() : null
  // 416: there is no more than what is there already.
  const isWhole = report.status === 416 && used === place && place.ending() === 'complete'
  return isWhole
    ? { ...report, output, error: null, exitCode: exitCodes.ok }
    : { ...report, output }
}

/** The first request paid, and the second one brought what was paid for. */
function withPayment(report: CallReport, paid: CallReport): CallReport {
  const { amountMsat, feeMsat, paymentHash, resume } = paid
  const outcome = report.error === null ? 'paid_delivered' : 'paid_not_delivered'
  const exitCode = report.error === null ? report.exitCode : exitCodes.notDelivered
  const handle = report.error === null ? null : (resume ?? paymentHash)
  return { ...report, outcome, exitCode, amountMsat, feeMsat, paymentHash, resume: handle }
}
