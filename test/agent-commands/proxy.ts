import { request } from 'node:http'
import { afterEach } from 'vitest'
import type { Ledger, PolicyOptions } from '../../library/src/client/index.ts'
import { createMemoryLedger } from '../../library/src/client/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { createOrders } from '../../program/src/wallet-proxy/orders.ts'
import type { WalletProxy } from '../../program/src/wallet-proxy/proxy.ts'
import { openWalletProxy } from '../../program/src/wallet-proxy/proxy.ts'
import type { Market } from '../client/market.ts'
import { openMarket } from '../client/market.ts'

export const token: string = 'A'.repeat(43)

export type Answered = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
}

/** A wallet proxy in this process, over a devnet and a ledger in memory. */
export type ServedWallet = {
  readonly market: Market
  readonly ledger: Ledger
  readonly proxy: WalletProxy
  readonly lines: readonly string[]
  invoice(sat?: bigint): Promise<string>
  pay(body: unknown): Promise<Answered>
  get(path: string): Promise<Answered>
}

export type Sent = {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

const opened: WalletProxy[] = []
afterEach(async () => {
  for (const proxy of opened.splice(0)) await proxy.close()
})

export async function serve(
  options: {
    readonly market?: Market
    readonly ledger?: Ledger
    readonly payer?: Payer
    readonly policy?: Partial<PolicyOptions>
    readonly paymentTimeoutMs?: number
  } = {},
): Promise<ServedWallet> {
  const market = options.market ?? openMarket()
  const ledger = options.ledger ?? createMemoryLedger()
  const lines: string[] = []
  const client = market.client({
    ledger,
    policy: {
      maxPaymentMsat: '1000 sat',
      maxTotalMsat: '100000 sat',
      allowInvoices: true,
      ...options.policy,
    },
    ...(options.payer !== undefined && { payer: options.payer }),
    ...(options.paymentTimeoutMs !== undefined && { paymentTimeoutMs: options.paymentTimeoutMs }),
  })
  const log = (line: string): void => {
    lines.push(line)
  }
  const orders = createOrders({ client, ledger, log })
  const proxy = await openWalletProxy({
    listen: { host: '127.0.0.1', port: 0 },
    token,
    orders,
    log,
  })
  opened.push(proxy)
  return {
    market,
    ledger,
    proxy,
    lines,
    invoice: async (sat = 10n) => {
      const made = await market.payee.createInvoice({
        amountMsat: (sat * 1000n) as never,
        description: 'something',
        expirySeconds: 600,
      })
      return made.invoice
    },
    pay: (body) => send(proxy.address, order(body)),
    get: (path) => send(proxy.address, { path, headers: bearer }),
  }
}

export const bearer = { authorization: `Bearer ${token}` } as const

/** An order as a program sends it. */
export function order(body: unknown): Sent {
  return {
    method: 'POST',
    path: '/payinvoice',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

/** One exchange, with the headers exactly as given. */
export function send(address: string, sent: Sent): Promise<Answered> {
  const { method = 'GET', path = '/', headers = {}, body } = sent
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, method, path, agent: false, headers: headers as Record<string, string> },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const answered = { status: response.statusCode ?? 0, headers: response.headers }
          resolve({ ...answered, body: text === '' ? undefined : JSON.parse(text) })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
