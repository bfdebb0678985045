import type { ServiceView } from '../admin/index.ts'
import { ControlRefusal } from '../admin/index.ts'
import type { ConfigMistake, GatewayConfig, ServiceDocument } from './config/index.ts'
import { sayMistake } from './mistakes.ts'
import type { Packet } from './source.ts'
import { readPacket } from './source.ts'
import type { State } from './state/index.ts'

type InForce = {
  readonly packet: Packet
  readonly config: GatewayConfig
  /** Services of the file, as they were written. */
  readonly documents: readonly ServiceDocument[]
}

/**
 * The configuration in force, and how it changes: read again from its file, or by a service of the
 * admin API. One change after the other; one that has a mistake changes nothing.
 */
export class ConfigBook {
  #inForce: InForce
  /** What the process was started with: what a reload cannot change is still as it was there. */
  readonly #started: GatewayConfig
  readonly #readText: () => string
  readonly #apply: (packet: string) => Promise<void>
  readonly #state: Pick<State, 'putService' | 'forgetService'>
  #changing: Promise<unknown> = Promise.resolve()

  constructor(
    first: InForce,
    options: {
      readonly readText: () => string
      /** Puts it in force in every worker, or in none. */
      readonly apply: (packet: string) => Promise<void>
      readonly state: Pick<State, 'putService' | 'forgetService'>
    },
  ) {
    this.#inForce = first
    this.#started = first.config
    this.#readText = options.readText
    this.#apply = options.apply
    this.#state = options.state
  }

  get config(): GatewayConfig {
    return this.#inForce.config
  }

  services(): readonly ServiceView[] {
    const { documents, packet } = this.#inForce
    return [
      ...documents.map((document): ServiceView => ({ ...document, origin: 'file' })),
      ...packet.stored.map((document): ServiceView => ({ ...document, origin: 'api' })),
    ]
  }

  /**
   * @returns the keys of the file that differ from what the process was started with, and that only
   *   a restart puts in force.
   * @throws {ControlRefusal} with every mistake; the old configuration goes on.
   */
  reload(): Promise<{ readonly needsRestart: readonly string[] }> {
    return this.#inTurn(async () => {
      await this.#change({ ...this.#inForce.packet, text: this.#readText() })
      return { needsRestart: changedFrame(this.#started, this.#inForce.config) }
    })
  }

  /** @throws {ControlRefusal} */
  put(name: string, document: unknown, mode: 'create' | 'replace'): Promise<ServiceView> {
    return this.#inTurn(async () => {
      const { stored } = this.#inForce.packet
      this.#refuseOfFile(name)
      const isThere = stored.some((service) => service.name === name)
      if (mode === 'create' && isThere) {
        throw new ControlRefusal('conflict', `There is a service "${name}" already.`)
      }
      if (mode === 'replace' && !isThere) throw notFound(name)
      const others = stored.filter((service) => service.name !== name)
      const packet = { ...this.#inForce.packet, stored: [...others, { name, document }] }
      await this.#change(packet, name)
      this.#state.putService(name, JSON.stringify(document))
      return { name, origin: 'api', document }
    })
  }

  /** @throws {ControlRefusal} */
  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const { stored } = this.#inForce.packet
      this.#refuseOfFile(name)
      if (!stored.some((service) => service.name === name)) throw notFound(name)
      const others = stored.filter((service) => service.name !== name)
      await this.#change({ ...this.#inForce.packet, stored: others })
      this.#state.forgetService(name)
    })
  }

  /** A document's own name is the one it is stored under. */
  #refuseOfFile(name: string): void {
    if (!this.#inForce.documents.some((service) => service.name === name)) return
    throw new ControlRefusal(
      'conflict',
      `The service "${name}" is defined in the file: change it there, and reload.`,
    )
  }

  async #change(packet: Packet, fresh?: string): Promise<void> {
    const reading = await readPacket(packet, fresh)
    if ('mistakes' in reading) throw invalid(reading.mistakes)
    await this.#apply(JSON.stringify(packet))
    this.#inForce = { packet, config: reading.config, documents: reading.documents }
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changing.then(change)
    this.#changing = turn.catch(() => undefined)
    return turn
  }
}

function notFound(name: string): ControlRefusal {
  return new ControlRefusal('not-found', `There is no service "${name.slice(0, 64)}".`)
}

function invalid(mistakes: readonly ConfigMistake[]): ControlRefusal {
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  const kind = mistakes.every(({ isCollision }) => isCollision === true) ? 'conflict' : 'invalid'
  return new ControlRefusal(kind, `The configuration has ${count}.`, mistakes.map(sayMistake))
}

/** What a reload cannot change: where it listens, and what the process holds open. */
function changedFrame(a: GatewayConfig, b: GatewayConfig): readonly string[] {
  const [before, after] = [frameOf(a), frameOf(b)]
  return Object.keys(before).filter((key) => before[key] !== after[key])
}

/** By the keys of the file. */
function frameOf(config: GatewayConfig): Readonly<Record<string, string>> {
  const { listen, limits, state, wallet, admin, log } = config
  const places = listen.map(({ host, port, http2, proxyProtocolFrom, forwardAuth, tls }) => [
    host,
    port,
    http2,
    proxyProtocolFrom,
    forwardAuth,
    tls?.kind,
  ])
  const frame = { listen: places, limits, state, wallet, admin: admin ?? false, log }
  return Object.fromEntries(Object.entries(frame).map(([key, value]) => [key, comparable(value)]))
}

function comparable(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  )
}
