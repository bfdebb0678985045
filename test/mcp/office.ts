import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallToolResult } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/client'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { afterEach } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import type {
  Approved,
  Ledger,
  PaymentEntry,
  PolicyOptions,
  Proposal,
  TokenStore,
} from '../../library/src/client/index.ts'
import {
  createClient,
  createMemoryLedger,
  createMemoryTokenStore,
} from '../../library/src/client/index.ts'
import type { Journal, PaymentSummary, Receipt } from '../../library/src/journal/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import type { Agent } from '../../program/src/agent/agent.ts'
import { listening } from '../../program/src/agent/asked.ts'
import { askPrice, perform, resumeCall } from '../../program/src/agent/perform.ts'
import type { Calls } from '../../program/src/mcp/calls.ts'
import { createCalls } from '../../program/src/mcp/calls.ts'
import { createSaves } from '../../program/src/mcp/download-room.ts'
import type { Parts } from '../../program/src/mcp/parts.ts'
import { createServers } from '../../program/src/mcp/server.ts'
import type { CallReport, PolicyView } from '../../program/src/schema/index.ts'
import type { Market } from '../client/market.ts'

export type Era = 'legacy' | 'modern'

/** A spender in memory, the MCP server over it, and what it wrote to its log. */
export type Office = {
  readonly agent: Agent
  readonly parts: Parts
  readonly calls: Calls
  readonly ledger: Ledger
  readonly tokens: TokenStore
  readonly log: readonly string[]
  readonly home: string
  /** A model's host, connected. */
  connect(era?: Era): Promise<Client>
}

const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Loopback is private: a policy that says nothing about it lets no model ask there. */
export const localPolicy: PolicyOptions = {
  maxPaymentMsat: '100 sat',
  maxTotalMsat: '1000 sat',
  maxFeeMsat: '5 sat',
  allowPrivateHosts: ['127.0.0.1'],
}

export function openOffice(
  market: Market,
  options: {
    readonly policy?: PolicyOptions
    readonly approve?: (proposal: Proposal) => Approved
    readonly allowDelegate?: boolean
    readonly maxCalls?: number
    readonly paymentTimeoutMs?: number
    readonly payer?: Payer
  } = {},
): Office {
  const { policy = localPolicy, approve, allowDelegate = false, maxCalls = 128 } = options
  const home = mkdtempSync(join(tmpdir(), 'satway-mcp-'))
  closers.push(() => rmSync(home, { recursive: true, force: true }))
  const { now } = market
  const payer = options.payer ?? market.buyer
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  const client = createClient({
    policy: approve === undefined ? policy : { ...policy, approve },
    payer,
    ledger,
    tokens,
    now,
    fetch: listening(
      (url, init) => fetch(url, init),
      () => undefined,
    ),
    ...(options.paymentTimeoutMs !== undefined && { paymentTimeoutMs: options.paymentTimeoutMs }),
  })
  const agent: Agent = {
    home: {
      folder: home,
      journalFile: join(home, 'journal.db'),
      receiptsFile: join(home, 'receipts.jsonl'),
      policyFile: join(home, 'policy.yaml'),
      configFile: join(home, 'config.yaml'),
      downloadFolder: join(home, 'downloads'),
    },
    client,
    journal: memoryJournal(ledger, tokens),
    policy: { current: () => filePolicy, view: () => policyView },
    payer,
    walletKind: 'devnet',
    openWallet: async () => ({
      kind: 'devnet',
      network: payer.network,
      payee: undefined,
      payer,
      examine: async () => ({
        network: payer.network,
        notReady: undefined,
        powers: { receive: false, spend: true, beyond: [] },
        nowSeconds: undefined,
      }),
      close: () => undefined,
    }),
    walletLooksUp: true,
    realMoney: false,
    downloadsMaxBytes: 2 * 1024 ** 3,
    transport: { fetch: (url, init) => fetch(url, init), close: () => undefined },
    keepReconciling: () => undefined,
    close: async () => undefined,
  }
  const log: string[] = []
  const calls = createCalls(maxCalls)
  const parts: Parts = {
    agent,
    perform,
    askPrice,
    resumeCall,
    calls,
    saves: createSaves(4),
    allowDelegate,
    now,
    log: (line) => log.push(line),
  }
  const factory = createServers(parts, '0.0.0')
  return {
    agent,
    parts,
    calls,
    ledger,
    tokens,
    log,
    home,
    connect: async (era = 'modern') => {
      const [near, far] = InMemoryTransport.createLinkedPair()
      const serving = serveStdio(factory, { transport: far })
      const host = new Client(
        { name: 'host', version: '0.0.0' },
        era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {},
      )
      await host.connect(near)
      closers.push(async () => {
        await host.close()
        await serving.close()
      })
      return host
    },
  }
}

/** Calls a tool, as a model does. */
export async function call(
  host: Client,
  name: string,
  given: Record<string, unknown> = {},
): Promise<CallToolResult> {
  return await host.callTool({ name, arguments: given })
}

/** All texts of a result, as a model reads them. */
export function textOf({ content }: CallToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
}

export function reportOf({ structuredContent }: CallToolResult): CallReport {
  return structuredContent as CallReport
}

/** Everything of a result that could reach a model. */
export function everythingIn(result: CallToolResult): string {
  return JSON.stringify(result)
}

/** What the policy would say of itself: nothing is asked about. */
const filePolicy = { maxPaymentMsat: msat(100_000n), maxTotalMsat: msat(1_000_000n) }

const policyView: PolicyView = {
  file: null,
  inForce: true,
  mistakes: [],
  perPaymentMsat: '100000',
  maxFeeMsat: '5000',
  perHourMsat: null,
  perDayMsat: null,
  perHostMsat: null,
  totalMsat: '1000000',
  autoUpToMsat: null,
  newHosts: null,
  allowHosts: null,
  denyHosts: [],
  allowPayees: null,
  denyPayees: [],
  networks: null,
  invoices: false,
}

/** Receipts are another part's work: here they are a list. */
export const receipts: Receipt[] = []

function summaryOf(entries: readonly PaymentEntry[]): PaymentSummary {
  const counts = { intent: 0, sending: 0, unknown: 0, settled: 0, failed: 0 }
  const hosts = new Map<string, bigint>()
  for (const { state, host, amountMsat, feeMsat, maxFeeMsat } of entries) {
    counts[state] += 1
    if (state === 'failed') continue
    hosts.set(host, (hosts.get(host) ?? 0n) + amountMsat + (feeMsat ?? maxFeeMsat))
  }
  const byCost = [...hosts].sort(([, one], [, other]) => Number(other - one))
  return { counts, hosts: byCost.map(([host, cost]) => ({ host, takenMsat: msat(cost) })) }
}

function memoryJournal(ledger: Ledger, tokens: TokenStore): Journal {
  const never = (): never => {
    throw new Error('no tool calls this')
  }
  return {
    path: '/dev/null',
    ledger: { ...ledger, summary: async () => summaryOf(await ledger.list()), named: never },
    tokens: {
      ...tokens,
      latest: async ({ origin, standing, limit } = {}) =>
        (await tokens.list())
          .filter((token) => origin === undefined || token.origin === origin)
          .filter((token) => standing === undefined || token.standing === standing)
          .toReversed()
          .slice(0, limit),
      named: never,
    },
    receipts: {
      path: '/dev/null',
      note: async () => undefined,
      list: async ({ origin, limit = 1000 } = {}) =>
        receipts.filter((one) => origin === undefined || one.origin === origin).slice(-limit),
      verify: never,
      exportCsv: never,
      restore: never,
    },
    approvals: { ask: never, decide: never, find: never, list: never },
    keyPlace: 'memory',
    close: async () => undefined,
  }
}
