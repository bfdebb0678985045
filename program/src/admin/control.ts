import type { State } from '../gateway/state/index.ts'

/** One service as the admin API shows it. */
export type ServiceView = {
  readonly name: string
  /** `file`: in the configuration file, changed there. `api`: made through this API. */
  readonly origin: 'file' | 'api'
  /** As the configuration file would have it; references (`${…}`, `file:`) as they were written. */
  readonly document: unknown
}

export type HealthCheck = {
  /** `wallet`, `store`, `upstream:weather`, `workers`. */
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  readonly durationMs: number
}

export type HealthReport = { readonly ok: boolean; readonly checks: readonly HealthCheck[] }

/** What the admin API steers. The primary gives it. */
export type Control = {
  readonly version: string
  readonly startedAtMs: number
  readonly network: string
  readonly configFile: string | undefined
  readonly workers: number
  readonly state: State
  services(): readonly ServiceView[]
  /**
   * Stores a service and swaps the running configuration.
   *
   * @param mode - `create` fails where the name is taken, `replace` where it is not.
   * @throws {ControlRefusal} and nothing has changed.
   */
  putService(name: string, document: unknown, mode: 'create' | 'replace'): Promise<ServiceView>
  deleteService(name: string): Promise<void>
  /**
   * Reads the configuration file again.
   *
   * @returns the settings of the file that differ from those the gateway started with, and take
   *   effect with its next start only: `listen`, `wallet`.
   * @throws {ControlRefusal} with every mistake; the old one goes on.
   */
  reload(): Promise<{ readonly needsRestart: readonly string[] }>
  health(): Promise<HealthReport>
  /** Prometheus text, of all workers together. */
  metrics(): Promise<string>
}

/** Why the gateway would not do it: `mistakes` are of the form `path: what was expected`. */
export class ControlRefusal extends Error {
  override readonly name = 'ControlRefusal'
  readonly kind: 'not-found' | 'conflict' | 'invalid'
  readonly mistakes: readonly string[]

  constructor(
    kind: 'not-found' | 'conflict' | 'invalid',
    message: string,
    mistakes: readonly string[] = [],
  ) {
    super(message)
    this.kind = kind
    this.mistakes = mistakes
  }
}
