import { join } from 'node:path'
import { isL402Error } from 'satway'
import type { Agent } from '../agent/index.ts'
import { homeOf, openAgent } from '../agent/index.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { Row } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk } from '../desk/index.ts'
import { defaultAddress, readListenAddress } from './listen-address.ts'
import { createOrders } from './orders.ts'
import { openWalletProxy } from './proxy.ts'
import { openTokenFile } from './token-file.ts'

/** Less than other programs wait for an answer: theirs and ours end in the same minute. */
const paymentTimeoutMs = 50_000

/** Runs `satway wallet serve` until it is told to stop. */
export async function runWalletServe(given: Given, desk: Desk = openDesk()): Promise<number> {
  const listen = readListenAddress(given.text('listen') ?? defaultAddress)
  const wallet = given.text('wallet')
  const agent = await openAgent({
    home: homeOf(undefined, desk.environment).folder,
    ...(wallet !== undefined && { wallet }),
    ask: { kind: 'queue', waitSeconds: 0 },
    paymentTimeoutMs,
  })
  try {
    const { client, journal } = agent
    requireInvoices(agent)
    if (agent.payer === undefined || journal === undefined) throw noWallet()
    // An unusable journal answers nothing: better to hear that now than from every order.
    await journal.ledger.unfinished()
    await requireWallet(agent)
    const tokenFile = given.text('token-file') ?? join(agent.home.folder, 'wallet-token')
    const token = openTokenFile(tokenFile)
    const log = (line: string): void => desk.notes.write(`${timeOfDay(desk.now())} ${line}\n`)
    const orders = createOrders({ client, ledger: journal.ledger, log })
    const stopped = stopSignal()
    const proxy = await openWalletProxy({ listen, token, orders, log })
    agent.keepReconciling()
    announce(desk, agent, proxy.address, tokenFile)
    await stopped
    log('ending: what is under way is finished first; once more ends at once')
    await proxy.close()
    return exitCodes.ok
  } finally {
    await agent.close()
  }
}

function requireInvoices({ policy, home }: Agent): void {
  if (currentPolicy(policy).allowInvoices === true) return
  throw new Failure('The policy does not allow bare invoices, and this pays nothing else.', {
    exitCode: exitCodes.refused,
    advice: `Write this line into ${home.policyFile}, and see that its limits are what you want:\n  invoices: true`,
  })
}

/** One that cannot be opened pays no order: better to hear that now than from the first. */
async function requireWallet(agent: Agent): Promise<void> {
  try {
    await agent.openWallet()
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw new Failure(`The wallet cannot be used: ${error.details['reason'] ?? error.code}.`, {
      exitCode: exitCodes.network,
      advice: 'Name another: --wallet URI, or for good: satway config set wallet URI',
    })
  }
}

/** @throws {Failure} when the policy is broken. */
function currentPolicy(policy: Agent['policy']): ReturnType<Agent['policy']['current']> {
  try {
    return policy.current()
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw new Failure('The policy has a mistake: nothing is paid.', {
      exitCode: exitCodes.refused,
      advice: '`satway policy show` lists every mistake with its place.',
    })
  }
}

function noWallet(): Failure {
  return new Failure('There is no wallet to serve.', {
    advice: 'Name one: --wallet URI, or for good: satway config set wallet URI',
  })
}

function announce({ screen }: Desk, agent: Agent, address: string, tokenFile: string): void {
  const { walletKind, payer, realMoney, home } = agent
  const network = payer?.network ?? 'none'
  const rows: readonly Row[] = [
    ['Pay', `POST http://${address}/payinvoice {"invoice": "…"}`],
    ['Look up', `GET  http://${address}/payments/{hash}`],
    ['Bearer token', `in ${tokenFile}`],
    ['Wallet', `${walletKind}, ${network}${realMoney ? ': real money' : ''}`],
    ['Policy', home.policyFile],
  ]
  screen.write(`${screen.bold('The wallet is served')} on http://${address}\n\n`)
  screen.write(`${table(screen, rows)}\n${screen.dim('Ctrl-C ends it.')}\n`)
}

/** Resolves at the first signal. The second one ends the process as if nobody listened. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}
