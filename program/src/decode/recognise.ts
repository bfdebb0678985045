/** What a text looks like, by its first characters. Only the decoder can tell whether it is one. */
export type Recognised =
  | { readonly kind: 'invoice'; readonly text: string }
  | { readonly kind: 'macaroon'; readonly text: string }
  | { readonly kind: 'challenge'; readonly lines: readonly string[] }
  | { readonly kind: 'credential'; readonly lines: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string }

const headerLine = /^\s*(www-authenticate|authorization)\s*:(.*)$/i

/** Total: never throws. */
export function recognise(input: string): Recognised {
  const text = input.trim()
  if (text === '') return unknown('It is empty.')
  const headers = readHeaders(text)
  if (headers !== undefined) return headers
  if (/^HTTP\/[\d.]+ \d{3}/.test(text)) {
    return unknown('It is an HTTP response, but it has no WWW-Authenticate line.')
  }

  if (/^(lightning:)?ln(bc|tb|sb)/i.test(text)) return { kind: 'invoice', text }
  if (/^(lightning:)?ln[or]1|^lni1/i.test(text))
    return unknown('BOLT 12 is not read in this release.')
  if (/^lnurl1/i.test(text)) return unknown('LNURL is not an invoice: ask its service for one.')
  if (credentialValue.test(text)) return { kind: 'credential', lines: [withScheme(text)] }
  if (/\b(l402|lsat)\s/i.test(text)) return { kind: 'challenge', lines: [text] }
  if (text.startsWith('{') || /^[\w+/=-]+$/.test(text)) return { kind: 'macaroon', text }
  return unknown('It looks like none of what `satway help decode` lists.')
}

/** `token:preimage`, with or without its scheme; several tokens have commas between them. */
const credentialValue = /^((l402|lsat)\s+)?[\w+/=,-]+:[0-9a-f]*$/i

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

function unknown(reason: string): Recognised {
  return { kind: 'unknown', reason }
}
