import { askPrice, perform, requireOutsideHome } from '../agent/index.ts'
import type { Flag, Given } from '../cli/command.ts'
import type { CallReport, QuoteReport } from '../schema/index.ts'
import { carryOut } from './carry-out.ts'
import { openPlace, readOutput } from './choose-place.ts'
import { refuseContradictions } from './contradictions.ts'
import type { CredentialFile } from './credential-file.ts'
import { openCredentialFile } from './credential-file.ts'
import { readLimits } from './limits.ts'
import { withParams } from './params.ts'
import type { Place } from './place/index.ts'
import { errorOutput, withHead } from './place/index.ts'
import { readRequest } from './request.ts'
import type { Setting } from './setting.ts'
import { withSetting } from './setting.ts'
import { tell } from './tell.ts'

/**
 * Runs `satway get`.
 *
 * @param flags - Of the command: what `--params` may say.
 */
export async function runGet(
  commandLine: Given,
  flags: Readonly<Record<string, Flag>>,
): Promise<number> {
  const given = await withParams(flags, commandLine)
  requireOutsideHome(given)
  const limits = readLimits(given)
  const request = await readRequest(given)
  const output = readOutput(given, request.url)
  refuseContradictions(given, request, output)
  return await withSetting(given, async (setting) => {
    const { url, method, headers, body } = request
    const order = {
      url: url.href,
      init: {
        method,
        headers,
        ...(body !== undefined && { body }),
        signal: setting.patience.signal,
        redirect: given.has('no-location') ? 'manual' : 'follow',
        l402: limits,
      },
    } as const
    if (given.has('dry-run')) {
      const quote = await askPrice(setting.agent, order)
      return await tell(given, setting, asCall(quote), { command: 'get' })
    }
    const credential = openCredentialFile(given.text('credential'))
    let place: Place | undefined
    try {
      const { downloadFolder } = setting.agent.home
      const headed = (one: Place): Place =>
        given.has('include') ? withHead(one, process.stdout) : one
      const opened = await openPlace(given, { output, url, downloadFolder })
      place = opened && headed(opened)
      const isRest = 'range' in (place?.headers() ?? {})
      const report = await carryOut(
        (init, options) => perform(setting.agent, { url: order.url, init }, options),
        // The rest was paid for with the beginning.
        isRest ? { ...order.init, l402: { ...limits, pay: false } } : order.init,
        place,
        headed(errorOutput(process.stdout, output === '-')),
        setting.patience.answered,
      )
      const written = await writeCredential(credential, setting, report)
      return await tell(
        given,
        setting,
        { ...(isRest ? aboutRest(given, report) : report), credential: written },
        { command: 'get', place, output },
      )
    } finally {
      credential.close()
      await place?.abandon()
    }
  })
}

/** The rest of a file for which what was paid is used up. To buy all of it again takes a decision. */
function aboutRest(given: Given, report: CallReport): CallReport {
  const { error } = report
  if (error?.reason !== 'no-pay' || given.has('no-pay')) return report
  return {
    ...report,
    error: {
      ...error,
      message: 'The rest would have to be paid for again: what was bought for it opens it no more.',
      advice: 'Nothing was paid. To buy all of it anew, leave out --continue.',
    },
  }
}

/** What opened the answer: bought now, or by an earlier call. */
async function writeCredential(
  credential: CredentialFile,
  { agent }: Setting,
  { outcome, paymentHash }: CallReport,
): Promise<string | null> {
  // The invoice of what was refused may have been paid at another server.
  return await credential.write(agent.journal?.ledger, outcome === 'refused' ? null : paymentHash)
}

/** The form of `satway get --json` is one, whether it is a dry run or not. */
function asCall(quote: QuoteReport): CallReport {
  const { method, url, status, amountMsat, maxFeeMsat, paymentHash, error, exitCode } = quote
  const isOpen = error?.code === 'PAYMENT_UNKNOWN'
  const refused = isOpen ? 'unknown' : 'refused'
  return {
    outcome: quote.quote === 'refused' ? refused : 'not_paid',
    method,
    url,
    status,
    contentType: null,
    amountMsat,
    feeMsat: null,
    maxFeeMsat,
    paymentHash,
    resume: isOpen ? paymentHash : null,
    approvalId: null,
    dryRun: true,
    quote: quote.quote,
    asks: quote.asks,
    output: null,
    credential: null,
    body: null,
    bodyEncoding: null,
    truncated: false,
    error,
    exitCode,
  }
}
