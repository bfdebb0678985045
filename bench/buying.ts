import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { satToMsat } from 'satway'
import type { TokenStore } from 'satway/client'
import { createClient, createMemoryTokenStore, storedTokenOf } from 'satway/client'
import { openJournal } from 'satway/journal'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall } from 'satway/server'
import type { Chapter, Figure, Pace } from './figures.ts'
import { median, rangeOf } from './figures.ts'
import { mintPaidToken } from './paid-token.ts'
import { ours } from './peers.ts'
import type { Subject, Subjects } from './rounds.ts'
import { repeatAsync, timeInRounds } from './rounds.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const cpuAtExit = fileURLToPath(new URL('child/cpu-at-exit.cjs', import.meta.url))
const origin = 'https://shop.example'

/** What the buyer's side costs: a call that is paid already, and the command line. */
export const buyingChapter: Chapter = {
  name: 'buying',
  title: 'Buying: the client and the command line',
  async run(pace, progress) {
    progress(`${pace.rounds} rounds of calls`)
    const figures = await callFigures(pace)
    progress('starts of the command line')
    return [...figures, ...(await commandFigures(pace))]
  },
}

async function callFigures(pace: Pace): Promise<readonly Figure[]> {
  const names = ['bare', 'memory', 'journal'] as const
  const timings = await timeInRounds(import.meta.url, names, pace)
  const bare = timings.get('bare')!
  const over = (name: 'memory' | 'journal', what: string): Figure => {
    const { us, range } = timings.get(name)!
    return {
      what: `an already paid fetch, over a bare one: ${what}`,
      who: ours,
      value: us - bare.us,
      unit: 'µs',
      range: [range[0] - bare.us, range[1] - bare.us],
      target: { atMost: 60 },
    }
  }
  return [over('memory', 'tokens in memory'), over('journal', 'tokens in the journal')]
}

/** Answers at once: what is left is the client's own work. */
async function answer(): Promise<Response> {
  return new Response('paid', { headers: { date: 'Thu, 01 Jan 2026 00:00:00 GMT' } })
}

async function clientSubject(tokens: TokenStore): Promise<Subject> {
  const { authorization } = mintPaidToken(createKeyRing([{ kid: 1, key: randomBytes(32) }]))
  await tokens.put(storedTokenOf({ origin, authorization }))
  const policy = { maxPaymentMsat: '10 sat', maxTotalMsat: '10 sat' }
  const client = createClient({ policy, tokens, fetch: answer })
  return repeatAsync(async () => {
    const response = await client.fetch(`${origin}/data`)
    if (response.status !== 200) throw new Error('the benchmark was refused')
    return response
  })
}

export const subjects: Subjects = {
  bare: () =>
    repeatAsync(async () => {
      // What any caller of fetch pays for as well.
      const request = new Request(`${origin}/data`)
      return await answer().finally(() => request)
    }),
  memory: () => clientSubject(createMemoryTokenStore()),
  async journal() {
    const folder = mkdtempSync(join(tmpdir(), 'satway-bench-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    const journal = await openJournal({ path: join(folder, 'journal.db'), key: randomBytes(32) })
    return await clientSubject(journal.tokens)
  },
}

type Took = { readonly cpuMs: number; readonly wallMs: number }

async function commandFigures(pace: Pace): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-bench-'))
  const shop = await openShop(join(folder, 'wallet.json'))
  const home = join(folder, 'home')
  const env = { SATWAY_HOME: home, SATWAY_WALLET: `devnet:${join(folder, 'wallet.json')}` }
  const times = pace.quick ? 5 : 25
  try {
    await satway(['get', '-q', `${shop.url}/first`], env)
    const took = {
      help: [] as Took[],
      stored: [] as Took[],
      paid: [] as Took[],
      bare: [] as Took[],
    }
    for (let i = 0; i < times; i++) {
      took.bare.push(await start(['-e', '0'], env))
      took.help.push(await satway(['--help'], env))
      took.stored.push(await satway(['get', '-q', `${shop.url}/first`], env))
      took.paid.push(await satway(['get', '-q', `${shop.url}/item-${i}`], env))
    }
    return [
      ms('node -e 0, CPU', took.bare, 'cpuMs', undefined, `node ${process.versions.node}`),
      ms('satway --help, CPU', took.help, 'cpuMs', 40),
      ms('satway get with a stored token, CPU', took.stored, 'cpuMs', 90),
      ms('satway get with a stored token, wall', took.stored, 'wallMs', undefined),
      ms('satway get that pays on the embedded network, wall', took.paid, 'wallMs', 200),
    ]
  } finally {
    await shop.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function ms(
  what: string,
  took: readonly Took[],
  kind: keyof Took,
  atMost: number | undefined,
  who: string = ours,
): Figure {
  const values = took.map((one) => one[kind])
  return {
    what,
    who,
    value: median(values),
    unit: 'ms',
    range: rangeOf(values),
    ...(atMost !== undefined && { target: { atMost } }),
  }
}

async function satway(args: readonly string[], env: Record<string, string>): Promise<Took> {
  return await start([join(root, 'program/bin/satway.js'), ...args], env)
}

/** @throws {Error} when the process fails: a figure of a failed start is worth nothing. */
async function start(args: readonly string[], env: Record<string, string>): Promise<Took> {
  const began = performance.now()
  const child = spawn(process.execPath, ['--require', cpuAtExit, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let used = ''
  child.stdio[2]?.on('data', (chunk: Buffer) => {
    said += String(chunk)
  })
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    used += String(chunk)
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  const wallMs = performance.now() - began
  if (code !== 0) throw new Error(`satway ${args.join(' ')} failed:\n${said}`)
  return { cpuMs: Number(used) / 1000, wallMs }
}

/** A shop that sells every path for ever, and a wallet to pay it with, on an embedded network. */
async function openShop(
  walletFile: string,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const devnet = createDevnet({ force: true })
  const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1_000_000n) })
  const wallet = await serveWallet(buyer, { file: walletFile })
  const paywall = createPaywall({
    service: 'bench',
    payee: seller,
    keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
  })
  const server = createServer((request, response) => {
    const capability = (request.url ?? '/').slice(1)
    const gate = paywall.charge({ price: '2 sat', capability })
    void protect(gate, (_, answer) => answer.end('paid'))(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await paywall.close()
      await wallet.close()
      server.close()
      server.closeAllConnections()
    },
  }
}
