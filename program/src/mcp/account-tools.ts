import type { McpServer } from '@modelcontextprotocol/server'
import { formatMsat, msat } from 'satway'
import type { StoredToken } from 'satway/client'
import { findResumable, readSpending } from '../agent/index.ts'
import { viewReceipt } from '../receipts/index.ts'
import type { ReceiptView, SpendingView, TokenView, WalletStatus } from '../schema/index.ts'
import { spendingView, walletStatus } from '../schema/index.ts'
import { viewToken } from '../tokens/index.ts'
import { statusOf } from '../wallet-proxy/index.ts'
import { receiptWords, tokenWords } from './account-words.ts'
import { noInput, receiptsInput, tokensInput } from './inputs.ts'
import type { ReceiptList, TokenList } from './outputs.ts'
import { receiptList, tokenList } from './outputs.ts'
import type { Parts } from './parts.ts'
import { readOrigin } from './request.ts'
import { accountResult, untrusted } from './results.ts'
import { answer } from './tool-call.ts'

type Resumable = TokenList['resumable'][number]

const maxTokens = 200
const defaultReceipts = 50
const maxPath = 200

const brokenPolicy =
  'The policy file has mistakes: nothing is paid until the person mends it (`satway policy show`).'

const looksOnly = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const

/**
 * The tools that tell what was spent and bought, and ask no server: `spending`, `tokens`,
 * `receipts`; and `wallet_status`, which asks the wallet.
 *
 * @spec mcp.md R-MCP-42
 */
export function registerAccountTools(server: McpServer, parts: Parts): void {
  const { agent, now } = parts

  server.registerTool(
    'spending',
    {
      title: 'What was spent',
      description:
        'What was spent, what is set aside for payments without an end, and what the limits of the person are. Amounts are msat (1000 msat = 1 sat).',
      inputSchema: noInput,
      outputSchema: spendingView,
      annotations: looksOnly,
    },
    (_given, ctx) =>
      answer(parts, 'spending', ctx, async () => {
        const view = await readSpending(agent, now())
        const { inForce } = agent.policy.view()
        const words = inForce ? spendingWords(view) : `${brokenPolicy}\n${spendingWords(view)}`
        return { result: accountResult(words, view), log: 'ok' }
      }),
  )

  server.registerTool(
    'tokens',
    {
      title: 'What was bought',
      description:
        'The tokens that were bought, latest first, without what is secret about them, and the purchases that resume can go on with. fetch uses tokens by itself. Names and paths are the sellers’ words, marked as untrusted.',
      inputSchema: tokensInput,
      outputSchema: tokenList,
      annotations: looksOnly,
    },
    (given, ctx) =>
      answer(parts, 'tokens', ctx, async () => {
        const origin = given.origin === undefined ? undefined : readOrigin(given.origin)
        const found = await agent.journal?.tokens.latest({
          // One more than is listed tells whether there are more.
          limit: maxTokens + 1,
          ...(origin !== undefined && { origin }),
        })
        const open =
          agent.journal === undefined ? [] : (await findResumable(agent.journal)).payments
        const list = {
          ...listTokens(found ?? []),
          resumable: open
            .filter((payment) => origin === undefined || payment.origin === origin)
            .slice(0, maxTokens)
            .map(shownPayment),
        }
        return { result: accountResult(tokenWords(list), list), log: 'ok' }
      }),
  )

  server.registerTool(
    'receipts',
    {
      title: 'What was decided and paid',
      description:
        'The latest decisions and payments, oldest first: what was refused and why, what was paid, what was delivered. Paths may be the words of a server, and are marked as untrusted.',
      inputSchema: receiptsInput,
      outputSchema: receiptList,
      annotations: looksOnly,
    },
    (given, ctx) =>
      answer(parts, 'receipts', ctx, async () => {
        const { origin, sinceSeconds, limit = defaultReceipts } = given
        const found = await agent.journal?.receipts.list({
          limit,
          ...(origin !== undefined && { origin: readOrigin(origin) }),
          ...(sinceSeconds !== undefined && { sinceSeconds }),
        })
        const list: ReceiptList = {
          receipts: (found ?? []).map((receipt) => shownReceipt(viewReceipt(receipt))),
        }
        return { result: accountResult(receiptWords(list), list), log: 'ok' }
      }),
  )

  server.registerTool(
    'wallet_status',
    {
      title: 'Whether the wallet answers',
      description: 'Whether the wallet answers, and on which network it pays.',
      inputSchema: noInput,
      outputSchema: walletStatus,
      annotations: { ...looksOnly, openWorldHint: true },
    },
    (_given, ctx) =>
      answer(parts, 'wallet_status', ctx, async ({ signal }) => {
        const status = await statusOf(agent, signal)
        const log = status.reachable ? 'reachable' : 'not reachable'
        return { result: accountResult(walletWords(status), status), log }
      }),
  )
}

function listTokens(latest: readonly StoredToken[]): Omit<TokenList, 'resumable'> {
  return {
    tokens: latest.slice(0, maxTokens).map((token) => shownToken(viewToken(token))),
    truncated: latest.length > maxTokens,
  }
}

/** A query may hold somebody else's key. Everything else here was chosen by a seller, or a redirect. */
function shownToken(view: TokenView): TokenView {
  return {
    ...view,
    target: untrusted(view.target.replace(/\?.*$/s, '?…'), maxPath),
    service: view.service === null ? null : untrusted(view.service),
    capability: view.capability === null ? null : untrusted(view.capability),
    enforces: view.enforces.map((condition) => untrusted(condition)),
  }
}

function shownPayment(payment: Resumable): Resumable {
  return { ...payment, url: untrusted(payment.url.replace(/\?.*$/s, '?…'), maxPath) }
}

function shownReceipt(view: ReceiptView): ReceiptView {
  return { ...view, path: view.path === null ? null : untrusted(view.path, maxPath) }
}

function spendingWords(view: SpendingView): string {
  const { inForce, hour, day, total, heldMsat, payments } = view
  const line = (name: string, { spentMsat, limitMsat }: SpendingView['hour']): string => {
    if (!inForce) return `${name}: ${amountOf(spentMsat)}`
    const most = limitMsat === null ? 'no limit' : `of ${amountOf(limitMsat)}`
    return `${name}: ${amountOf(spentMsat)} ${most}`
  }
  const held = `Set aside for payments without an end: ${amountOf(heldMsat)}.`
  const { settled, unknown, failed } = payments
  return [
    line('In the last hour', hour),
    line('In the last day', day),
    line('In all', total),
    held,
    `Payments: ${settled} settled, ${unknown} unknown, ${failed} failed.`,
    ...(inForce ? [] : ['Nothing may be spent: the operator’s policy is broken.']),
  ].join('\n')
}

function walletWords({ kind, network, reachable, realMoney, problem }: WalletStatus): string {
  if (network === null) return problem ?? 'There is no wallet.'
  const money = realMoney ? 'real money' : 'no real money'
  const state = reachable ? 'It answers.' : `It does not answer. ${problem ?? ''}`
  return `Wallet ${kind} on ${network}, ${money}. ${state}`.trim()
}

function amountOf(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
