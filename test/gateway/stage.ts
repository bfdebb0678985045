import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  decodeInvoice,
  encodeHex,
  formatCredential,
  msat,
  parseChallenges,
  satToMsat,
} from 'satway'
import type { DevnetNode } from 'satway/lightning/devnet'
import { createDevnet } from 'satway/lightning/devnet'
import { attenuate, decodeToken, encodeToken } from 'satway/macaroon'
import { readConfig } from '../../program/src/gateway/config/index.ts'
import type { Gateway, GatewayOptions } from '../../program/src/gateway/gateway.ts'
import { openGateway } from '../../program/src/gateway/gateway.ts'
import type { ExchangeRecord, Observer } from '../../program/src/gateway/operations/index.ts'
import type { State } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'

/** A gateway in this process, between a buyer with money and whatever is behind it. */
export type Stage = {
  readonly gateway: Gateway
  /** Of the first listener. */
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly state: State
  readonly seller: DevnetNode
  readonly buyer: DevnetNode
  readonly clock: { seconds: number }
  /** One for each exchange that is over, in the order they ended. */
  readonly records: readonly ExchangeRecord[]
  /** What the operator was told. */
  readonly told: readonly string[]
  /** How many invoices the wallet was asked for. */
  invoices(): number
  /** Pays what a response asks for, and gives the value for `Authorization`. */
  pay(response: Response): Promise<string>
  /** Asks without a credential and pays. */
  buy(path: string, init?: RequestInit): Promise<string>
  /** Puts another configuration in force; `text` as for {@link openStage}. */
  reload(text: string): Promise<void>
  close(): Promise<void>
}

/** Obviously nobody's keys. */
export const testKeys: string = `1:${'07'.repeat(32)}`

/**
 * Opens a gateway on a free port.
 *
 * @param text - Everything but `wallet`, `keys`, `state`, `listen` and `admin`, which are set here
 *   unless it sets them.
 */
export async function openStage(
  text: string,
  options: Partial<GatewayOptions> & { readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-gateway-'))
  const clock = { seconds: Math.floor(Date.now() / 1000) }
  const now = options.now ?? (() => clock.seconds)
  const devnet = createDevnet({ now })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(10_000_000n) })
  const state = options.state ?? openState({ file: join(folder, 'state.db'), owner: 'test', now })
  const records: ExchangeRecord[] = []
  const told: string[] = []
  let invoices = 0
  const observer: Observer = {
    exchange: (record) => void records.push({ ...record }),
    challenge: () => undefined,
    settled: () => undefined,
    failure: (part, service, error) => void told.push(`${part} ${service} ${String(error)}`),
    connections: () => undefined,
  }
  const where = { file: join(folder, 'satway.yaml'), env: { TEST_KEYS: testKeys, ...options.env } }
  const read = async (given: string) => {
    const reading = await readConfig(complete(given, folder), where)
    if ('config' in reading) return reading.config
    throw new Error(JSON.stringify(reading.mistakes, null, 2))
  }
  const gateway = await openGateway(await read(text), {
    payee: {
      network: seller.network,
      createInvoice: (order) => {
        invoices++
        return seller.createInvoice(order)
      },
      lookupInvoice: seller.lookupInvoice,
      settlements: seller.settlements,
    },
    observer,
    accessLog: {
      write: () => undefined,
      reopen: () => undefined,
      lost: () => 0,
      close: async () => undefined,
    },
    dryRun: false,
    workers: 1,
    log: (message) => void told.push(message),
    now,
    ...options,
    state,
  })
  const [first] = gateway.addresses
  const url = `${first!.scheme}://127.0.0.1:${first!.port}`
  const pay = async (response: Response): Promise<string> => {
    await response.body?.cancel()
    return await payFor(buyer, response.headers.get('www-authenticate'))
  }
  return {
    gateway,
    port: first!.port,
    url,
    folder,
    state,
    seller,
    buyer,
    clock,
    records,
    told,
    invoices: () => invoices,
    pay,
    buy: async (path, init) => pay(await fetch(url + path, init)),
    reload: async (given) => gateway.reload(await read(given)),
    async close() {
      await gateway.close(1000)
      state.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Pays the challenge of a `WWW-Authenticate` value. */
export async function payFor(buyer: DevnetNode, challenge: string | null): Promise<string> {
  const readings = parseChallenges(challenge === null ? [] : [challenge])
  const first = readings.find((reading) => 'invoice' in reading)
  if (first === undefined) throw new Error(`no challenge: ${challenge}`)
  const outcome = await buyer.pay(decodeInvoice(first.invoice), { maxFeeMsat: msat(1_000_000n) })
  if (outcome.status !== 'settled') throw new Error(`the payment is ${outcome.status}`)
  return formatCredential({ token: first.token, preimage: outcome.preimage })
}

/** The same credential with caveats added. */
export function narrow(authorization: string, ...caveats: readonly string[]): string {
  const [, token, preimage] = /^L402 ([^:]+):([0-9a-f]{64})$/.exec(authorization)!
  return `L402 ${encodeToken(attenuate(decodeToken(token!), ...caveats))}:${preimage}`
}

/** The payment hash of a credential, in hex. */
export function paymentHashOf(authorization: string): string {
  const [, token] = /^L402 ([^:]+):/.exec(authorization)!
  return encodeHex(decodeToken(token!).identifier.slice(2, 34))
}

function complete(text: string, folder: string): string {
  const has = (key: string): boolean => new RegExp(`^${key}:`, 'm').test(text)
  return [
    ...(has('listen') ? [] : ['listen: 127.0.0.1:0']),
    ...(has('wallet') ? [] : ['wallet: devnet']),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
    ...(has('keys') ? [] : ['keys: ${TEST_KEYS}']),
    ...(has('state') ? [] : [`state: ${join(folder, 'state.db')}`]),
    ...(has('admin') ? [] : ['admin: false']),
    text,
  ].join('\n')
}
