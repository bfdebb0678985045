import { askPrice, perform } from '../agent/index.ts'
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
import { standardOutput } from './place/index.ts'
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
      return await tell(given, setting, asCall(quote), { command: 'get', asks: quote.asks })
    }
    const credential = openCredentialFile(given.text('credential'))
    let place: Place | undefined
    try {
      const { downloadFolder } = setting.agent.home
      place = await openPlace(given, { output, url, downloadFolder })
      const report = await carryOut(
        (init, options) => perform(setting.agent, { url: order.url, init }, options),
        order.init,
        place,
        standardOutput(process.stdout),
        setting.patience.answered,
      )
      const written = await writeCredential(credential, setting, report)
      return await tell(
        given,
        setting,
        { ...report, credential: written },
        { command: 'get', place, output },
      )
    } finally {
      credential.close()
      await place?.abandon()
    }
  })
}

/** What was bought by an earlier call has been told before. */
async function writeCredential(
  credential: CredentialFile,
  { agent }: Setting,
  { feeMsat, paymentHash }: CallReport,
): Promise<string | null> {
  return await credential.write(agent.journal?.ledger, feeMsat === null ? null : paymentHash)
}

/** The form of `satway get --json` is one, whether it is a dry run or not. */
function asCall(quote: QuoteReport): CallReport {
  const { method, url, status, amountMsat, maxFeeMsat, paymentHash, error, exitCode } = quote
  return {
    outcome: quote.quote === 'refused' ? 'refused' : 'not_paid',
    method,
    url,
    status,
    contentType: null,
    amountMsat,
    feeMsat: null,
    maxFeeMsat,
    paymentHash,
    resume: null,
    approvalId: null,
    dryRun: true,
    quote: quote.quote,
    output: null,
    credential: null,
    body: null,
    bodyEncoding: null,
    truncated: false,
    error,
    exitCode,
  }
}
