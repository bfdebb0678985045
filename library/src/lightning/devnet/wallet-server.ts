import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import {
  concatBytes,
  decodeHex,
  decodeUtf8,
  encodeHex,
  encodeUtf8,
  equalBytes,
  randomBytes,
  sha256,
} from '../../bytes/index.ts'
import type { Code } from '../../errors.ts'
import { isL402Error, L402Error } from '../../errors.ts'
import type { Invoice } from '../../invoice/index.ts'
import { decodeInvoice, paymentHash } from '../../invoice/index.ts'
import type { Payer, PaymentOutcome } from '../index.ts'
import type { DevnetNode } from './devnet.ts'
import type { WalletAddress } from './wallet-address.ts'
import { walletAddress } from './wallet-address.ts'
import { removeWalletFile, writeWalletFile } from './wallet-file.ts'
import {
  formatAnswer,
  formatInfo,
  formatProblem,
  maxBodyBytes,
  parsePayRequest,
} from './wallet-messages.ts'

/** The node behind an endpoint: a payer, and what it tells about itself. */
export type WalletNode = Payer & Partial<Pick<DevnetNode, 'name' | 'nodeId' | 'balanceMsat'>>

export type WalletServerOptions = {
  /** Default: one that is free. */
  readonly port?: number
  /** 64 lower-case hex digits. Default: 32 bytes from the operating system's generator. */
  readonly secret?: string
  /** Where to write the address for other processes of this user; removed on close. */
  readonly file?: string
}

export type WalletServer = {
  readonly address: WalletAddress
  /** Drops every connection; the payments behind them go on. */
  close(): Promise<void>
}

/** How long a client may take to send its headers, and its whole request. */
const headersTimeoutMs = 2_000
const requestTimeoutMs = 10_000
/** How often that is checked. Node's own 30 seconds would let silent clients fill the places. */
const connectionsCheckingIntervalMs = 1_000
const maxConnections = 256
/** How many of them may have asked for nothing yet. */
const maxSilent = 128

const statusOf: Partial<Record<Code, number>> = {
  CREDENTIAL_REFUSED: 401,
  REQUEST_NOT_FOUND: 404,
  REQUEST_METHOD: 405,
  NODE_UNAVAILABLE: 503,
}

/**
 * Lends the payer powers of one development node to other processes of this machine.
 *
 * Listens on 127.0.0.1 only. Whoever has the address can spend the node's balance.
 *
 * @throws {L402Error} CONFIG_INVALID for a node of another network than regtest, a secret of another
 *   form, a port that cannot be had, and a file that cannot be written.
 * @spec lightning.md R-LN-40 to R-LN-47
 */
export async function serveWallet(
  node: WalletNode,
  options: WalletServerOptions = {},
): Promise<WalletServer> {
  if (node.network !== 'regtest') {
    throw new L402Error('CONFIG_INVALID', { reason: 'a wallet endpoint serves regtest only' })
  }
  const secret = options.secret ?? encodeHex(randomBytes(32))
  walletAddress('http://127.0.0.1:1', secret) // before anything listens

  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: connectionsCheckingIntervalMs,
  })
  server.maxConnections = maxConnections
  const silent = new Set<Socket>()
  server.on('connection', (socket) => admit(silent, socket))
  const port = await listen(server, options.port ?? 0)
  const address = walletAddress(`http://127.0.0.1:${port}`, secret)
  const secretHash = sha256(encodeUtf8(secret))
  server.on('request', (request, response) => {
    silent.delete(request.socket)
    void respond(node, port, secretHash, request, response)
  })

  const { file } = options
  const shut = async (): Promise<void> => {
    if (file !== undefined) await removeWalletFile(file, address)
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= shut()
    return closing
  }
  try {
    if (file !== undefined) await writeWalletFile(file, address)
  } catch (error) {
    await close()
    throw error
  }
  return { address, close }
}

/** The silent one that has been there longest makes room: places are for who asks something. */
function admit(silent: Set<Socket>, socket: Socket): void {
  const [oldest] = silent
  if (silent.size >= maxSilent) oldest?.destroy()
  silent.add(socket)
  socket.once('close', () => silent.delete(socket))
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
  } catch (error) {
    throw new L402Error('CONFIG_INVALID', { reason: 'the port cannot be had', port }, error)
  }
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('listen: expected a port')
  return bound.port
}

async function respond(
  node: WalletNode,
  port: number,
  secretHash: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => response.destroy())
  try {
    requireOwnName(request, port)
    requireSecret(request, secretHash)
    send(response, 200, 'application/json', await answer(node, request, response))
  } catch (error) {
    const problem = asProblem(error)
    const status = statusOf[problem.code] ?? 400
    response.setHeader('connection', 'close')
    if (status === 401) response.setHeader('www-authenticate', 'Bearer')
    if (status === 405) response.setHeader('allow', allowed(request.url ?? ''))
    send(response, status, 'application/problem+json', formatProblem(problem, status))
  }
}

function answer(
  node: WalletNode,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string> {
  const target = request.url ?? ''
  const method = allowed(target)
  if (method === '') throw new L402Error('REQUEST_NOT_FOUND')
  if (request.method !== method) throw new L402Error('REQUEST_METHOD')
  if (target === '/payinvoice') return pay(node, request, response)
  if (target === '/info') return info(node)
  return lookup(node, target.slice('/payment/'.length))
}

/** The one method of a path. Empty: there is nothing. */
function allowed(target: string): string {
  if (target === '/payinvoice') return 'POST'
  if (target === '/info') return 'GET'
  return /^\/payment\/[0-9a-f]{64}$/.test(target) ? 'GET' : ''
}

async function pay(
  node: WalletNode,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const order = parsePayRequest(await readBody(request))
  const invoice = decodeInvoice(order.invoice)
  const maxFeeMsat = order.maxFeeMsat ?? usualFeeLimitMsat(invoice)
  return formatAnswer(
    invoice.paymentHash,
    await payOrUnknown(node, invoice, maxFeeMsat, gone.signal),
  )
}

/** A problem says that no order was given, so whatever else goes wrong here is `unknown`. */
async function payOrUnknown(
  node: WalletNode,
  invoice: Invoice,
  maxFeeMsat: Msat,
  signal: AbortSignal,
): Promise<PaymentOutcome> {
  try {
    return await node.pay(invoice, { maxFeeMsat, signal })
  } catch (error) {
    if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    return { status: 'unknown' }
  }
}

async function lookup(node: WalletNode, hashHex: string): Promise<string> {
  const hash = paymentHash(decodeHex(hashHex))
  return formatAnswer(hash, await node.lookupPayment(hash))
}

async function info(node: WalletNode): Promise<string> {
  const { name, nodeId } = node
  return formatInfo({ network: 'regtest', name, nodeId, balanceMsat: node.balanceMsat?.() })
}

/** Without a limit from the caller: one per cent, and never less than 5 sat. */
function usualFeeLimitMsat(invoice: Invoice): Msat {
  const onePercent = (invoice.amountMsat ?? 0n) / 100n
  return msat(onePercent > 5000n ? onePercent : 5000n)
}

/**
 * A page in a browser can be made to call us under a name of its own (DNS rebinding), and says where
 * it comes from. No wallet client does either.
 */
function requireOwnName(request: IncomingMessage, port: number): void {
  const names = request.rawHeaders.filter((_, i, all) => i % 2 === 1 && isHost(all[i - 1]!))
  const own = [`127.0.0.1:${port}`, `localhost:${port}`]
  if (names.length !== 1 || !own.includes(names[0]!)) throw malformed('host')
  if (request.headers.origin !== undefined) throw malformed('origin')
}

function isHost(name: string): boolean {
  return name.toLowerCase() === 'host'
}

/** Compares digests, in constant time: neither the secret nor its length shows. */
function requireSecret(request: IncomingMessage, secretHash: Uint8Array): void {
  const given = /^Bearer ([0-9a-f]{64})$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (!equalBytes(sha256(encodeUtf8(given)), secretHash)) throw new L402Error('CREDENTIAL_REFUSED')
}

async function readBody(request: IncomingMessage): Promise<string> {
  if (!/^application\/json *(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw malformed('content-type')
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw malformed('length')
  const body = await new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= maxBodyBytes) return
      request.pause()
      reject(malformed('length'))
    })
    request.on('end', () => resolve(concatBytes(...chunks)))
    request.on('error', () => reject(malformed('body')))
  })
  return decodeUtf8(body)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(body)
}

/** Anything that is not ours stays inside: its text could carry what must not leave. */
function asProblem(error: unknown): L402Error {
  return isL402Error(error) ? error : new L402Error('NODE_UNAVAILABLE')
}

function malformed(reason: string): L402Error {
  return new L402Error('REQUEST_MALFORMED', { reason })
}
