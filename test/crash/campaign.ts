import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import { crashPoints } from '../../library/src/client/crash-point.ts'
import { hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import { buildBuyer } from './build.ts'
import type { BuyerNews, BuyerOrder } from './buyer.ts'
import type { World } from './shop.ts'
import { openWorld } from './shop.ts'

export type CampaignOptions = {
  /** How often a process dies at each point. */
  readonly killsAtEachPoint: number
  /** How often one is killed at a moment of chance. */
  readonly randomKills: number
  readonly progress?: (done: number, of: number) => void
}

export type CampaignResult = {
  readonly kills: number
  readonly items: number
  readonly payments: number
  /** Items that were paid for more than once. */
  readonly paidTwice: readonly string[]
  /** Items that were bought and never came, or were not finished after a kill. */
  readonly lost: readonly string[]
  /** Settled payments whose preimage the journal does not have. */
  readonly preimagesLost: number
  /** What the journal counts as spent, less what left the wallet. */
  readonly budgetErrorMsat: bigint
  /** What is still set aside at the end. */
  readonly heldMsat: bigint
  /** The longest that a process needed to find out what an earlier one left, in milliseconds. */
  readonly slowestRecoveryMs: number
  /** What half of them needed at most. */
  readonly medianRecoveryMs: number
  /** Deaths at the point that had fewest. */
  readonly fewestAtOnePoint: number
  /** What a child said when it failed. */
  readonly failures: readonly string[]
}

type Died = {
  readonly news: readonly BuyerNews[]
  readonly signal: string | null
  readonly code: number | null
  readonly stderr: string
}

/** How many processes at a time: most of them wait for a lease to end. */
const chains = 8

/**
 * Chains of processes share one journal. Each process first finishes what the one before it left,
 * then buys something new, and dies. Every few rounds both chains want the same thing.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-crash-'))
  const buyer = await buildBuyer(folder)
  const world = await openWorld(folder)
  const campaign = new Campaign(world, buyer, join(folder, 'journal', 'journal.db'))
  try {
    return await campaign.run(options)
  } finally {
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

class Campaign {
  readonly #world: World
  readonly #buyer: string
  readonly #journal: string
  readonly #items = new Set<string>()
  readonly #failures: string[] = []
  readonly #deaths = new Map<string, number>(crashPoints.map((point) => [point, 0]))
  #kills = 0
  #randomKills = 0
  readonly #recoveriesMs: number[] = []

  constructor(world: World, buyer: string, journal: string) {
    this.#world = world
    this.#buyer = buyer
    this.#journal = journal
  }

  async run({ killsAtEachPoint, randomKills, progress }: CampaignOptions): Promise<CampaignResult> {
    const all = killsAtEachPoint * crashPoints.length + randomKills
    let round = 0
    const chain = async (name: string): Promise<readonly string[]> => {
      let finish: readonly string[] = []
      for (;;) {
        const point = this.#nextPoint(killsAtEachPoint)
        if (point === undefined && this.#randomKills >= randomKills) return finish
        round++
        // Now and then two of them want the same thing at the same time.
        const item = round % 10 < 2 ? `both-${Math.floor(round / 10)}` : `${name}-${round}`
        this.#items.add(item)
        if (point === undefined) await this.#killAnywhere(finish, item)
        else await this.#dieAt(point, finish, item)
        finish = [item]
        progress?.(this.#kills, all)
      }
    }
    const left = await Promise.all(Array.from({ length: chains }, (_, i) => chain(`chain${i}`)))
    this.#world.setTrouble(0)
    for (const finish of left) await this.#play({ finish, buy: [] })
    return this.#judge()
  }

  /** The point at which fewest have died; `undefined`: enough have at each. */
  #nextPoint(wanted: number): string | undefined {
    const [point] = [...this.#deaths]
      .filter(([, deaths]) => deaths < wanted)
      .sort(([, a], [, b]) => a - b)
      .map(([name]) => name)
    return this.#failures.length > 20 ? undefined : point
  }

  async #dieAt(point: string, finish: readonly string[], item: string): Promise<void> {
    const { news } = await this.#play({ finish, buy: [item], dieAt: { point, time: 1 } })
    if (!news.some(({ kind }) => kind === 'dying')) return
    this.#kills++
    this.#deaths.set(point, this.#deaths.get(point)! + 1)
  }

  /** At a moment of chance, while a part of the payments goes wrong by itself. */
  async #killAnywhere(finish: readonly string[], item: string): Promise<void> {
    this.#world.setTrouble(0.15)
    const { signal } = await this.#play({ finish, buy: [item] }, randomInt(40))
    this.#randomKills++
    if (signal === 'SIGKILL') this.#kills++
  }

  /** @param killAfterMs - Killed so long after it began to buy something new. */
  async #play(
    plan: Pick<BuyerOrder, 'finish' | 'buy' | 'dieAt'>,
    killAfterMs?: number,
  ): Promise<Died> {
    const { walletFile, origin } = this.#world
    const budget = String(10n ** 13n)
    const order: BuyerOrder = { journal: this.#journal, walletFile, origin, budget, ...plan }
    const child = spawn(process.execPath, [this.#buyer, JSON.stringify(order)], {
      env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(this.#buyer), 'compiled') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const died = await follow(child, async (news) => {
      if (news.kind === 'recovered') this.#recoveriesMs.push(news.ms)
      const isFree =
        news.kind === 'finished' || (plan.finish.length === 0 && news.kind === 'recovered')
      if (!isFree || killAfterMs === undefined) return
      await pause(killAfterMs)
      child.kill('SIGKILL')
    })
    if (died.code !== 0 && died.signal !== 'SIGKILL') this.#failures.push(died.stderr.slice(-2000))
    return died
  }

  async #judge(): Promise<CampaignResult> {
    const journal = await openJournal({ path: this.#journal, key: new Uint8Array(32).fill(9) })
    const paidTwice: string[] = []
    const lost: string[] = []
    let payments = 0
    let preimagesLost = 0
    for (const item of this.#items) {
      const { settledHashes, delivered } = await this.#world.sale(item)
      payments += settledHashes.length
      if (settledHashes.length > 1) paidTwice.push(item)
      if (settledHashes.length === 0 || delivered === 0) lost.push(item)
      for (const hash of settledHashes) {
        const entry = await journal.ledger.find(hash)
        const proof = entry?.preimage
        const isProven =
          proof !== undefined && encodeHex(hashPreimage(preimage(decodeHex(proof)))) === hash
        if (!isProven || entry?.tokenStored !== true) preimagesLost++
      }
    }
    const recoveriesMs = this.#recoveriesMs.toSorted((a, b) => a - b)
    const { totalMsat, heldMsat } = await journal.ledger.spending(Date.now() / 1000)
    await journal.close()
    return {
      kills: this.#kills,
      items: this.#items.size,
      payments,
      paidTwice,
      lost,
      preimagesLost,
      budgetErrorMsat: totalMsat - this.#world.spentMsat(),
      heldMsat,
      slowestRecoveryMs: recoveriesMs.at(-1) ?? 0,
      medianRecoveryMs: recoveriesMs[recoveriesMs.length >> 1] ?? 0,
      fewestAtOnePoint: Math.min(...this.#deaths.values()),
      failures: this.#failures,
    }
  }
}

/** Hears what a child says until it ends. */
async function follow(
  child: ChildProcess,
  hear: (news: BuyerNews) => Promise<void>,
): Promise<Died> {
  const news: BuyerNews[] = []
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk)
  })
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => {
    const one = JSON.parse(line) as BuyerNews
    news.push(one)
    void hear(one)
  })
  const limit = setTimeout(() => child.kill('SIGTERM'), 60_000)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(limit)
  return { news, code, signal, stderr }
}
