import { isL402Error } from 'satway'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import type { Screen } from '../cli/screen.ts'
import { openScreen, table } from '../cli/screen.ts'
import { readStandardInput } from '../cli/standard-input.ts'
import { readChallengeLines } from './challenge-facts.ts'
import { readCredentialLines } from './credential-facts.ts'
import { readInvoice } from './invoice-facts.ts'
import { macaroonFacts } from './macaroon-facts.ts'
import { recognise } from './recognise.ts'
import {
  cross,
  invoiceRows,
  macaroonRows,
  renderChallenge,
  renderCredential,
  tick,
} from './render.ts'
import { readMacaroon } from './token.ts'

/** What was read: for programs, for people, and whether all of it is in order. */
export type Decoded = {
  /** `kind` first. */
  readonly json: { readonly kind: string } & Readonly<Record<string, unknown>>
  readonly valid: boolean
  show(screen: Screen): string
}

/** Longest text that is read, in characters: far beyond any header a server accepts. */
const maxLength = 262_144

/** Runs `satway decode`. */
export async function runDecode(given: Given): Promise<number> {
  if (given.has('json') && given.has('text'))
    throw new UsageMistake('--json and --text: one of them')
  const [operand = ''] = given.operands
  const text = operand === '-' ? (await readStandardInput(maxLength)).toString('utf8') : operand
  const nowSeconds = Math.floor(Date.now() / 1000)
  const decoded = decodeText(text, { nowSeconds, showSecrets: given.has('show-secrets') })

  const screen = openScreen(process.stdout)
  const asJson = given.has('json') || (!screen.interactive && !given.has('text'))
  screen.write(asJson ? `${JSON.stringify(decoded.json, null, 2)}\n` : decoded.show(screen))
  return decoded.valid ? exitCodes.ok : exitCodes.failed
}

/**
 * Finds out what a text is, and reads it.
 *
 * @throws {Failure} when it is nothing that can be read. The message never repeats the text.
 */
export function decodeText(
  text: string,
  options: { readonly nowSeconds: number; readonly showSecrets: boolean },
): Decoded {
  if (text.length > maxLength) throw new Failure(`The text is longer than ${maxLength} characters.`)
  const recognised = recognise(text)
  if (recognised.kind === 'unknown') throw new Failure(recognised.reason, { advice })
  try {
    if (recognised.kind === 'invoice') return decodeInvoiceText(recognised.text, options)
    if (recognised.kind === 'macaroon') return decodeMacaroonText(recognised.text, options)
    if (recognised.kind === 'challenge') return decodeChallenges(recognised.lines, options)
    return decodeCredential(recognised.lines, options)
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw new Failure(`This looks like ${article[recognised.kind]}, but: ${error.message}`)
  }
}

const advice =
  'What can be read: an invoice (lnbc…), a macaroon (base64, hex or JSON), a WWW-Authenticate or Authorization line, or what curl printed of a 402.'

const article = {
  invoice: 'an invoice',
  macaroon: 'a macaroon',
  challenge: 'a challenge',
  credential: 'a credential',
} as const

type Options = { readonly nowSeconds: number; readonly showSecrets: boolean }

function decodeInvoiceText(text: string, { nowSeconds }: Options): Decoded {
  const { facts, fault } = readInvoice(text, nowSeconds)
  const signature = fault ?? (facts.payee === null ? 'not checked' : 'valid')
  return {
    json: { kind: 'invoice', ...facts, signature },
    valid: fault === undefined,
    show: (screen) => {
      const rows = table(screen, invoiceRows(screen, facts, nowSeconds))
      return `${screen.bold('BOLT 11 invoice')}\n${rows}${signatureNote(screen, signature)}`
    },
  }
}

function signatureNote(screen: Screen, signature: string): string {
  if (signature === 'valid') return tick(screen, 'Well formed, and signed by the payee above.')
  if (signature === 'not checked') return '  - The signature was not checked.\n'
  return cross(screen, `${signature} Do not pay it.`)
}

function decodeMacaroonText(text: string, { nowSeconds, showSecrets }: Options): Decoded {
  const facts = macaroonFacts(readMacaroon(text), showSecrets)
  return {
    json: { kind: 'macaroon', ...facts },
    valid: true,
    show: (screen) =>
      `${screen.bold('Macaroon')}\n${table(screen, macaroonRows(facts, nowSeconds))}`,
  }
}

function decodeChallenges(lines: readonly string[], { nowSeconds, showSecrets }: Options): Decoded {
  const challenges = readChallengeLines(lines, nowSeconds, showSecrets)
  if (challenges.length === 0) throw new Failure('There is no L402 challenge in it.', { advice })
  return {
    json: { kind: 'challenge', challenges },
    valid: challenges.some(({ faults }) => faults.length === 0),
    show: (screen) =>
      challenges.map((facts) => renderChallenge(screen, facts, nowSeconds)).join('\n'),
  }
}

function decodeCredential(lines: readonly string[], { nowSeconds, showSecrets }: Options): Decoded {
  const facts = readCredentialLines(lines, showSecrets)
  if (facts === undefined) throw new Failure('There is no L402 credential in it.', { advice })
  return {
    json: { kind: 'credential', ...facts },
    valid: facts.provesPayment !== false,
    show: (screen) => renderCredential(screen, facts, nowSeconds),
  }
}
