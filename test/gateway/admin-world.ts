import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin, Control, HealthReport, ServiceView } from '../../program/src/admin/index.ts'
import { ControlRefusal, openAdmin } from '../../program/src/admin/index.ts'
import type { AdminChange } from '../../program/src/gateway/operations/index.ts'
import type { State, Transaction } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'

/** 2026-11-25T08:00:00Z */
export const nowSeconds = 1_795_593_600

export type World = {
  readonly admin: Admin
  readonly folder: string
  readonly keyFile: string
  readonly macaroonFile: string
  readonly control: TestControl
  /** What the log was told of changes. */
  readonly changes: AdminChange[]
  /** And of faults. */
  readonly faults: string[]
  /** Writes sales into the state. */
  seed(...sales: readonly Sale[]): void
  /** Sets the clock of the listener and the state. */
  setNow(seconds: number): void
  close(): Promise<void>
}

/** A real admin listener over a gateway that is made up. */
export async function openWorld(options: { readonly folder?: string } = {}): Promise<World> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'satway-admin-'))
  const keyFile = join(folder, 'admin.key')
  const macaroonFile = join(folder, 'admin.macaroon')
  let now = nowSeconds
  const control = createControl(createState(folder, () => now))
  const changes: AdminChange[] = []
  const faults: string[] = []
  const admin = await openAdmin({
    config: { host: '127.0.0.1', port: 0, keyFile, macaroonFile },
    control,
    now: () => now,
    log: (change) => void changes.push(change),
    onFault: (words) => void faults.push(words),
  }).catch((error: unknown) => {
    control.state.close()
    throw error
  })
  return {
    admin,
    folder,
    keyFile,
    macaroonFile,
    control,
    changes,
    faults,
    seed: (...sales) => seed(folder, sales),
    setNow: (seconds) => {
      now = seconds
    },
    close: async () => {
      await admin.close()
      control.state.close()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type TestControl = Control & {
  readonly state: TestState
  health(): Promise<HealthReport>
  /** How often health was asked. */
  probes: number
  isHealthy: boolean
  reloads: number
  reloadMistakes: readonly string[]
  needsRestart: readonly string[]
  /** Throws at the next change of a service. */
  fault: Error | undefined
}

function createControl(state: TestState): TestControl {
  const services = new Map<string, ServiceView>([
    [
      'weather',
      {
        name: 'weather',
        origin: 'file',
        document: {
          name: 'weather',
          hosts: ['api.example.com'],
          upstream: {
            url: 'http://user:hunter2@127.0.0.1:3000/base?key=sesame',
            headers: { 'X-Key': 'plain-upstream-key', 'X-Ref': `\${WEATHER_KEY}` },
            sign: 'file:sign.key',
          },
          routes: { 'GET /v1/weather/:city': '10 sat', 'GET /': 'free' },
        },
      },
    ],
  ])
  const later = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))
  const control: TestControl = {
    version: '9.9.9',
    startedAtMs: (nowSeconds - 3600) * 1000,
    network: 'regtest',
    configFile: '/etc/satway/satway.yaml',
    workers: 2,
    state,
    probes: 0,
    isHealthy: true,
    reloads: 0,
    reloadMistakes: [],
    needsRestart: [],
    fault: undefined,
    services: () => [...services.values()],
    putService: async (name, document, mode) => {
      if (control.fault !== undefined) throw control.fault
      const old = services.get(name)
      if (old?.origin === 'file') {
        throw new ControlRefusal('conflict', `The service "${name}" is defined in the file.`)
      }
      if (mode === 'create' && old !== undefined) {
        throw new ControlRefusal('conflict', `There is a service "${name}" already.`)
      }
      if (mode === 'replace' && old === undefined) {
        throw new ControlRefusal('not-found', `There is no service "${name}".`)
      }
      const { upstream, routes } = document as Record<string, unknown>
      const mistakes = [
        ...(upstream === undefined ? ['upstream: expected a URL'] : []),
        ...(routes === undefined ? ['routes: expected at least one'] : []),
      ]
      if (mistakes.length > 0) {
        throw new ControlRefusal('invalid', 'The service has mistakes.', mistakes)
      }
      await later() // a real one asks its workers here
      const view: ServiceView = { name, origin: 'api', document }
      services.set(name, view)
      return view
    },
    deleteService: async (name) => {
      const old = services.get(name)
      if (old === undefined) throw new ControlRefusal('not-found', `There is no service "${name}".`)
      if (old.origin === 'file') {
        throw new ControlRefusal('conflict', `The service "${name}" is defined in the file.`)
      }
      await later()
      services.delete(name)
    },
    reload: async () => {
      const mistakes = control.reloadMistakes
      if (mistakes.length > 0) {
        throw new ControlRefusal('invalid', 'The configuration has mistakes.', mistakes)
      }
      control.reloads++
      return { needsRestart: control.needsRestart }
    },
    health: async () => {
      control.probes++
      await later()
      return {
        ok: control.isHealthy,
        checks: [
          { name: 'wallet', ok: true, detail: 'answers', durationMs: 1.25 },
          {
            name: 'upstream:weather',
            ok: control.isHealthy,
            detail: control.isHealthy ? 'answers' : 'connection refused',
            durationMs: 3,
          },
        ],
      }
    },
    metrics: async () => '# TYPE satway_requests_total counter\nsatway_requests_total 7\n',
  }
  return control
}

export type TestState = State & {
  /** How many items each page had that was asked for. */
  readonly pages: number[]
  /** Thrown by every question from now on. */
  fault: Error | undefined
}

/** A real state file, which can be made to fail. */
function createState(folder: string, now: () => number): TestState {
  const real = openState({ file: join(folder, 'satway.db'), owner: 'admin-test', now })
  const usable = (): void => {
    if (state.fault !== undefined) throw state.fault
  }
  const state: TestState = {
    ...real,
    pages: [],
    fault: undefined,
    transactions: (filter) => {
      usable()
      const page = real.transactions(filter)
      state.pages.push(page.items.length)
      return page
    },
    transaction: (id) => {
      usable()
      return real.transaction(id)
    },
    deny: (id, reason) => {
      usable()
      real.deny(id, reason)
    },
  }
  return state
}

/** Writes sales as a worker does: payments are reported, tokens are seen. */
function seed(folder: string, sales: readonly Sale[]): void {
  const state = openState({
    file: join(folder, 'satway.db'),
    owner: 'admin-seed',
    now: () => nowSeconds - 60,
  })
  for (const one of sales) {
    if (one.isReported) state.noteSettlement(one)
    const { tokenId, service, capability, validUntilSeconds } = one
    if (tokenId === undefined || service === undefined || capability === undefined) continue
    const token = { ...one, tokenId, service, capability, validUntilSeconds }
    for (let i = 0; i < one.uses; i++) state.noteToken(token)
  }
  state.close()
}

/** What is known of a sale when it is written. */
export type Sale = Pick<
  Transaction,
  | 'paymentHash'
  | 'tokenId'
  | 'amountMsat'
  | 'settledAtSeconds'
  | 'service'
  | 'capability'
  | 'isReported'
  | 'uses'
> & { readonly validUntilSeconds: number }

/** A sale with a number: hash and token id begin with it. */
export function sale(number: number, more: Partial<Sale> = {}): Sale {
  const digits = number.toString(16).padStart(8, '0')
  return {
    paymentHash: `${digits}${'a'.repeat(56)}`,
    tokenId: `f${digits.slice(1)}${'b'.repeat(56)}`,
    amountMsat: 10_000n,
    settledAtSeconds: nowSeconds - number,
    service: 'weather',
    capability: 'report',
    isReported: true,
    uses: 3,
    validUntilSeconds: nowSeconds + 3600,
    ...more,
  }
}

export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** One request with exactly these headers. */
export async function ask(
  address: string,
  options: {
    readonly method?: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string | readonly string[]>>
    readonly body?: string | Uint8Array
  },
): Promise<Answer> {
  const { hostname, port } = new URL(`http://${address}`)
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent: new Agent({ keepAlive: false }),
        host: hostname.replace(/[[\]]/g, ''),
        port,
        method: options.method ?? 'GET',
        path: options.path,
        headers: options.headers as Record<string, string>,
        setHost: options.headers?.['host'] === undefined,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}
