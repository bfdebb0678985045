import type { Msat } from 'satway'
import { formatMsat, msat } from 'satway'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'
import { pad, padStart, paragraph, shorten, table } from '../cli/screen.ts'
import { cross, invoiceRows, macaroonRows, tick } from '../decode/render.ts'
import { decodePath } from './api.ts'
import type { Call, Check, Credential, DemoEvent, NodeBalance } from './events.ts'
import { renderInvitation } from './invitation.ts'
import { samples } from './samples.ts'

type Of<Name extends DemoEvent['event']> = Extract<DemoEvent, { readonly event: Name }>

/** One event, told to a person. */
export function renderEvent(screen: Screen, event: DemoEvent): string {
  switch (event.event) {
    case 'start':
      return renderTitle(screen, event.notice)
    case 'network':
      return renderNetwork(screen, event)
    case 'listening':
      return renderListening(screen, event)
    case 'request':
      return renderRequest(screen, event)
    case 'response':
      return renderResponse(screen, event)
    case 'challenge':
      return renderChallenge(screen, event)
    case 'checks':
      return `${heading(screen, 4, 'The buyer checks all of it before it pays')}${renderChecks(screen, event.checks)}`
    case 'payment':
      return renderPayment(screen, event)
    case 'answer':
      return renderAnswer(screen, event)
    case 'calls':
      return `${heading(screen, 7, 'More calls, each with a token of its own')}${event.calls.map((call) => renderCall(screen, call)).join('')}`
    case 'books':
      return renderBooks(screen, event)
    case 'activity':
      return `  ${screen.dim('·')} ${event.what}\n`
    case 'ready':
      return renderInvitation(screen, event.instructions)
    case 'done':
      return `\n${screen.dim('Done. Nothing is left running, and no file behind.')}\n`
    default:
      return event satisfies never
  }
}

/** For a screen that is too small for all of it. */
export function renderScrollHint(screen: Screen): string {
  return paragraph(
    screen,
    '',
    'The story of the purchase begins further up: scroll back to read it.',
  )
}

function renderTitle(screen: Screen, notice: string): string {
  const title = 'Satway: an API that sells its answers, and a buyer that pays for them'
  return paragraph(screen, '', title, screen.bold) + paragraph(screen, '', notice, screen.warn)
}

function renderNetwork(screen: Screen, event: Of<'network'>): string {
  const rows = event.nodes.map(({ role, balanceMsat, nodeId }) => {
    return [role, `${pad(formatMsat(balanceMsat), 10)}  ${nodeId}`] as const
  })
  return heading(screen, 1, 'A Lightning network of two nodes') + table(screen, rows)
}

function renderListening(screen: Screen, event: Of<'listening'>): string {
  const { url, insteadOfPort } = event
  const taken =
    insteadOfPort === undefined
      ? ''
      : note(screen, `Port ${insteadOfPort} is taken: another it is.`)
  return (
    heading(screen, 2, 'The seller opens an HTTP API, with a paywall in front') +
    `  ${screen.name(url)}\n${taken}` +
    table(screen, [
      ['GET  /', 'free: what is sold here'],
      [`POST ${decodePath}`, `${event.price} a call: what a BOLT 11 invoice says, as JSON`],
    ])
  )
}

function renderRequest(screen: Screen, event: Of<'request'>): string {
  const line = `  → ${screen.bold(`${event.method} ${event.url}`)}\n`
  if (event.credential !== undefined) {
    return (
      heading(screen, 6, 'It asks again, with the credential') +
      line +
      renderCredential(screen, event.credential)
    )
  }
  const invoice = samples.find(({ name }) => name === event.sample)?.invoice ?? ''
  return (
    heading(screen, 3, 'The buyer asks, without paying') +
    `${line}    {"invoice":"${shorten(invoice, 24, 12)}"}\n` +
    note(screen, `To be decoded: the "${event.sample}" invoice of the BOLT 11 specification.`)
  )
}

function renderCredential(screen: Screen, { token, preimage, caveats }: Credential): string {
  const added = caveats.filter((text) => /^(exp|req) ?=/.test(text))
  const line = `    Authorization: L402 ${screen.dim(`<token ${token}>:<preimage ${preimage}>`)}\n`
  if (added.length === 0) return line
  return (
    line +
    note(
      screen,
      'The buyer narrowed the token first, so that nobody can use this header for more:',
    ) +
    added.map((text) => paragraph(screen, '    ', printable(text))).join('')
  )
}

function renderResponse(screen: Screen, { status, ms }: Of<'response'>): string {
  const phrases: Readonly<Record<number, string>> = { 200: ' OK', 402: ' Payment Required' }
  return `  ← ${screen.bold(`${status}${phrases[status] ?? ''}`)} ${screen.dim(time(ms))}\n`
}

function renderChallenge(screen: Screen, { token, invoice, nowSeconds }: Of<'challenge'>): string {
  return (
    note(screen, 'Its WWW-Authenticate header is a challenge: a token, and an invoice to pay.') +
    `\n  ${screen.bold('The token')}\n` +
    table(screen, macaroonRows(token, nowSeconds), 4) +
    `\n  ${screen.bold('The invoice to pay')}\n` +
    table(screen, invoiceRows(screen, invoice, nowSeconds), 4)
  )
}

function renderPayment(screen: Screen, event: Of<'payment'>): string {
  const cost = `${formatMsat(event.amountMsat)}, and ${formatMsat(event.feeMsat)} for the route`
  return (
    heading(screen, 5, 'It pays the invoice') +
    tick(screen, `Settled: ${cost} ${time(event.ms)}`) +
    renderChecks(screen, [
      {
        ok: event.proven,
        what: `The preimage came back (fingerprint ${event.preimage}), and hashes to the payment hash.`,
      },
    ]) +
    note(
      screen,
      'Token and preimage together are the credential: who has both can show that it paid.',
    )
  )
}

function renderAnswer(screen: Screen, { answer, checks }: Of<'answer'>): string {
  const { network, amount, description, payee, paymentHash, expired } = answer
  const shown = { network, amount, description, payee, paymentHash, expired }
  const lines = JSON.stringify(shown, null, 2).replace(/\n}$/, ',\n  …\n}').split('\n')
  return lines.map((line) => `    ${screen.name(line)}\n`).join('') + renderChecks(screen, checks)
}

function renderCall(screen: Screen, call: Call): string {
  const { amount, description, descriptionHash } = call.answer
  const what =
    description === null
      ? `described by hash ${shorten(descriptionHash ?? '', 8, 0)}`
      : `"${printable(description)}"`
  const cost = `${formatMsat(call.amountMsat)} + ${formatMsat(call.feeMsat)}`
  const indent = 14
  const facts = `${call.status}  ${amount ?? 'any amount'}, ${what}`
  const bought = `paid ${cost}, answered in ${call.ms} ms`
  return (
    paragraph(screen, `  ${screen.good('✓')} ${pad(call.sample, indent - 4)}`, facts) +
    paragraph(screen, ' '.repeat(indent), bought, screen.dim)
  )
}

function renderBooks(screen: Screen, event: Of<'books'>): string {
  const head = [pad('', 8), ...['before', 'after', 'change'].map((text) => padStart(text, 16))]
  let text = `${heading(screen, 8, 'The books')}  ${screen.dim(head.join(''))}\n`
  for (const [i, node] of event.after.entries()) {
    text += bookLine(node.role, balanceAt(event.before, i), node.balanceMsat)
  }
  text += bookLine('fees', msat(0n), event.feesMsat)
  text += screen.bold(bookLine('sum', event.totalBeforeMsat, event.totalAfterMsat))
  return text + renderChecks(screen, event.checks)
}

function bookLine(name: string, before: Msat, after: Msat): string {
  const change = after - before
  const sign = change === 0n ? '' : change > 0n ? '+' : '−'
  const columns = [
    formatMsat(before),
    formatMsat(after),
    sign + formatMsat(msat(change < 0n ? -change : change)),
  ]
  return `  ${pad(name, 8)}${columns.map((text) => padStart(text, 16)).join('')}\n`
}

function balanceAt(balances: readonly NodeBalance[], index: number): Msat {
  return balances[index]?.balanceMsat ?? msat(0n)
}

function renderChecks(screen: Screen, checks: readonly Check[]): string {
  return checks.map(({ ok, what }) => (ok ? tick(screen, what) : cross(screen, what))).join('')
}

function heading(screen: Screen, number: number, text: string): string {
  return `\n${screen.bold(`${number}  ${text}`)}\n`
}

function note(screen: Screen, text: string): string {
  return paragraph(screen, '  ', text, screen.dim)
}

function time(ms: number): string {
  return ms < 1 ? '(in less than 1 ms)' : `(${ms} ms)`
}
