import { formatMsat, msat } from 'satway'
import type { ReceiptView, TokenView } from '../schema/index.ts'
import type { ReceiptList, TokenList } from './outputs.ts'
import { untrusted } from './results.ts'

// Some hosts show a model the text of a result and nothing else: what it takes to go on is in there.

/** So many lines of each kind; all of them are in the structured content. */
const maxLines = 20
const maxWhere = 264

/** The latest tokens and open purchases, a line each. What sellers chose is marked and comes last. */
export function tokenWords({ tokens, truncated, resumable }: TokenList): string {
  const all = truncated ? `More than ${tokens.length} tokens` : count(tokens.length, 'token')
  const shown = tokens.slice(0, maxLines)
  return [
    heading(all, tokens.length > maxLines || truncated),
    ...shown.map(tokenLine),
    ...openLines(resumable),
  ].join('\n')
}

/** The latest receipts, oldest first, a line each. */
export function receiptWords({ receipts }: ReceiptList): string {
  const shown = receipts.slice(-maxLines)
  const all = count(receipts.length, 'receipt')
  return [heading(all, receipts.length > maxLines), ...shown.map(receiptLine)].join('\n')
}

function openLines(open: TokenList['resumable']): readonly string[] {
  if (open.length === 0) return []
  const lines = open.slice(0, maxLines).map((payment) => {
    const { paymentHash, outcome, amountMsat, startedAt, method, url, hasBody } = payment
    const body = hasBody ? ', give its body again' : ''
    return `${paymentHash} ${outcome}, ${amountOf(amountMsat)}, ${startedAt}${body}, ${method} ${url}`
  })
  const all = `${count(open.length, 'purchase')} for resume, which pays nothing`
  return [heading(all, open.length > maxLines), ...lines]
}

function tokenLine(token: TokenView): string {
  const { id, standing, amountMsat, boughtAt, paymentHash, origin, target, uses, usesSeen } = token
  const used = uses === null ? '' : `, ${usesSeen} of ${uses} uses`
  const facts = `${standing}, ${amountOf(amountMsat)}, bought ${boughtAt}${used}`
  return `${id} ${facts}, payment hash ${paymentHash}, ${untrusted(origin, maxWhere)}, ${target}`
}

function receiptLine(receipt: ReceiptView): string {
  const { seq, time, kind, amountMsat, feeMsat, code, reason, paymentHash, origin, path } = receipt
  const facts = [
    kind,
    ...(amountMsat === null ? [] : [amountOf(amountMsat)]),
    ...(feeMsat === null ? [] : [`fee ${amountOf(feeMsat)}`]),
    ...(code === null ? [] : [reason === null ? code : `${code} (${reason})`]),
    ...(paymentHash === null ? [] : [`payment hash ${paymentHash}`]),
    ...(origin === null ? [] : [untrusted(origin, maxWhere)]),
    ...(path === null ? [] : [path]),
  ]
  return `#${seq} ${time} ${facts.join(', ')}`
}

function heading(all: string, isCut: boolean): string {
  return isCut ? `${all}, of which the latest ${maxLines} are:` : `${all}.`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function amountOf(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
