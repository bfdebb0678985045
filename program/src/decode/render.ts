import { printable } from '../cli/printable.ts'
import type { Row, Screen } from '../cli/screen.ts'
import { paragraph, table } from '../cli/screen.ts'
import type { ChallengeFacts } from './challenge-facts.ts'
import type { CredentialFacts } from './credential-facts.ts'
import type { HopFacts, InvoiceFacts } from './invoice-facts.ts'
import type { CaveatFacts, MacaroonFacts } from './macaroon-facts.ts'
import { relativeTime } from './notation.ts'

/** An invoice's fields, one a row. */
export function invoiceRows(
  screen: Screen,
  facts: InvoiceFacts,
  nowSeconds: number,
): readonly Row[] {
  const rows: Row[] = [
    ['network', networkNote(facts.network)],
    ['amount', amountNote(facts), screen.bold],
    facts.descriptionHash === null
      ? ['description', quoted(facts.description ?? '')]
      : ['description', `by its SHA-256 only: ${facts.descriptionHash}`],
    ['payee', facts.payee ?? 'not known: no signature was verified'],
    ['payment hash', facts.paymentHash],
    ['made', `${facts.timestamp}, ${age(facts.timestamp, nowSeconds)}`],
    expiryRow(screen, facts, nowSeconds),
    ['features', facts.features.map(featureNote).join(', ') || 'none'],
    ['final delta', `${facts.minFinalCltvExpiry} blocks`],
  ]
  for (const route of facts.routes) rows.push(['route', route.map(hopNote).join(' → ')])
  for (const { kind, program } of facts.fallbacks) rows.push(['fallback', `${kind} ${program}`])
  if (facts.metadata !== null) rows.push(['metadata', facts.metadata])
  for (const warning of facts.warnings) rows.push(['warning', warning, screen.warn])
  return rows
}

/** A macaroon's fields, one a row. */
export function macaroonRows(facts: MacaroonFacts, nowSeconds: number): readonly Row[] {
  const rows: Row[] = []
  if (facts.location !== null) rows.push(['location', `${quoted(facts.location)} (unsigned)`])
  if (facts.l402 === null) rows.push(['identifier', `not of L402: ${facts.identifier}`])
  if (facts.l402 !== null) {
    rows.push(['identifier', `L402 version ${facts.l402.version}`])
    rows.push(['payment hash', facts.l402.paymentHash])
    rows.push(['token id', facts.l402.tokenId])
  }
  for (const caveat of facts.caveats) rows.push(['caveat', caveatNote(caveat, nowSeconds)])
  if (facts.caveats.length === 0) rows.push(['caveats', 'none: it does not expire'])
  rows.push(['signature', secretNote(facts.signature, facts.fingerprint)])
  return rows
}

/** `decode` of one challenge. */
export function renderChallenge(screen: Screen, facts: ChallengeFacts, nowSeconds: number): string {
  let text = `${screen.bold(`${facts.scheme} challenge`)}\n`
  if (facts.token !== null) text += table(screen, macaroonRows(facts.token, nowSeconds))
  if (facts.token === null && facts.invoice !== null) {
    text += table(screen, [opaqueRow])
  }
  if (facts.invoice !== null) {
    text += `\n${screen.bold('  Invoice')}\n${table(screen, invoiceRows(screen, facts.invoice, nowSeconds))}\n`
  }
  for (const [name, value] of Object.entries(facts.extra)) {
    text += table(screen, [[printable(name), quoted(value)]])
  }
  if (facts.hashesMatch === true) text += tick(screen, 'The token commits to this invoice.')
  if (facts.hashesMatch === null)
    text += '  - Whether the token is for this invoice cannot be told.\n'
  for (const fault of facts.faults) text += cross(screen, fault)
  if (facts.faults.length === 0) text += tick(screen, 'Nothing was found that forbids paying it.')
  return text
}

/** `decode` of a credential. */
export function renderCredential(
  screen: Screen,
  facts: CredentialFacts,
  nowSeconds: number,
): string {
  const rows: Row[] = facts.tokens.flatMap((token) => {
    return token === null ? [opaqueRow] : macaroonRows(token, nowSeconds)
  })
  rows.push(['preimage', secretNote(facts.preimage, facts.preimageFingerprint)])
  let text = `${screen.bold(`${facts.schemes.join(' and ')} credential`)}\n${table(screen, rows)}`
  if (facts.provesPayment === true) {
    text += tick(screen, 'The preimage proves the payment that the token commits to.')
  }
  if (facts.provesPayment === false) {
    text += cross(screen, 'The preimage does not hash to the payment hash in the token.')
  }
  if (facts.provesPayment === null) text += '  - Whether the preimage fits cannot be told.\n'
  return text
}

export function tick(screen: Screen, text: string): string {
  return paragraph(screen, `  ${screen.good('✓')} `, text)
}

export function cross(screen: Screen, text: string): string {
  return paragraph(screen, `  ${screen.bad('✗')} `, text)
}

const opaqueRow: Row = ['token', 'opaque: no macaroon; a client sends it back as it is']

function secretNote(secret: string | null, fingerprint: string): string {
  return secret ?? `a secret; its fingerprint is ${fingerprint}`
}

function caveatNote(caveat: CaveatFacts, nowSeconds: number): string {
  const text = caveat.encoding === 'hex' ? `bytes ${caveat.text}` : printable(caveat.text)
  const time = caveat.time === null ? '' : `  (${caveat.time}, ${age(caveat.time, nowSeconds)})`
  if (caveat.party === 'first') return text + time
  return `${text} (third party: needs a discharge from ${quoted(caveat.location ?? '')})`
}

function expiryRow(screen: Screen, facts: InvoiceFacts, nowSeconds: number): Row {
  const when = age(facts.expiresAt, nowSeconds)
  if (facts.expired) return ['expired', `${facts.expiresAt}, ${when}`, screen.bad]
  return ['expires', `${facts.expiresAt}, ${when}`]
}

function amountNote(facts: InvoiceFacts): string {
  if (facts.amountMsat === null) return 'any: the payer chooses'
  const btc = Number(facts.amountMsat) / 1e11
  return btc >= 0.001 ? `${facts.amount} (${btc} BTC)` : String(facts.amount)
}

function networkNote(network: string): string {
  if (network === 'bitcoin') return 'bitcoin (real money)'
  return `${network} (no real money)`
}

function featureNote(feature: InvoiceFacts['features'][number]): string {
  return `${feature.name ?? 'unknown'} (${feature.bit}, ${feature.required ? 'required' : 'offered'})`
}

function hopNote(hop: HopFacts): string {
  return `${hop.nodeId} over ${hop.shortChannelId}, ${hop.feeBaseMsat} msat + ${hop.feeProportionalMillionths} ppm`
}

function age(iso: string, nowSeconds: number): string {
  const seconds = Date.parse(iso) / 1000
  return Number.isNaN(seconds) ? 'far away' : relativeTime(seconds, nowSeconds)
}

function quoted(text: string): string {
  return `"${printable(text)}"`
}
