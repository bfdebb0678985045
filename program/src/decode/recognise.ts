import { readBodyOf402 } from './body.ts'
import { nameForeign } from './foreign.ts'

/** What a text looks like, by its first characters. Only the decoder can tell whether it is one. */
export type Recognised =
  | { readonly kind: 'invoice'; readonly text: string }
  | { readonly kind: 'macaroon'; readonly text: string }
  | { readonly kind: 'challenge'; readonly lines: readonly string[] }
  | { readonly kind: 'credential'; readonly lines: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Also as `curl -v` writes it, with a mark for the direction. */
const headerLine = /^\s*(?:[<>] ?)?(www-authenticate|authorization)\s*:(.*)$/i
const responseStart = /^(?:< ?)?HTTP\/[\d.]+ \d{3}/m

/** Total: never throws. */
export function recognise(input: string): Recognised {
  const text = input.trim()
  if (text === '') return unknown('It is empty.')
  const recognised = readHeaders(text) ?? readText(text)
  return isExample(recognised) ? unknown(placeholder) : recognised
}

function readText(text: string): Recognised {
  const bare = text.replace(/^lightning:(\/\/)?/i, '')
  if (/^ln(bc|tb|sb)/i.test(bare)) return { kind: 'invoice', text: bare }
  const inLink = /^bitcoin:.*[?&]lightning=(ln(?:bc|tb|sb)[^&#]*)/is.exec(text)?.[1]
  if (inLink !== undefined) return { kind: 'invoice', text: inLink }
  const foreign = nameForeign(bare)
  if (foreign !== undefined) return unknown(foreign)
  if (responseStart.test(text)) {
    return unknown('It is an HTTP response, but it has no WWW-Authenticate line.')
  }

  const body = readBodyOf402(text)
  if (body !== undefined && 'challenge' in body) {
    return { kind: 'challenge', lines: [body.challenge] }
  }
  if (body !== undefined) return { kind: 'invoice', text: body.invoice }
  if (credentialValue.test(text)) return { kind: 'credential', lines: [withScheme(text)] }
  if (text.startsWith('{')) {
    if (/"(i|i64|identifier)"\s*:/.test(text)) return { kind: 'macaroon', text }
    return unknown('It is JSON, but neither a macaroon nor a challenge.')
  }
  if (/\b(l402|lsat)\s/i.test(text)) return { kind: 'challenge', lines: [text] }
  if (/^[\w+/=.…-]+$/.test(text)) return { kind: 'macaroon', text }
  return unknown('It looks like none of what `satway help decode` lists.')
}

/** `token:preimage`, with or without its scheme; several tokens have commas between them. */
const credentialValue = /^((l402|lsat)\s+)?[\w+/=,.…-]+:([0-9a-f]*|\.{3}|…)$/i

function withScheme(text: string): string {
  return /^(l402|lsat)\s/i.test(text) ? text : `L402 ${text}`
}

function readHeaders(text: string): Recognised | undefined {
  const values = new Map<string, string[]>([
    ['www-authenticate', []],
    ['authorization', []],
  ])
  for (const line of text.split(/\r?\n/)) {
    const match = headerLine.exec(line)
    if (match === null) continue
    const [, name = '', value = ''] = match
    values.get(name.toLowerCase())?.push(value.trim())
  }
  const [challenges = [], credentials = []] = values.values()
  if (challenges.length > 0) return { kind: 'challenge', lines: challenges }
  if (credentials.length > 0) return { kind: 'credential', lines: credentials }
  return undefined
}

const placeholder =
  'It has "..." where a text was left out, as examples do: put in the whole text that a server gave.'

/** No token and no invoice has three dots in it. Other parameters of a challenge may. */
function isExample(recognised: Recognised): boolean {
  if (recognised.kind === 'unknown') return false
  if ('text' in recognised) return !recognised.text.startsWith('{') && dots.test(recognised.text)
  const cut = /\b(token|macaroon|invoice)\s*=\s*"?[^",\s]*(\.{3}|…)|<(token|macaroon)>/i
  const pattern = recognised.kind === 'challenge' ? cut : dots
  return recognised.lines.some((line) => pattern.test(line))
}

const dots = /\.{3}|…/

function unknown(reason: string): Recognised {
  return { kind: 'unknown', reason }
}
