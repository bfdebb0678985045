import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, request as ask } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeInvoice, formatCredential, msat } from 'satway'
import { connectWallet, readWalletFile } from 'satway/lightning/devnet'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openState } from '../../program/src/gateway/state/index.ts'
import { freePort, makeHome, root } from '../e2e/satway.ts'
import { paymentHashOf } from './stage.ts'
import type { TestUpstream } from './upstream.ts'
import { openUpstream } from './upstream.ts'
import { takenOf } from './use-store-contract.ts'

const uses = 200
const clients = 8
const kills = 6

const home = makeHome()
const groups = new Set<ChildProcess>()
let upstream: TestUpstream
beforeAll(async () => {
  upstream = await openUpstream()
  // The answer takes its time, so that a kill meets every part of an exchange.
  upstream.answer = (_, response) => void setTimeout(() => response.end('served'), randomInt(8))
})
afterEach(() => {
  for (const child of groups) killGroup(child)
})
afterAll(async () => {
  await upstream.close()
  home.remove()
})

type Place = { readonly folder: string; readonly url: string; readonly state: string }

async function makePlace(name: string): Promise<Place> {
  const folder = join(home.path, name)
  mkdirSync(folder)
  const port = await freePort()
  writeFileSync(
    join(folder, 'satway.yaml'),
    `listen: 127.0.0.1:${port}
wallet: { devnet: { file: ./wallet.json } }
state: ./satway.db
admin: false
log: { access: off }
services:
  - name: shop
    upstream: ${upstream.url}
    routes:
      GET /a: { price: 10 sat, uses: ${uses} }
`,
  )
  return { folder, url: `http://127.0.0.1:${port}`, state: join(folder, 'satway.db') }
}

/** Starts the gateway as the leader of a group of processes, and waits until it serves. */
async function start({ folder }: Place, workers: number): Promise<ChildProcess> {
  const program = join(root, 'program/bin/satway.js')
  const args = ['gateway', '--config', 'satway.yaml', '--workers', String(workers)]
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: home.path },
  })
  groups.add(child)
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  for (let i = 0; i < 1000; i++) {
    if (text.includes('"message":"serving"')) return child
    if (child.exitCode !== null) throw new Error(`it ended: ${text}`)
    await pause(10)
  }
  throw new Error(`it does not serve: ${text}`)
}

/** Kills all of its processes at once; resolves when the first of them is gone, with its pipes. */
async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  killGroup(child)
  await closed
}

function killGroup(child: ChildProcess): void {
  groups.delete(child)
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
}

async function buy({ folder, url }: Place): Promise<string> {
  const response = await fetch(`${url}/a`)
  const { token, invoice } = (await response.json()) as { token: string; invoice: string }
  const wallet = connectWallet(await readWalletFile(join(folder, 'wallet.json')))
  const outcome = await wallet.pay(decodeInvoice(invoice), { maxFeeMsat: msat(100_000n) })
  if (outcome.status !== 'settled') throw new Error(outcome.status)
  return formatCredential({ token, preimage: outcome.preimage })
}

/** The uses that are counted on the disk, as the next gateway will find them. */
async function counted({ state: file }: Place, authorization: string): Promise<number> {
  const state = openState({ file, owner: 'onlooker' })
  try {
    state.releaseAbandoned([])
    const key = paymentHashOf(authorization)
    const limit = { key, lineage: key, unit: 'use', setBy: 'purchase', max: 1n, cost: 1n } as const
    return Number(await takenOf(state.uses, limit, Date.now() / 1000 + 5000, key))
  } finally {
    state.close()
  }
}

/** Clients that ask on and on, each for one thing at a time. */
class Crowd {
  readonly #url: string
  readonly #authorization: string
  readonly #agent = new Agent({ keepAlive: true })
  /** Heads by status. */
  readonly heads = new Map<number, number>()
  /** Asked, and neither answered nor failed yet. */
  open = 0
  #isPaused = false
  #running: Promise<void>[] = []

  constructor({ url }: Place, authorization: string) {
    this.#url = url
    this.#authorization = authorization
  }

  get answered(): number {
    return this.heads.get(200) ?? 0
  }

  run(): void {
    this.#isPaused = false
    this.#running = Array.from({ length: clients }, async () => {
      while (!this.#isPaused) if ((await this.ask()) !== 200) return
    })
  }

  /** Asks for nothing more; resolves when what was asked has come to its end. */
  async end(): Promise<void> {
    this.#isPaused = true
    await Promise.all(this.#running)
  }

  /** No new requests from now on. */
  hold(): void {
    this.#isPaused = true
  }

  /** @returns The status; 0 where no head came. */
  ask(): Promise<number> {
    const headers = { authorization: this.#authorization }
    this.open++
    return new Promise((resolve) => {
      const asking = ask(`${this.#url}/a`, { agent: this.#agent, headers })
      let status = 0
      asking.once('response', (response) => {
        status = response.statusCode ?? 0
        this.heads.set(status, (this.heads.get(status) ?? 0) + 1)
        this.open--
        response.on('error', () => undefined)
        response.resume()
      })
      asking.on('error', () => undefined)
      asking.once('close', () => {
        if (status === 0) this.open--
        resolve(status)
      })
      asking.end()
    })
  }

  leave(): void {
    this.#agent.destroy()
  }
}

for (const workers of [1, 2]) {
  describe(`R-E2E-27 kill -9 with ${workers === 1 ? 'one process' : 'two workers'}`, () => {
    test('counts what was answered, no use twice, and at most what was under way without an answer', async () => {
      const place = await makePlace(`workers-${workers}`)
      let gateway = await start(place, workers)
      const authorization = await buy(place)
      const crowd = new Crowd(place, authorization)
      let underWay = 0
      for (let i = 0; i < kills; i++) {
        const until = crowd.answered + randomInt(10)
        crowd.run()
        while (crowd.answered < until) await pause(1)
        await pause(randomInt(10))
        crowd.hold()
        underWay += crowd.open
        await kill(gateway)
        await crowd.end()
        const taken = await counted(place, authorization)
        expect(taken).toBeGreaterThanOrEqual(crowd.answered)
        expect(taken).toBeLessThanOrEqual(crowd.answered + underWay)
        gateway = await start(place, workers)
      }
      // Nobody was asked to pay again.
      expect([...crowd.heads.keys()]).toEqual([200])

      const lost = (await counted(place, authorization)) - crowd.answered
      while ((await crowd.ask()) === 200);
      expect(crowd.answered).toBe(uses - lost)
      expect([...crowd.heads].sort()).toEqual([
        [200, uses - lost],
        [402, 1],
      ])
      expect(lost).toBeLessThanOrEqual(underWay)
      crowd.leave()
      await kill(gateway)
    }, 60_000)
  })
}
