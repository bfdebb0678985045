import type { Client, Purchase, Quote } from 'satway/client'
import { createClient } from 'satway/client'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { UsageMistake } from '../cli/failure.ts'
import { openScreen } from '../cli/screen.ts'
import { readAmountFlag } from './amount-flag.ts'
import type { Destination } from './destination.ts'
import { outputFile, readBody, standardOutput } from './destination.ts'
import { explainCall } from './failures.ts'
import { deadline } from './deadline.ts'
import type { GetReport } from './report.ts'
import { renderReport } from './report.ts'
import type { HttpRequest } from './request.ts'
import { readRequest } from './request.ts'
import { openWallet } from './wallet.ts'

/** Runs `satway get`. */
export async function runGet(given: Given): Promise<number> {
  const limits = {
    maxPaymentMsat: readAmountFlag('max-cost', given.text('max-cost') ?? '100'),
    maxFeeMsat: readAmountFlag('max-fee', given.text('max-fee') ?? '10'),
  }
  const timeoutSeconds = readTimeout(given.text('timeout') ?? '60')
  const request = await readRequest(given)
  const payer = await openWallet(given.text('wallet') ?? process.env['SATWAY_WALLET'])
  const client = createClient({
    ...(payer !== undefined && { payer }),
    policy: { ...limits, maxTotalMsat: limits.maxPaymentMsat },
  })

  const call: CallPlan = { client, request, given, timeoutSeconds }
  const report = given.has('dry-run') ? await quoteOnly(call) : await fetchAndWrite(call)
  if (given.has('json')) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else if (!given.has('quiet') || report.error !== null) {
    const screen = openScreen(process.stderr)
    screen.write(renderReport(screen, report))
  }
  return report.exitCode
}

type CallPlan = {
  readonly client: Client
  readonly request: HttpRequest
  readonly given: Given
  readonly timeoutSeconds: number
}
