import cluster from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Payee, Settlement } from 'satway/lightning'
import type { Log } from '../operations/index.ts'
import { limited } from './deadline.ts'
import type { FleetStatus } from './fleet.ts'
import type { Exit } from './member.ts'
import { Member, WorkerRefusal } from './member.ts'
import type { Restarts } from './restarts.ts'
import { countRestarts } from './restarts.ts'
import { SettlementHub } from './settlement-hub.ts'

export type PrimaryOptions = {
  /** From 1 to 256. */
  readonly workers: number
  /** What a worker runs; it must call `workerLink`. */
  readonly program: {
    readonly file: string
    readonly args: readonly string[]
    readonly execArgv?: readonly string[]
  }
  readonly payee: Payee
  /** The text of the configuration to start with. */
  readonly config: string
  /** How long a worker that is replaced may finish what is open, in milliseconds. */
  readonly drainMs: () => number
  /** Told the owner name of a worker that died: what it had reserved is free. */
  readonly released: (owner: string) => void
  /** Told of every settlement of the wallet, once. */
  readonly settled?: (settlement: Settlement) => void
  /** Told when the stream of settlements was opened: what settled before may not have been told. */
  readonly opened?: () => void
  /** Told when it broke. */
  readonly broken?: () => void
  /** Puts together what dead workers counted. */
  readonly fold: (snapshots: readonly string[]) => string
  readonly log: Pick<Log, 'warn' | 'error' | 'failure'>
  /** How long a worker may take until it serves. Default 30 000. */
  readonly startMs?: number
  /** How often a worker must show that it is alive; six silences in a row are its end. Default 5000. */
  readonly pingMs?: number
}

const defaultStartMs = 30_000
const defaultPingMs = 5000
const reloadMs = 30_000
const collectMs = 1000
const maxSilences = 6

/** One place that is to be filled by a worker. */
type Place = { readonly name: string; readonly restarts: Restarts; member: Member | undefined }

/** The workers, those on their way out included. */
export class Crew {
  /** Resolves when the workers die as soon as they are started and none serves. */
  readonly gaveUp: Promise<Error>
  #options: PrimaryOptions
  #startMs: number
  #hub: SettlementHub
  #places: readonly Place[]
  #leaving = new Set<Member>()
  #config: { readonly text: string; readonly generation: number }
  #reloading: Promise<void> = Promise.resolve()
  /** Aborts when the crew is to end: nobody is started any more. */
  #over = new AbortController()
  #ending: Promise<void> | undefined
  #restarted = 0
  /** What workers said last that are no more. */
  #past: string | undefined
  #pings: NodeJS.Timeout | undefined
  #giveUp: (reason: Error) => void = () => undefined

  constructor(options: PrimaryOptions) {
    this.#options = options
    this.#startMs = options.startMs ?? defaultStartMs
    this.#config = { text: options.config, generation: 0 }
    this.gaveUp = new Promise((resolve) => {
      this.#giveUp = resolve
    })
    this.#hub = new SettlementHub(options.payee, {
      settled: (settlement) => this.#note(settlement),
      broken: (error) => {
        options.broken?.()
        options.log.failure('payee', undefined, error)
      },
      ...(options.opened !== undefined && { opened: options.opened }),
    })
    this.#places = Array.from({ length: options.workers }, (_, i) => {
      return { name: `worker-${i + 1}`, restarts: countRestarts(), member: undefined }
    })
  }

  /** @throws {Error} when a worker ends, or does not serve in time; then all are stopped. */
  async start(): Promise<void> {
    const members = this.#places.map((place) => this.#fork(place))
    const ready = Promise.all(members.map((member) => member.ready))
    const death = Promise.race(
      members.map(async (member) => {
        const exit = describe(await member.exited)
        throw new Error(`${member.name} ended before it served (${exit})`)
      }),
    )
    try {
      await limited(Promise.race([ready, death]), this.#startMs)
    } catch (error) {
      await this.stop()
      throw error
    }
    // From here on a death is followed by a restart.
    for (const place of this.#places) void this.#keep(place)
    const pingMs = this.#options.pingMs ?? defaultPingMs
    this.#pings = setInterval(() => this.#ping(pingMs), pingMs).unref()
  }

  reload(configText: string): Promise<void> {
    const turn = this.#reloading.then(() => this.#reload(configText))
    this.#reloading = turn.catch(() => undefined)
    return turn
  }

  reopen(): void {
    for (const member of this.#all()) member.tell({ kind: 'reopen' })
  }

  drain(drainMs: number): Promise<void> {
    return this.#end((member) => member.leave(drainMs))
  }

  stop(): Promise<void> {
    // Also while it drains: that is what a second signal is for.
    const stopping = this.#all().map((member) => member.stop())
    return this.#end(() => Promise.all(stopping))
  }

  async collect(): Promise<readonly string[]> {
    const members = this.#all().filter(({ isReady, isLeaving }) => isReady || isLeaving)
    await Promise.all(members.map(collectFrom))
    const said = members.flatMap(({ collected, isGone }) => {
      // Those who died meanwhile are in the past already.
      return collected === undefined || isGone ? [] : [collected]
    })
    return this.#past === undefined ? said : [...said, this.#past]
  }

  status(): FleetStatus {
    const ready = this.#places.filter(({ member }) => member?.isReady === true).length
    return { wanted: this.#places.length, ready, restarts: this.#restarted }
  }

  #note(settlement: Settlement): void {
    try {
      this.#options.settled?.(settlement)
    } catch (error) {
      this.#options.log.failure('use-store', undefined, error)
    }
  }

  #fork(place: Place): Member {
    const member = new Member(cluster.fork(), {
      name: place.name,
      owner: `${place.name}-${randomUUID()}`,
      payee: this.#options.payee,
      hub: this.#hub,
      config: () => this.#config,
    })
    place.member = member
    void member.exited.then(() => this.#bury(member))
    return member
  }

  #bury(member: Member): void {
    this.#leaving.delete(member)
    if (member.collected !== undefined) {
      const past = this.#past === undefined ? [] : [this.#past]
      this.#past = this.#options.fold([...past, member.collected])
    }
    try {
      this.#options.released(member.owner)
    } catch (error) {
      this.#options.log.failure('use-store', undefined, error)
    }
  }

  /** Keeps a place filled until its worker is replaced on purpose, or the crew ends. */
  async #keep(place: Place): Promise<void> {
    const { log } = this.#options
    for (let member = place.member; member !== undefined; member = this.#fill(place)) {
      const exit = await member.exited
      if (place.member !== member) return
      place.member = undefined
      if (this.#over.signal.aborted) return
      log.error(`${place.name} died (${describe(exit)})`)
      const delayMs = place.restarts.died(performance.now() - member.startedAtMs)
      if (place.restarts.isHopeless() && this.status().ready === 0) {
        this.#giveUp(new Error(`${place.name} dies as soon as it is started (${describe(exit)})`))
        await this.stop()
        return
      }
      await sleep(delayMs, undefined, { signal: this.#over.signal }).catch(() => undefined)
      if (this.#over.signal.aborted) return
      this.#restarted++
    }
  }

  #fill(place: Place): Member {
    const member = this.#fork(place)
    void this.#introduce(member)
    return member
  }

  /** A worker that does not serve in time is ended; one that missed a reload is told. */
  async #introduce(member: Member): Promise<void> {
    try {
      await limited(Promise.race([member.ready, member.exited]), this.#startMs)
    } catch {
      this.#options.log.error(`${member.name} does not serve in time and is ended`)
      member.kill()
      return
    }
    if (member.isReady && member.generation !== this.#config.generation) await this.#update(member)
  }

  async #reload(text: string): Promise<void> {
    const [first, ...rest] = this.#places.flatMap(({ member }) => {
      return member?.isReady === true ? [member] : []
    })
    if (first === undefined || this.#over.signal.aborted) throw new Error('no worker runs')
    try {
      await first.ask({ kind: 'reload', config: text }, reloadMs)
    } catch (error) {
      // It may have the new one or the old one: its successor surely has the old one.
      if (!(error instanceof WorkerRefusal)) await this.#replace(first)
      throw error
    }
    this.#config = { text, generation: this.#config.generation + 1 }
    first.generation = this.#config.generation
    await Promise.all(rest.map((member) => this.#update(member)))
  }

  async #update(member: Member): Promise<void> {
    const { text, generation } = this.#config
    try {
      await member.ask({ kind: 'reload', config: text }, reloadMs)
      member.generation = generation
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown'
      this.#options.log.warn(`${member.name} did not take the configuration and is replaced`, {
        reason,
      })
      await this.#replace(member)
    }
  }

  /** Resolves when the successor serves, or could not. */
  async #replace(member: Member): Promise<void> {
    const place = this.#places.find((candidate) => candidate.member === member)
    if (place === undefined || this.#over.signal.aborted) return
    this.#leaving.add(member)
    void member.leave(this.#options.drainMs())
    const successor = this.#fill(place)
    void this.#keep(place)
    await limited(Promise.race([successor.ready, successor.exited]), this.#startMs).catch(
      () => undefined,
    )
  }

  #ping(timeoutMs: number): void {
    for (const { member } of this.#places) {
      if (member?.isReady === true) void this.#pingOne(member, timeoutMs)
    }
  }

  async #pingOne(member: Member, timeoutMs: number): Promise<void> {
    try {
      await member.ask({ kind: 'ping' }, timeoutMs)
      member.silences = 0
    } catch {
      member.silences++
      if (member.silences < maxSilences || member.isGone || member.isLeaving) return
      this.#options.log.error(`${member.name} does not answer and is ended`)
      member.kill()
    }
  }

  #all(): readonly Member[] {
    const members = this.#places.flatMap(({ member }) => (member === undefined ? [] : [member]))
    return [...members, ...this.#leaving].filter(({ isGone }) => !isGone)
  }

  #end(finish: (member: Member) => Promise<unknown>): Promise<void> {
    this.#over.abort()
    clearInterval(this.#pings)
    this.#ending ??= Promise.all(this.#all().map(finish)).then(() => this.#hub.stop())
    return this.#ending
  }
}

async function collectFrom(member: Member): Promise<void> {
  try {
    member.collected = await member.ask({ kind: 'collect' }, collectMs)
  } catch {
    // What it said last is what is known of it.
  }
}

function describe({ code, signal }: Exit): string {
  if (signal !== undefined) return `signal ${signal}`
  return code === undefined ? 'it could not be started' : `exit code ${code}`
}
