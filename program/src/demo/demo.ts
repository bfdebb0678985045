import { once } from 'node:events'
import { isL402Error, satToMsat } from 'satway'
import type { Devnet } from 'satway/lightning/devnet'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { openScreen } from '../cli/screen.ts'
import { hex } from '../decode/notation.ts'
import { activityOf } from './activity.ts'
import { decodePath, decodePrice } from './api.ts'
import type { Nodes } from './books.ts'
import { balancesOf, closeBooks } from './books.ts'
import { createBuyer, createWatchedBuyer } from './buyer.ts'
import { openDemoFiles, sweepDemoFiles } from './demo-files.ts'
import type { Call, DemoEvent } from './events.ts'
import { instructionsFor } from './instructions.ts'
import { readPort } from './port.ts'
import { buy, checkAnswer, requireAll } from './purchases.ts'
import { samples } from './samples.ts'
import type { Seller } from './seller.ts'
import { startSeller } from './seller.ts'
import type { Tell } from './teller.ts'
import { createTeller } from './teller.ts'

const noRealMoney = 'No real money moves: nodes, coins and network live inside this process.'

/** Runs `satway demo`. */
export async function runDemo(given: Given): Promise<number> {
  const wanted = readPort(given.text('port'))
  const tell = createTeller(openScreen(process.stdout), given.has('json'))
  const stop = stopAtSignal()
  const devnet = startNetwork()
  sweepDemoFiles()
  tell({ event: 'start', notice: noRealMoney })
  const nodes: Nodes = {
    seller: devnet.addNode('seller', { balanceMsat: satToMsat(0n) }),
    buyer: devnet.addNode('buyer', { balanceMsat: satToMsat(10_000n) }),
  }
  tell(introduce(nodes))

  let watching = false
  const on = activityOf((event) => watching && tell(event))
  const seller = await startSeller({ payee: nodes.seller, wanted, on })
  try {
    const insteadOfPort = seller.port === wanted.port ? undefined : wanted.port
    tell({ event: 'listening', url: seller.url, insteadOfPort, price: decodePrice })
    await buyAll(devnet, nodes, seller, tell)
    watching = true
    if (!given.has('once') && !stop.aborted) await stayUp(nodes, seller, tell, stop)
    tell({ event: 'done' })
    return exitCodes.ok
  } finally {
    await seller.close()
  }
}

/** @throws {Failure} in production. */
function startNetwork(): Devnet {
  try {
    return createDevnet()
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    throw new Failure('NODE_ENV is "production", and there the demo does not start.', {
      advice: 'Its coins and keys are made up. Run it with another value: NODE_ENV=development',
    })
  }
}

function introduce({ seller, buyer }: Nodes): DemoEvent {
  const facts = { network: seller.network }
  return {
    event: 'network',
    ...facts,
    nodes: [
      { role: 'seller', balanceMsat: seller.balanceMsat(), nodeId: hex(seller.nodeId) },
      { role: 'buyer', balanceMsat: buyer.balanceMsat(), nodeId: hex(buyer.nodeId) },
    ],
  }
}

/** The first purchase step by step, the others in brief, and then the books. */
async function buyAll(devnet: Devnet, nodes: Nodes, seller: Seller, tell: Tell): Promise<void> {
  const url = seller.url + decodePath
  const before = balancesOf(devnet, nodes)
  const [first, ...others] = samples
  const watched = await buy(createWatchedBuyer(nodes.buyer, first.name, tell), url, first)
  const checks = checkAnswer(watched.answer, first)
  tell({ event: 'answer', answer: watched.answer, checks })
  requireAll(checks)

  const buyer = createBuyer(nodes.buyer)
  const calls: Call[] = []
  for (const sample of others) {
    const call = await buy(buyer, url, sample)
    requireAll(checkAnswer(call.answer, sample))
    calls.push(call)
  }
  tell({ event: 'calls', calls })

  const books = closeBooks(before, balancesOf(devnet, nodes), [watched, ...calls])
  tell(books)
  requireAll(books.checks)
}

/** Opens the buyer's wallet to a second terminal, says what to do there, and waits for the end. */
async function stayUp(
  { buyer }: Nodes,
  seller: Seller,
  tell: Tell,
  stop: AbortSignal,
): Promise<void> {
  const files = await openDemoFiles()
  const wallet = await serveWallet(buyer, { file: files.walletFile })
  const { url: walletUrl, secret } = wallet.address
  const remove = (): void => files.remove(secret)
  process.once('exit', remove)
  try {
    const sample = files.write('invoice.txt', samples[0].invoice)
    files.write(
      'wallet.header',
      `Authorization: Bearer ${secret}\nContent-Type: application/json\n`,
    )
    const url = seller.url + decodePath
    const instructions = instructionsFor({ url, walletUrl, files, sample })
    tell({ event: 'ready', url, walletFile: files.walletFile, instructions })
    if (!stop.aborted) await once(stop, 'abort')
  } finally {
    await wallet.close()
    remove()
  }
}

/** Aborts at the first Ctrl-C or request to end. The second one ends the process at once. */
function stopAtSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(exitCodes.failed)
      stop.abort()
    })
  }
  return stop.signal
}
