import { createClient, createMemoryLedger, createMemoryTokenStore } from 'satway/client'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { openScreen } from '../cli/screen.ts'
import { createListener } from './asked.ts'
import { askPrice, carryOut } from './call.ts'
import { openCredentialFile } from './credential-file.ts'
import type { Destination } from './destination.ts'
import { outputFile, standardOutput } from './destination.ts'
import { openPatience } from './patience.ts'
import { renderReport } from './report.ts'
import { readRequest } from './request.ts'
import { readSpending } from './spending.ts'
import { openWallet } from './wallet.ts'

/** Runs `satway get`. */
export async function runGet(given: Given): Promise<number> {
  const { maxCostMsat, policy } = readSpending(given)
  const timeoutSeconds = readSeconds(given.text('timeout') ?? '60')
  const request = await readRequest(given)
  const payer = await openWallet(given.text('wallet') ?? process.env['SATWAY_WALLET'])
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  const { fetch, asked } = createListener()
  const client = createClient({
    policy,
    ledger,
    tokens,
    fetch,
    ...(payer !== undefined && { payer }),
  })

  const credential = openCredentialFile(given.text('credential'))
  const destination = await openDestination(given)
  const patience = openPatience(timeoutSeconds)
  try {
    const limits = {
      expectedPriceMsat: maxCostMsat,
      replaceAuthorization: given.has('replace-authorization'),
    }
    const call = { client, ledger, limits, request, asked, patience, destination }
    const made = given.has('dry-run') ? await askPrice(call) : await carryOut(call)
    const report = { ...made, credential: await credential.write(tokens) }
    if (given.has('json')) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else if (!given.has('quiet') || report.error !== null) {
      const screen = openScreen(process.stderr)
      screen.write(renderReport(screen, report))
    }
    return report.exitCode
  } finally {
    patience.end()
    credential.close()
    await destination?.abandon()
  }
}

function readSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d{1,5}(\.\d+)?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds
  throw new UsageMistake('--timeout: expected seconds, more than 0 and at most 86400')
}

/** Before anything is sent: what is paid for must have somewhere to go. */
async function openDestination(given: Given): Promise<Destination | undefined> {
  const path = given.text('output')
  if (given.has('dry-run')) return undefined
  if (path !== undefined && path !== '-') return await outputFile(path)
  return given.has('json') ? undefined : standardOutput(process.stdout)
}
