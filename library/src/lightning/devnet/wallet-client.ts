import { Agent, request as httpRequest } from 'node:http'
import type { Msat } from '../../amount/index.ts'
import { concatBytes, decodeUtf8, encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { Code } from '../../errors.ts'
import { isL402Error, L402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import type { Payer, PaymentOutcome } from '../index.ts'
import type { WalletAddress } from './wallet-address.ts'
import { walletAddress } from './wallet-address.ts'
import type { WalletInfo } from './wallet-messages.ts'
import {
  formatPayRequest,
  maxBodyBytes,
  parseAnswer,
  parseInfo,
  parseProblem,
} from './wallet-messages.ts'

export type WalletClientOptions = {
  /** How long one exchange may take, in milliseconds. From 1 to 3 600 000; default 60 000. */
  readonly timeoutMs?: number
}

/** A payer over a wallet endpoint. */
export type WalletPayer = Payer & {
  /** @throws {L402Error} NODE_UNAVAILABLE */
  info(signal?: AbortSignal): Promise<WalletInfo>
}

const defaultTimeoutMs = 60_000
const maxTimeoutMs = 3_600_000
/** On this machine, and to a wallet that takes an order when it reads it. */
const orderLagSeconds = 1

/** What became of one exchange. `lost`: the request may have been read. */
type Reply =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'not-sent' }
  | { readonly kind: 'lost'; readonly reason: string }

type Exchange = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  readonly signal: AbortSignal | undefined
}

/**
 * A payer over a wallet endpoint: time-outs and lost connections are `unknown`.
 *
 * Every exchange has a connection of its own. One that is kept open may be dead without our knowing,
 * and an order written to it would have to be called `unknown`.
 *
 * @throws {L402Error} CONFIG_INVALID for an address of another form.
 * @throws {RangeError} for a time-out outside its range.
 * @spec lightning.md R-LN-44, R-LN-45
 */
export function connectWallet(
  address: WalletAddress,
  options: WalletClientOptions = {},
): WalletPayer {
  const { url, secret } = walletAddress(address.url, address.secret)
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > maxTimeoutMs) {
    throw new RangeError(`timeoutMs: expected 1 to ${maxTimeoutMs}`)
  }
  const send = (exchange: Exchange): Promise<Reply> => {
    return exchangeOnce(url, `Bearer ${secret}`, timeoutMs, exchange)
  }

  return {
    network: 'regtest',
    // The secret is new with every wallet, where a port may be that of another one before.
    id: encodeHex(sha256(encodeUtf8(`${url} ${secret}`))),
    orderLagSeconds,
    pay: (invoice, limits) => pay(send, invoice, limits),
    lookupPayment: async (hash, signal) => {
      const path = `/payment/${encodeHex(hash)}`
      return parseAnswer(requireAnswer(await send({ method: 'GET', path, signal })), hash)
    },
    info: async (signal) => {
      return parseInfo(requireAnswer(await send({ method: 'GET', path: '/info', signal })))
    },
  }
}

async function pay(
  send: (exchange: Exchange) => Promise<Reply>,
  invoice: Invoice,
  { maxFeeMsat, signal }: { readonly maxFeeMsat: Msat; readonly signal?: AbortSignal },
): Promise<PaymentOutcome> {
  const body = formatPayRequest({ invoice: invoice.text, maxFeeMsat })
  const reply = await send({ method: 'POST', path: '/payinvoice', body, signal })
  if (reply.kind === 'lost') return { status: 'unknown' }
  if (reply.kind === 'not-sent') throw unavailable('the wallet does not listen')
  if (reply.status !== 200) {
    const code = problemCode(reply.text)
    if (code === undefined) return { status: 'unknown' }
    throw unavailable(code)
  }
  return outcomeOrUnknown(reply.text, invoice.paymentHash)
}

/** After an order, nonsense is no proof of anything. */
function outcomeOrUnknown(text: string, hash: PaymentHash): PaymentOutcome {
  try {
    return parseAnswer(text, hash) ?? { status: 'unknown' }
  } catch (error) {
    if (isL402Error(error, 'NODE_UNAVAILABLE')) return { status: 'unknown' }
    throw error
  }
}

function requireAnswer(reply: Reply): string {
  if (reply.kind === 'lost') throw unavailable(reply.reason)
  if (reply.kind === 'not-sent') throw unavailable('the wallet does not listen')
  if (reply.status !== 200) throw unavailable(problemCode(reply.text) ?? `status ${reply.status}`)
  return reply.text
}

function problemCode(text: string): Code | undefined {
  try {
    return parseProblem(text)
  } catch {
    return undefined
  }
}

/** Sends once and never again. Resolves always. */
function exchangeOnce(
  url: string,
  authorization: string,
  timeoutMs: number,
  { method, path, body, signal }: Exchange,
): Promise<Reply> {
  if (signal?.aborted) return Promise.resolve({ kind: 'lost', reason: 'aborted' })
  return new Promise((resolve) => {
    let connected = false
    const request = httpRequest(`${url}${path}`, {
      method,
      // Its own agent: the global one may be set to send everything through a proxy.
      agent: new Agent({ keepAlive: false }),
      headers: {
        authorization,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    })
    const finish = (reply: Reply): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      resolve(reply) // what comes after the first is ignored
      request.destroy()
    }
    const onAbort = (): void => finish({ kind: 'lost', reason: 'aborted' })
    const timer = setTimeout(() => finish({ kind: 'lost', reason: 'timeout' }), timeoutMs)
    signal?.addEventListener('abort', onAbort)

    request.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true
      })
    })
    request.on('response', (response) => {
      const chunks: Uint8Array[] = []
      let length = 0
      response.on('data', (chunk: Uint8Array) => {
        length += chunk.length
        chunks.push(chunk)
        if (length > maxBodyBytes) finish({ kind: 'lost', reason: 'the answer is too long' })
      })
      response.on('error', () => finish({ kind: 'lost', reason: 'the answer broke off' }))
      response.on('end', () => finish(answered(response.statusCode ?? 0, chunks)))
    })
    request.on('error', () => {
      finish(connected ? { kind: 'lost', reason: 'the connection broke' } : { kind: 'not-sent' })
    })
    request.on('close', () => finish({ kind: 'lost', reason: 'the connection was closed' }))
    request.end(body)
  })
}

function answered(status: number, chunks: readonly Uint8Array[]): Reply {
  try {
    return { kind: 'answered', status, text: decodeUtf8(concatBytes(...chunks)) }
  } catch {
    return { kind: 'lost', reason: 'the answer is not UTF-8' }
  }
}

function unavailable(reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason })
}
