import type { DevnetNode } from '../../lightning/devnet/index.ts'
import { LndBook } from './lnd-book.ts'
import type { LndCall } from './lnd-call.ts'
import { json, LndError } from './lnd-call.ts'
import { invoiceCalls } from './lnd-invoice-calls.ts'
import { LndMacaroons } from './lnd-macaroons.ts'
import type { GrpcStatus } from './lnd-messages.ts'
import { statusAnswer, statuses, streamStatusAnswer } from './lnd-messages.ts'
import { paymentCalls } from './lnd-payment-calls.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

/** As `GetState` tells it. */
export type LndState =
  | 'WAITING_TO_START'
  | 'NON_EXISTING'
  | 'LOCKED'
  | 'UNLOCKED'
  | 'RPC_ACTIVE'
  | 'SERVER_ACTIVE'

export type LndLookAlike = LookAlike & {
  /**
   * Makes a macaroon, as `lncli bakemacaroon` does.
   *
   * @param permissions - `offchain:read`, `uri:/lnrpc.Lightning/AddInvoice`.
   */
  bake(permissions: readonly string[]): Uint8Array
  /** Default `SERVER_ACTIVE`. */
  setState(state: LndState): void
}

export type LndLookAlikeOptions = {
  /** Seconds since 1970, for the conditions of macaroons. Default: the system's clock. */
  readonly now?: () => number
}

/** What lnd says to every call but GetState while it is in a state. */
const barriers: Readonly<Record<LndState, GrpcStatus | undefined>> = {
  WAITING_TO_START: [2, 'waiting to start, RPC services not available'],
  NON_EXISTING: [2, 'wallet not created, create one to enable full RPC access'],
  LOCKED: [2, 'wallet locked, unlock it to enable full RPC access'],
  UNLOCKED: statuses.starting,
  RPC_ACTIVE: undefined,
  SERVER_ACTIVE: undefined,
}

/**
 * Serves what `createLnd` uses of the REST interface of lnd 0.21, over a node of the embedded network.
 *
 * Answers, errors, their codes and their words are those that lnd 0.21.1 gave on regtest. A stream of
 * invoices sends nothing, not even its head, before something happens; a call that is refused has the
 * status in its HTTP status, within `error` where its answer would be a stream; 64-bit numbers are text;
 * a hash is base64 in an invoice and hex in a payment.
 */
export async function serveLnd(
  node: DevnetNode,
  options: LndLookAlikeOptions = {},
): Promise<LndLookAlike> {
  const now = options.now ?? (() => Date.now() / 1000)
  const macaroons = new LndMacaroons()
  const book = new LndBook(node)
  const calls = [
    ...invoiceCalls(node, book),
    ...paymentCalls(node),
    infoCall(node),
    balanceCall(node),
  ]
  let state: LndState = 'SERVER_ACTIVE'

  const answer = async (call: LndCall, request: WireRequest, part: string): Promise<WireAnswer> => {
    const header = request.headers['grpc-metadata-macaroon']
    const refusal = barriers[state] ?? macaroons.refusal(header, call, now())
    const answerOf = call.isStream ? streamStatusAnswer : statusAnswer
    if (refusal !== undefined) return answerOf(refusal)
    try {
      return await call.answer(request, part)
    } catch (error) {
      return answerOf(error instanceof LndError ? error.status : [2, 'it cannot be done'])
    }
  }
  const route = (request: WireRequest): WireRoute => {
    const { method, path } = request
    if (method === 'GET' && path === '/v1/state') {
      return { role: 'other', carryOut: async () => json({ state }) }
    }
    for (const call of calls) {
      const match = call.method === method ? call.path.exec(path) : null
      if (match === null) continue
      const part = decodeURIComponent(match[1] ?? '')
      return { role: call.role, carryOut: () => answer(call, request, part) }
    }
    return { role: 'other', carryOut: async () => statusAnswer(statuses.notFound) }
  }

  const lookAlike = await serveLookAlike(route)
  return {
    ...lookAlike,
    bake: (permissions) => macaroons.bake(permissions),
    setState: (next) => {
      state = next
    },
    close: async () => {
      book.close()
      await lookAlike.close()
    },
  }
}

function infoCall(node: DevnetNode): LndCall {
  return {
    uri: '/lnrpc.Lightning/GetInfo',
    entity: 'info',
    action: 'read',
    role: 'other',
    method: 'GET',
    path: /^\/v1\/getinfo$/,
    isStream: false,
    answer: async () =>
      json({
        version: '0.21.1-beta commit=',
        alias: node.name,
        synced_to_chain: true,
        testnet: false,
        chains: [{ chain: 'bitcoin', network: node.network }],
      }),
  }
}

function balanceCall(node: DevnetNode): LndCall {
  return {
    uri: '/lnrpc.Lightning/ChannelBalance',
    entity: 'offchain',
    action: 'read',
    role: 'other',
    method: 'GET',
    path: /^\/v1\/balance\/channels$/,
    isStream: false,
    answer: async () => {
      const balanceMsat = node.balanceMsat()
      const sat = String(balanceMsat / 1000n)
      return json({ balance: sat, local_balance: { sat, msat: String(balanceMsat) } })
    },
  }
}
