import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import type { Preimage } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { attenuate, decodeToken, encodeToken } from '../../library/src/macaroon/index.ts'
import type {
  Decision,
  Gate,
  IncomingRequest,
  KeyRing,
  Paywall,
  PaywallEvents,
  PaywallOptions,
  RefusalResponse,
} from '../../library/src/server/index.ts'
import { createKeyRing, createPaywall } from '../../library/src/server/index.ts'

/** Everything that a paywall's test needs: a seller with its keys, a buyer with money, a clock. */
export type Stall = {
  readonly paywall: Paywall
  readonly keys: KeyRing
  readonly seller: DevnetNode
  readonly buyer: DevnetNode
  readonly clock: { seconds: number }
  /** What listeners were told, in order. */
  readonly told: readonly Told[]
  /** How many invoices the seller was asked for. */
  invoices(): number
  /** What the buyer has. */
  balanceMsat(): Msat
  /** Pays the challenge of a refusal. */
  pay(response: RefusalResponse): Promise<Purchase>
  /** Asks a gate without a credential and pays what it asks for. */
  buy(gate: Gate, request?: RequestParts): Promise<Purchase>
}

type EventName = keyof PaywallEvents
type Told = { readonly name: EventName; readonly event: unknown }

export type Purchase = {
  readonly token: string
  readonly preimage: Preimage
  readonly paymentHash: string
  /** The value for `Authorization`. */
  readonly authorization: string
  /** The same, with caveats added to the token. */
  narrowed(...caveats: readonly string[]): string
}

/** 32 bytes for tests; nobody's key. */
export const masterKey: Uint8Array = new Uint8Array(32).fill(7)

export function openStall(options: Partial<PaywallOptions> = {}): Stall {
  const clock = { seconds: 1_800_000_000 }
  const now = (): number => clock.seconds
  const devnet = createDevnet({ now })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: msat(1_000_000_000n) })
  const keys = options.keys ?? createKeyRing([{ kid: 1, key: masterKey }])
  const told: Told[] = []
  const listen = (name: EventName) => (event: unknown) => void told.push({ name, event })
  let invoices = 0
  const paywall = createPaywall({
    service: 'weather',
    payee: {
      network: seller.network,
      createInvoice: (order) => {
        invoices++
        return seller.createInvoice(order)
      },
      lookupInvoice: seller.lookupInvoice,
      settlements: seller.settlements,
    },
    now,
    on: {
      challenge: listen('challenge'),
      admitted: listen('admitted'),
      refused: listen('refused'),
      settled: listen('settled'),
      failure: listen('failure'),
    },
    ...options,
    keys,
  })

  const pay = async (response: RefusalResponse): Promise<Purchase> => {
    const { token, invoice } = readBody(response) as { token: string; invoice: string }
    const outcome = await buyer.pay(decodeInvoice(invoice), { maxFeeMsat: msat(1_000_000n) })
    if (outcome.status !== 'settled') throw new Error(`the payment is ${outcome.status}`)
    return purchase(token, outcome.preimage)
  }
  return {
    paywall,
    keys,
    seller,
    buyer,
    clock,
    told,
    invoices: () => invoices,
    balanceMsat: () => buyer.balanceMsat(),
    pay,
    buy: async (gate, parts) => pay(refusalOf(await gate(request(parts)))),
  }
}

export function purchase(token: string, preimage: Preimage): Purchase {
  const write = (text: string): string => `L402 ${text}:${encodeHex(preimage)}`
  const { identifier } = decodeToken(token)
  return {
    token,
    preimage,
    paymentHash: encodeHex(identifier.slice(2, 34)),
    authorization: write(token),
    narrowed: (...caveats) => write(encodeToken(attenuate(decodeToken(token), ...caveats))),
  }
}

export type RequestParts = {
  readonly method?: string
  readonly target?: string
  readonly clientAddress?: string | undefined
  /** Lower-case names; a list stands for several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly bodySha256?: () => Promise<string>
}

export function request(parts: RequestParts = {}): IncomingRequest {
  const { headers = {}, bodySha256 } = parts
  return {
    method: parts.method ?? 'GET',
    target: parts.target ?? '/forecast',
    clientAddress: 'clientAddress' in parts ? parts.clientAddress : '192.0.2.1',
    headerLines: (name) => [headers[name] ?? []].flat(),
    ...(bodySha256 === undefined ? {} : { bodySha256 }),
  }
}

/** A request with a credential. */
export function paidRequest(authorization: string, parts: RequestParts = {}): IncomingRequest {
  return request({ ...parts, headers: { ...parts.headers, authorization } })
}

export function refusalOf(decision: Decision): RefusalResponse {
  if (decision.status === 'refused') return decision.response
  throw new Error('the request was admitted')
}

export function admissionOf(decision: Decision): Extract<Decision, { status: 'admitted' }> {
  if (decision.status === 'admitted') return decision
  throw new Error(`the request was refused: ${decision.response.body}`)
}

export function readBody(response: RefusalResponse): Readonly<Record<string, unknown>> {
  return JSON.parse(response.body)
}

/** Status and code: what most tests ask of a refusal. */
export function refusedWith(decision: Decision): string {
  const response = refusalOf(decision)
  return `${response.status} ${String(readBody(response)['code'])}`
}

export function headerLines(response: RefusalResponse, name: string): readonly string[] {
  return response.headers
    .filter(([other]) => other.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
}

/** 32 bytes that are not the preimage of anything that was paid. */
export const strangePreimage: Uint8Array = decodeHex('99'.repeat(32))
